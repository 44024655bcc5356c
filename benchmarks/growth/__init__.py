"""How cost grows: `kernels` are timed at growing sizes, `fit` finds the exponents.

``python -m benchmarks growth --figure growth.png`` prints the table and draws it.
"""

from benchmarks.growth.fit import exponent
from benchmarks.growth.kernels import KERNELS
from benchmarks.growth.timing import times


def measure_growth(turns, figure=None):
    """Measure all kernels along all their axes; print, draw, and return as data."""
    found = []
    print(f"{'kernel':28} {'grows with':12} exponent [95% interval] expected")
    for kernel in KERNELS:
        for axis in kernel.axes:
            seconds = times(kernel, axis, turns)
            fit = exponent(axis.sizes[-axis.fitted :], seconds[:, -axis.fitted :])
            low, high = fit.interval
            print(
                f"{kernel.name:28} {axis.name:12} {fit.power:8.2f} "
                f"[{low:.2f}, {high:.2f}]  {axis.expected:12g}",
                flush=True,
            )
            found.append(
                {
                    "kernel": kernel.name,
                    "axis": axis.name,
                    "expected": axis.expected,
                    "sizes": list(axis.sizes),
                    "fitted": axis.fitted,
                    "seconds": seconds.tolist(),
                    **fit._asdict(),
                }
            )
    if figure is not None:
        from benchmarks.growth.figure import draw

        draw(found, figure)
    return found
