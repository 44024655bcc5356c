"""Our work and the same in PyTorch, JAX, PyHessian and curvlinops: one table.

All sides of a row do the same work from the same parameters in one process, in turns,
with the same number of threads, in float32. Times are medians over the turns, ratios
medians of the ratios turn by turn. What each side computed is printed: the same work
was done.
"""

import argparse
import json
import os
import sys
from contextlib import ExitStack, contextmanager

from threadpoolctl import threadpool_limits

from benchmarks import (
    convolutional,
    curvature,
    device,
    enumeration,
    r2,
    spectral_density,
    training,
)
from benchmarks.machine import machine
from benchmarks.rows import lines
from refimpl.arrays.backend import Unavailable, load

ROWS = (
    training.ROWS
    + convolutional.ROWS
    + r2.ROWS
    + curvature.ROWS
    + spectral_density.ROWS
    + enumeration.ROWS
)


def selected(names, rows):
    """Rows whose name contains one of `names`, in any case; all without names."""
    wanted = [name.lower() for name in names]
    return [r for r in rows if not wanted or any(w in r.name.lower() for w in wanted)]


def table(rows, turns):
    """Measure rows, print each as it is done, and return all as data."""
    done = []
    for row in rows:
        done.append(row.measure(turns))
        print(*lines(done[-1]), sep="\n", flush=True)
    return done


def check_device():
    """Raise `Unavailable` unless CuPy and PyTorch find a CUDA device."""
    load("cupy")
    try:
        import torch
    except ImportError:
        torch = None
    if torch is None or not torch.cuda.is_available():
        raise Unavailable(
            "PyTorch with CUDA is missing (see https://pytorch.org/get-started/locally)"
        )


@contextmanager
def limited(threads):
    """Let us and the peers use so many threads.

    XLA has no setting for it: it starts as many as the process has cores.
    """
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(threads))
        if hasattr(os, "sched_setaffinity"):
            cores = os.sched_getaffinity(0)
            stack.callback(os.sched_setaffinity, 0, cores)
            os.sched_setaffinity(0, sorted(cores)[:threads])
        try:
            import torch
        except ImportError:
            print("PyTorch is missing, a peer is left out: pip install -e '.[bench]'")
        else:
            torch.set_num_threads(threads)
        yield


def parser():
    """Of the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", help="parts of names of rows")
    parser.add_argument("--list", action="store_true", help="names of the rows")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument(
        "--backend",
        choices=("numpy", "cupy"),
        default="numpy",
        help="cupy: training steps on a CUDA device, by its own events",
    )
    return parser


def main(arguments=None):
    """Measure and print; returns the exit status."""
    args = parser().parse_args(arguments)
    rows = selected(args.names, ROWS if args.backend == "numpy" else device.ROWS)
    if not rows:
        parser().error(f"no row has {' or '.join(args.names)} in its name; see --list")
    if args.list:
        print(*(row.name for row in rows), sep="\n")
        return 0
    if args.backend == "cupy":
        try:
            check_device()
        except Unavailable as error:
            print(f"benchmarks: --backend cupy: {error}", file=sys.stderr)
            return 2
    found = {"machine": machine(args.threads, args.backend)}
    with limited(args.threads):
        found["rows"] = table(rows, args.turns)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
