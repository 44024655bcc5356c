"""What is measured of weights and loss.

Condensation, the loss along lines, the Hessian and its spectrum, and the baselines that
dropout is compared with. Imports `arrays`, `core`, `fast`, `theory` and `data`.
"""
