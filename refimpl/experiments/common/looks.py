"""How losses, measurements and rules are written in texts and drawn in figures."""

import numpy as np

from refimpl.experiments.common import style

LABELS = {
    "R_S": "$R_S$",
    "R_S^drop": r"$R_S^\mathrm{drop}$",
    "L1": "$L_1$",
    "L2": "$L_2$",
    "L3": "$L_3$",
    "L4": "$L_4$",
}


def with_mask(name, mask):
    """`name` of a loss and of its masks, where it has any."""
    return name if mask == "no" else f"{name}, {mask}"


def listed(names, values, form=".4g"):
    """Names and values as text."""
    return ", ".join(f"{name} {value:{form}}" for name, value in zip(names, values))


def spread(values):
    """Mean and standard deviation over the last axis, NaN left out, as text."""
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return "ran off"
    return f"{values.mean():.4g} ± {values.std(ddof=min(1, len(values) - 1)):.2g}"


def plot_rule(panel, rule):
    """The ends of a rule as horizontal lines."""
    for end in rule.thresholds:
        panel.axhline(end, color="0.5", ls="--", lw=1, zorder=1)


def plot_errors(panel, x, errors, color, marker, label):
    """Geometric mean and range over the first axis of `errors` (S, X), both log."""
    panel.fill_between(x, errors.min(0), errors.max(0), color=color, alpha=0.2, lw=0)
    mean = np.exp(np.log(errors).mean(axis=0))
    panel.loglog(x, mean, color=color, marker=marker, ms=4, label=label)


def legend_beside(panel):
    """Legend to the right of a panel."""
    panel.legend(loc="upper left", bbox_to_anchor=(1, 1))


FLOW_LOOKS = {
    "R_S": (style.BLACK, "o", "$R_S$"),
    "R_S + R_1": (style.BLUE, "s", "$R_S + R_1$"),
    "R_S + R_1 + (ε/4)‖∇(R_S + R_1)‖²": (
        style.GREEN,
        "^",
        r"$R_S + R_1 + \frac{\varepsilon}{4}\|\nabla(R_S + R_1)\|^2$",
    ),
    "R_S + R_1 + R_2": (style.RED, "D", "$R_S + R_1 + R_2$ (paper)"),
    "order-2 moments": (style.PURPLE, "v", "order-2 moments"),
}
