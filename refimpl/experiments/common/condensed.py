"""What is claimed of numbers of orientations, and how it is decided."""

import numpy as np

from refimpl.experiments.common.claims import above, at_most
from refimpl.experiments.common.statistics import paired

COUNT = (
    "number of orientations (cosine similarity above 0.95, signed) that carry 90% of "
    "the amplitude of the first hidden layer"
)
MEDIAN = f"{COUNT}, median over seeds"
CHANGE = f"{COUNT}, trained minus initial, mean over seeds"

FEW = at_most(4)  # the paper's two directions and their opposites
KEPT = above(-1)  # of `CHANGE`: does not condense


def median(claim, counts, detail=""):
    """Result of a `claim` on the median of the counts (S,) over seeds."""
    by_seed = f"by seed: {counts.tolist()}"
    return claim.counted(
        np.median(counts), f"{by_seed}; {detail}" if detail else by_seed
    )


def change(claim, counts):
    """Result of a `claim` on the mean change of the counts (S, T) from first to last."""
    return claim.estimated(paired(counts[:, -1] - counts[:, 0]))
