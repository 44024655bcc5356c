"""What is claimed of numbers of orientations."""

from refimpl.experiments.common.claims import above, at_most
from refimpl.experiments.common.statistics import paired_ratio


def count(cosine):
    """The number of orientations in words."""
    return (
        f"number of orientations (cosine similarity above {cosine:g}, signed) that "
        "carry 90% of the amplitude of the first hidden layer"
    )


# At the coarse resolution and at the fine one, `features.COARSE` and `features.FINE`.
COUNT, FINELY = count(0.95), count(0.995)
FINE_MEDIAN = f"{FINELY}, median over seeds"
LEFT = f"{FINELY}, trained over initial, geometric mean over seeds"

FEW = at_most(4)  # the paper's two directions and their opposites
KEPT = above(0.9)  # of `LEFT`: does not condense

RESOLUTION = (
    "Orientations were first counted at cosine 0.95, where 9 fill the circle and the "
    "four lines count as two to four; now at 0.995."
)
KEPT_RULE = (
    f"{RESOLUTION} The rule was a loss of less than one orientation of 9; it is now "
    "less than a tenth."
)


def left(counts):
    """Share of the counts (S, T) that is left from first to last, mean over seeds."""
    return paired_ratio(counts[:, -1], counts[:, 0])


def both(fine, coarse):
    """Counts by seed (S,) at both resolutions, as text."""
    return f"{fine.tolist()} (at cosine 0.95 {coarse.tolist()})"


def ends(arrays):
    """Text of each training: counts (K, S, T) by seed, at the end."""
    pairs = zip(arrays["count"][..., -1], arrays["coarse"][..., -1])
    return [both(*pair) for pair in pairs]
