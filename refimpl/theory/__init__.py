"""What the paper derives beyond its definitions, and what it leaves open.

R_2 and the covariance of dropout's gradient in closed form (`r2`, `gradient_noise`),
Theorem 1 (`contributions`, `kinks`, `linear_skip`, `zero_loss`), Theorem 2
(`jacobian`), modified equations (`flow`, `iterates`), and other losses and layers
(`delta_method`). Imports `arrays` and `core`.
"""
