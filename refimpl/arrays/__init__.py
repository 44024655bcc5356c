"""Arrays, NumPy's or CuPy's: whose they are, moving them, and what arguments must be.

`backend` finds the array module of the arguments, `checks` and `shapes` refuse what a
function cannot take, `returned` what it cannot use of what comes back, `types` names
what type hints say. Imports nothing of the package.
"""
