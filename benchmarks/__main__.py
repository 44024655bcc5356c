"""Training steps, ours against PyTorch: one table.

All sides train the same two-layer tanh networks from the same parameters in one
process, in turns, with the same number of threads, in float32. Times are medians over
the turns, ratios medians of the ratios turn by turn. The noise-free loss at the end of
each side is printed: the same work was done.
"""

import argparse
import json
import os
import platform
import sys

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.cases import CASES
from benchmarks.interleave import interleave
from benchmarks.ours import Ours, products


def measure(case, turns):
    """One case: the times of all sides."""
    from benchmarks.peers import PEERS

    sides = {"ours": Ours(case)} | {name: PEERS[name](case) for name in case.peers}
    for side in sides.values():
        side.turn()  # a warm-up: compilation, caches
    return interleave(sides, turns)


def lines(case, found):
    """The lines of a case in the table."""
    ours = found["ours"]
    yield f"{case.name}: {1e6 * ours['seconds']:.0f} µs, loss {ours['loss']:.4g}"
    for name, goal in zip(case.peers, case.goal):
        row = found[name]
        low, high = row["range"]
        aim = f" (goal {goal})" if goal else ""
        yield (
            f"    {name:8} {1e6 * row['seconds']:8.0f} µs  {row['ratio']:5.2f} times "
            f"[{low:.2f}, {high:.2f}]{aim}, loss {row['loss']:.4g}"
        )


def machine(threads):
    """What it was measured on."""
    import torch

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "numpy": np.__version__,
        "torch": torch.__version__,
    }


def processor():
    """Name of the processor, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line for line in file if line.startswith("model name")]
        return names[0].split(":")[1].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def main(arguments=None):
    """Measure and print; returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument(
        "--backend",
        choices=("numpy", "cupy"),
        default="numpy",
        help="cupy: on a CUDA device, by its own events",
    )
    args = parser.parse_args(arguments)
    if args.backend == "cupy":
        from benchmarks import device

        return device.main(args)
    try:
        import torch
    except ImportError:
        sys.exit("benchmarks: PyTorch is missing: pip install -e '.[bench]'")
    torch.set_num_threads(args.threads)
    rows = []
    with threadpool_limits(args.threads):
        for case in CASES:
            found = measure(case, args.turns)
            print(*lines(case, found), sep="\n", flush=True)
            rows.append({"work": case.name, "goal": case.goal, **found})
            if not case.adam:
                alone, rate = products(case, args.turns)
                share = alone / found["ours"]["seconds"]
                print(f"    {share:.0%} matrix products, at {rate:.0%} of sgemm's rate")
                rows[-1] |= {"product_share": share, "product_rate": rate}
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(args.threads), "rows": rows}, file, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
