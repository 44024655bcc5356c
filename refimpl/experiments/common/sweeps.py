"""Figure 3's two sweeps, of the learning rate and of λ: compared and drawn."""

import numpy as np

from refimpl.experiments.common import style
from refimpl.experiments.common.claims import at_most
from refimpl.experiments.common.statistics import largest, paired_ratio

DROP = r"R_S^\mathrm{drop}"
QUOTIENT = rf"$E {DROP}\,/\,E\|\nabla {DROP}\|^2$"
LINES = (
    {"color": style.BLUE, "marker": "o", "label": rf"$\varepsilon$ of ${DROP}$"},
    {"color": style.RED, "marker": "s", "label": r"$\lambda$, small $\varepsilon$"},
)
X = r"$\varepsilon$ or $\lambda$"

DIFFERENCE = (
    "accuracy of the learning-rate sweep minus that of the λ sweep, mean over seeds: "
    "its largest size over the values from twice the small rate on{}, with an interval "
    "that holds for all of them"
)
NEAR = at_most(0.02)
CHOSEN = (
    "The interval was that of the value where the mean differs most, as if that had "
    "been chosen beforehand."
)


def large(values, accuracy):
    """Of the values (V,) those from twice the least on at which all is finite."""
    return np.isfinite(accuracy).all(axis=(0, 2)) & (values >= 2 * values[0])


def compared(values, accuracy, ratio):
    """What is measured of the sweeps' accuracy and ratio (2, V, S), and details."""
    kept = large(values, accuracy)
    if not kept.any():
        return dict.fromkeys(("accuracy", "ratio"), "training ran off"), {}
    gap = (accuracy[0] - accuracy[1])[kept]  # (V', S)
    worst = np.abs(gap.mean(axis=-1)).argmax()
    each = by_value(values, accuracy, ".3f")
    return {"accuracy": largest(gap), "ratio": paired_ratio(*ratio[:, kept])}, {
        "accuracy": f"{gap[worst].mean():+.3f} at {values[kept][worst]:g}; accuracies "
        f"by value, learning rate and λ: {each}",
        "ratio": f"ratios by value: {by_value(values[kept], ratio[:, kept], '.2f')}",
    }


def by_value(values, sweeps, form):
    """Means (2, V, S) over seeds of both sweeps at each value, as text."""
    pairs = zip(values, *sweeps.mean(axis=-1))
    return "; ".join(f"{v:g}: {a:{form}}, {b:{form}}" for v, a, b in pairs)


def draw(panel, values, sweeps, claim, moved):
    """Both sweeps (2, V, S), and where the claim allows the first: `moved` is
    ``np.add`` or ``np.multiply``, of its thresholds and the second."""
    ends = claim.rule.thresholds
    ends = ends if len(ends) == 2 else (-ends[0], ends[0])  # of a size
    allowed = moved.outer(ends, sweeps[1].mean(axis=-1))
    look = {"color": "0.6", "alpha": 0.3, "lw": 0, "label": "allowed"}
    panel.fill_between(values, *allowed, **look)
    for one, line in zip(sweeps, LINES):  # (V, S)
        panel.plot(values, one, ".", color=line["color"], alpha=0.5, ms=3)
        panel.plot(values, one.mean(axis=-1), ms=4, **line)
    panel.set_xscale("log")
    style.plain_log(panel.xaxis)
    if moved is np.multiply:
        panel.set_yscale("log")
        style.plain_log(panel.yaxis)
