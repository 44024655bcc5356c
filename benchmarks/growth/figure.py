"""Time against size for every kernel, with the fitted curves."""

import numpy as np

from refimpl.experiments.common import style

MARKS = {"n": ("o", 0), "m": ("s", 1), "replicas": ("^", 2), "masks": ("D", 3)}
NAMES = {"n": "samples n", "m": "neurons m"}
COLUMNS = 2
KEY = """Lines: a + b x^k, fitted to the filled marks.
Hollow: small sizes, not fitted.
Numbers: k with 95% interval of the scatter."""


def draw(found, file):
    """Small multiples, one per kernel, each with all its axes; hollow is not fitted."""
    kernels = list(dict.fromkeys(one["kernel"] for one in found))
    rows = -(-len(kernels) // COLUMNS)
    with style.applied():
        figure, panels = style.figure(rows, COLUMNS, height=2.1, sharey=True)
        for panel in panels.flat[len(kernels) :]:
            panel.set_axis_off()
            panel.text(0, 0.5, KEY, fontsize=8, va="center")
        used = panels.flat[: len(kernels)]
        for panel, kernel in zip(used, kernels):
            for one in found:
                if one["kernel"] == kernel:
                    _curve(panel, one)
            panel.set(title=kernel, xscale="log", yscale="log")
            panel.set_xlabel("samples, neurons, replicas or masks")
            panel.legend(fontsize=7, loc="upper left")
        for row in panels:
            row[0].set_ylabel("time [ms]")
        low, high = used[0].get_ylim()
        used[0].set_ylim(low, 30 * high)  # room for the legends
        style.letter(np.array(used))
        figure.savefig(file)


def _curve(panel, one):
    mark, colour = MARKS[one["axis"]]
    x, t = np.array(one["sizes"], dtype=float), 1e3 * np.array(one["seconds"])
    low, high = one["interval"]
    name = NAMES.get(one["axis"], one["axis"])
    power = f"{one['power']:.2f} [{low:.2f}, {high:.2f}], expected {one['expected']:g}"
    look = {"color": style.CYCLE[colour]}
    middle, k = np.median(t, axis=0), one["fitted"]
    panel.plot(x[-k:], middle[-k:], mark, ms=3.5, label=f"{name}: {power}", **look)
    panel.plot(x[:-k], middle[:-k], mark, ms=3.5, mfc="none", **look)  # not fitted
    fine = np.geomspace(x[-k], x[-1], 100)
    fitted = one["overhead"] + one["largest"] * (fine / x[-1]) ** one["power"]
    panel.plot(fine, 1e3 * fitted, lw=1, **look)
