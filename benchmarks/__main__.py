"""Our work and the same in PyTorch, PyHessian and curvlinops: one table.

All sides of a row do the same work from the same parameters in one process, in turns,
with the same number of threads, in float32. Times are medians over the turns, ratios
medians of the ratios turn by turn. What each side computed is printed: the same work
was done. Two names are no rows and stand for themselves: ``growth`` measures how our
cost grows, and draws it; ``profile`` takes a training step apart.
"""

import argparse
import json
import sys

from threadpoolctl import threadpool_limits

from benchmarks import curvature, enumeration, profile, r2, spectral_density, training
from benchmarks.interleave import interleave
from benchmarks.machine import machine
from benchmarks.rows import lines

ALONE = ("growth", "profile")
ROWS = (
    training.ROWS + r2.ROWS + curvature.ROWS + spectral_density.ROWS + enumeration.ROWS
)


def measure(row, turns):
    """Times of all sides of a row; what they have to say; what is missing."""
    sides, missing = row.sides()
    for side in sides.values():
        side.turn()  # a warm-up: compilation, caches
    found = interleave(sides, turns)
    notes = {name: getattr(side, "note", "") for name, side in sides.items()}
    return found, {name: note for name, note in notes.items() if note}, missing


def selected(names):
    """Rows whose name contains one of `names`, in any case; all without names."""
    wanted = [name.lower() for name in names]
    return [r for r in ROWS if not wanted or any(w in r.name.lower() for w in wanted)]


def table(rows, turns):
    """Measure rows, print each as it is done, and return all as data."""
    done = []
    for row in rows:
        found, notes, missing = measure(row, turns)
        print(*lines(row, found, notes, missing), sep="\n", flush=True)
        done.append({"work": row.name, "value": row.value, "goals": row.goals, **found})
        done[-1] |= {"notes": notes, "missing": missing}
        if row.more is not None:
            numbers, more = row.more(found, turns)
            print(*more, sep="\n", flush=True)
            done[-1] |= numbers
    return done


def set_threads(threads):
    """Let PyTorch, where there is one, use as many threads as we do."""
    try:
        import torch
    except ImportError:
        print("PyTorch is missing, no peer is compared: pip install -e '.[bench]'")
    else:
        torch.set_num_threads(threads)


def main(arguments=None):
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", help="parts of names of rows, growth or profile"
    )
    parser.add_argument("--list", action="store_true", help="names of the rows")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--figure", metavar="FILE", help="of growth: PNG, PDF or SVG")
    parser.add_argument(
        "--backend",
        choices=("numpy", "cupy"),
        default="numpy",
        help="cupy: training steps on a CUDA device, by its own events",
    )
    args = parser.parse_args(arguments)
    if args.backend == "cupy":
        from benchmarks import device

        return device.main(args)
    names = [name for name in args.names if name not in ALONE]
    rows = selected(names) if names or not args.names else []
    if names and not rows:
        parser.error(f"no row has {' or '.join(args.names)} in its name; see --list")
    if args.list:
        print(*(row.name for row in rows), sep="\n")
        return 0
    set_threads(args.threads)
    found = {"machine": machine(args.threads)}
    with threadpool_limits(args.threads):
        if rows:
            found["rows"] = table(rows, args.turns)
        if "growth" in args.names:
            from benchmarks.growth import measure_growth

            found["growth"] = measure_growth(args.turns, args.figure)
        if "profile" in args.names:
            found["profile"] = profile.tables()
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
