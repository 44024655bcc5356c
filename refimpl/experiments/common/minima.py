"""What the minima of the losses of Eq. (7) are compared by (Figures 13 and 14)."""

from itertools import combinations

import numpy as np

from refimpl.experiments.common.classification import LOSSES, WITH_R1, at_risk

ALPHAS = np.linspace(-0.5, 1.5, 41)
INSIDE = (ALPHAS >= 0) & (ALPHAS <= 1)
PAIRS = tuple(combinations(("L1", "L2", "L3", "L4"), 2))
MIXED = tuple(pair for pair in PAIRS if pair not in (("L1", "L3"), ("L2", "L4")))
HAS_R1 = np.array([loss in WITH_R1 for loss in LOSSES])
MINIMUM = 0.15  # R_S of what counts as one, at most; of outputs that are 0 it is 0.5


def found(arrays):
    """Whether a loss found a minimum in every seed: (2, K, 6)."""
    return (arrays["risk"][..., -1] <= MINIMUM).all(axis=-1)  # NaN is no minimum


def barriers(line):
    """Largest R_S on the segment minus that of its higher end: (..., pairs, S)."""
    segment = line[..., INSIDE]
    return segment.max(axis=-1) - segment[..., [0, -1]].max(axis=-1)


def excess(arrays):
    """Barriers of `MIXED` pairs minus that of L1 and L3: (2, 4, S), NaN of a pair of
    which one is no minimum."""
    height, kept = barriers(arrays["line"]), found(arrays)[:, -1]
    for k, pair in enumerate(PAIRS):
        lost = ~kept[:, [LOSSES.index(loss) for loss in pair]].all(axis=-1)
        height[lost, k] = np.nan
    inner = height[:, [PAIRS.index(("L1", "L3"))]]
    return height[:, [PAIRS.index(pair) for pair in MIXED]] - inner


def gaps(arrays):
    """Least accuracy with R_1 minus greatest without, of the losses that found a
    minimum: (2, K, 2, S), at the end and at the same R_S.

    NaN where a loss with R_1 is not among them, or none without.
    """
    kept, accuracy, risk = found(arrays), arrays["accuracy"], arrays["risk"]
    gap = np.full((*kept.shape[:2], 2, risk.shape[3]), np.nan)
    for at in np.ndindex(kept.shape[:2]):
        without = np.flatnonzero(kept[at] & ~HAS_R1)
        if not kept[at][HAS_R1].all() or not len(without):
            continue
        level = risk[at][kept[at], :, -1].max(axis=0)  # (S,)
        same = [list(map(at_risk, *one, level)) for one in zip(risk[at], accuracy[at])]
        for k, right in enumerate((accuracy[at][..., -1], np.array(same))):
            gap[at][k] = right[HAS_R1].min(axis=0) - right[without].max(axis=0)
    return gap
