"""How losses, measurements and rules are written in texts and drawn in figures."""

import numpy as np

LABELS = {
    "R_S": "$R_S$",
    "R_S^drop": r"$R_S^\mathrm{drop}$",
    "L1": "$L_1$",
    "L2": "$L_2$",
    "L3": "$L_3$",
    "L4": "$L_4$",
    "R_S + R_1": "$R_S + R_1$",
}


def with_mask(name, mask):
    """`name` of a loss and of its masks, where it has any."""
    return name if mask == "no" else f"{name}, {mask}"


def listed(names, values, form=".3g"):
    """Names and values as text."""
    return ", ".join(f"{name} {value:{form}}" for name, value in zip(names, values))


def spread(values):
    """Mean and standard deviation, to its two digits; NaN left out; as text.

    >>> spread(np.array([0.71, 0.74, np.nan]))
    '0.725 ± 0.021'
    """
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return "ran off"
    deviation = values.std(ddof=min(1, len(values) - 1))
    decimals = max(0, 1 - int(np.floor(np.log10(deviation)))) if deviation else 3
    return f"{values.mean():.{decimals}f} ± {deviation:.{decimals}f}"


def plot_rule(panel, rule):
    """The ends of a rule as horizontal lines, named by the rule in the legend."""
    for end, label in zip(rule.thresholds, (rule.text, None)):
        panel.axhline(end, color="0.5", ls="--", lw=1, zorder=1, label=label)


def plot_columns(panel, columns):
    """A column of dots, a dot a seed, for each claim, and the ends of its rule.

    Parameters
    ----------
    columns : dict
        Label → values (S,), rule, color; a cross where the values are NaN.
    """
    for x, (values, rule, color) in enumerate(columns.values()):
        ends, lost = rule.thresholds, np.isnan(values).any()
        y = ends[:1] if lost else values
        mark = "x" if lost else "o"
        panel.plot([x] * len(y), y, mark, color=color, ms=4, mfc="none")
        for end in ends:
            panel.plot([x - 0.35, x + 0.35], [end, end], color="0.5", ls="--", lw=1)
    panel.set_xticks(range(len(columns)), list(columns))
    panel.margins(0.1)


def titled(panel, title, x, y, **more):
    """Title and axes' labels of a panel, and whatever else is set of it."""
    panel.set(title=title, xlabel=x, ylabel=y, **more)


def against_steps(panel, title, y, **more):
    """As `titled`, of a panel against steps: few of the long numbers below it."""
    titled(panel, title, "steps", y, **more)
    panel.locator_params(axis="x", nbins=4)


def against_risk(panel, title, least, lowest):
    """As `titled`, of test accuracy against R_S, which falls from 1 to `least`."""
    titled(panel, title, "$R_S$ (falling to the right)", "test accuracy", xscale="log")
    panel.set(xlim=(1, 0.8 * least), ylim=(lowest, 1))


def legend_beside(panel):
    """Legend to the right of a panel."""
    panel.legend(loc="upper left", bbox_to_anchor=(1, 1))
