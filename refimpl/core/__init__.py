"""The paper in plain formulas, to be read in one sitting.

In this order: `activations`, `loss`, `network`, `two_layer`, `dense`, `deep`,
`objective`, `risk`; `dropout`, `expectation`; `r1`, `r2_tilde`, `modified_losses`;
`optimizers`, `training`. Every computing line is the formula beside it; what computes
the same numbers sooner is in `refimpl.fast`, for which this room is the oracle. Imports
`arrays` only.
"""
