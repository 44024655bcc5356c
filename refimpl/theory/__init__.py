"""What the paper derives beyond its definitions, and what it leaves open.

R_2 and the covariance of dropout's gradient in closed form (`r2`, `gradient_noise`),
Theorem 1 (`contributions`, `kinks`, `linear_skip`, `zero_loss`), Theorem 2
(`jacobian`), modified equations (`flow`, `iterates`, `balance`), other losses and
layers (`main_effects`, `central_limit`, `delta_method`), and where the minimum of R_S +
R_1 is known (`linear_networks`, `infinite_width`). Imports `arrays` and `core`.
"""
