"""The same on a CUDA device: ours against PyTorch's, our CPU's, and the memory's speed.

All sides are on one device, in float32, and are timed by its events after a turn that
is a warm-up: kernels are compiled in it.
"""

import json
import sys
from dataclasses import replace
from statistics import median

from benchmarks.interleave import interleave
from benchmarks.rows import Row, lines
from benchmarks.training.cases import Training
from benchmarks.training.ours import Ours
from refimpl.arrays import backend
from refimpl.reproduce.environment import environment

ONE, MANY = ("eager", "compile"), ("vmap",)
GOAL_OF_BOUND = 2  # a step of many replicas over what the memory alone would take
REPLICAS = (1, 4, 16, 64, 256)  # of the table of device and CPU


def _figure_4(name, samples, penalty=False, replicas=1, peers=ONE, goal=(2, 1)):
    name = f"{name}, 1-1000-1, n={samples}, Adam"
    sizes, steps = (1, 1000, 1), 500 if replicas == 1 else 100
    return Training(name, sizes, samples, True, penalty, replicas, peers, goal, steps)


BATCHED = _figure_4("256 replicas: dropout", 15, False, 256, MANY, (2,))
CASES = (
    _figure_4("dropout", 15),
    _figure_4("dropout", 100),
    _figure_4("R_S + R_1", 15, True),
    Training(
        "dropout, 784-1000-10, n=1000, GD",
        (784, 1000, 10),
        1000,
        False,
        False,
        1,
        ONE,
        (2, 1),
        100,
    ),
    BATCHED,
)


def clock(xp):
    """Function that gives the seconds at which the device has done all before it."""
    start = xp.cuda.Event()
    start.record()

    def read():
        now = xp.cuda.Event()
        now.record()
        now.synchronize()
        return xp.cuda.get_elapsed_time(start, now) / 1e3

    return read


class OnDevice(Ours):
    """This project's side, on the device."""

    def __init__(self, case, xp):
        super().__init__(case)
        self.theta, self.xp, self.clock = xp.asarray(self.theta), xp, clock(xp)

    def generators(self):
        """Of the noise: one for all replicas."""
        return self.xp.random.default_rng(0)


def peers(device):
    """PyTorch's sides by name, with their tensors on its `device`."""
    import torch

    from benchmarks.training import peers as on_host

    def synchronized():
        if device == "cuda":
            torch.cuda.synchronize()
        return on_host.time.perf_counter()

    place = {"device": device, "clock": staticmethod(synchronized)}
    return {
        name: type(side.__name__, (side,), place)
        for name, side in on_host.PEERS.items()
    }


def bandwidth(xp, size=2**28, turns=9):
    """Bytes a second that a copy of `size` floats reads and writes."""
    source, target, now = (
        xp.ones(size, xp.float32),
        xp.empty(size, xp.float32),
        clock(xp),
    )
    seconds = []
    for _ in range(turns + 1):
        start = now()
        target[...] = source
        seconds.append(now() - start)
    return 2 * 4 * size / median(seconds[1:])


def least_bytes(case):
    """Bytes that a step of `case` must move, however its kernels are fused.

    Of the arrays replicas × samples × neurons the dropped-out activation is written,
    and read by two matrix products; its slope is written, and read by a third. Adam
    reads and writes θ and both moments, and the gradient is written and read.
    """
    (d, m, o), R = case.widths, case.replicas
    activations, parameters = R * case.samples * m, R * m * (d + 1 + o)
    return 4 * (5 * activations + 8 * parameters)


def by_replicas(xp, case, turns, counts=REPLICAS):
    """Rows of seconds a step of one network: {"replicas", "device", "cpu"}."""
    rows = []
    for count in counts:
        part = replace(case, replicas=count, steps=max(5, case.steps // count))
        found = interleave({"device": OnDevice(part, xp), "cpu": Ours(part)}, turns)
        rows.append({"replicas": count})
        for name in ("device", "cpu"):
            rows[-1][name] = found[name]["seconds"] / count
    return rows


def measure(xp, case, sides, turns):
    """One case: the times of all sides."""
    taking = {"ours": OnDevice(case, xp)}
    taking |= {name: sides[name](case) for name in case.peers}
    for side in taking.values():
        side.turn()
    return interleave(taking, turns)


def report(xp, sides, args, cases=CASES, batched=BATCHED, size=2**28):
    """Measure and print all; returns what ``--json`` writes."""
    rows = []
    for case in cases:
        found = measure(xp, case, sides, args.turns)
        named = {name: sides[name] for name in case.peers}
        row = Row(case.name, "loss", OnDevice, named, dict(zip(case.peers, case.goal)))
        print(*lines(row, found, {}, {}), sep="\n", flush=True)
        rows.append({"work": case.name, "goal": case.goal, **found})
        if case == batched:
            bound = least_bytes(case) / bandwidth(xp, size)
            ratio = found["ours"]["seconds"] / bound
            print(
                f"    memory alone {1e6 * bound:.0f} µs: ours takes {ratio:.2f} times "
                f"(goal {GOAL_OF_BOUND})"
            )
            rows[-1] |= {
                "bound": bound,
                "over_bound": ratio,
                "goal_of_bound": GOAL_OF_BOUND,
            }
    table = by_replicas(xp, batched, args.turns)
    print("replicas, µs a step of one: device, CPU, CPU / device")
    for row in table:
        device, cpu = 1e6 * row["device"], 1e6 * row["cpu"]
        print(f"{row['replicas']:8} {device:8.1f} {cpu:8.1f} {cpu / device:8.1f}")
    return {"machine": environment(backend="cupy"), "rows": rows, "replicas": table}


def main(args):
    """The benchmarks of ``--backend cupy``; returns the exit status."""
    try:
        xp = backend.load("cupy")
    except backend.Unavailable as error:
        print(f"benchmarks: --backend cupy: {error}", file=sys.stderr)
        return 2
    try:
        import torch
    except ImportError:
        torch = None
    if torch is None or not torch.cuda.is_available():
        print(
            "benchmarks: --backend cupy: PyTorch with CUDA is missing (see "
            "https://pytorch.org/get-started/locally)",
            file=sys.stderr,
        )
        return 2
    found = report(xp, peers("cuda"), args)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=2)
    return 0
