"""What is claimed of numbers of orientations."""

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


def change(counts):
    """Mean over seeds of the change of the counts (S, T) from first to last."""
    return paired(counts[:, -1] - counts[:, 0])
