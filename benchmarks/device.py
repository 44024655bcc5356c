"""Training steps on a CUDA device: against PyTorch, the memory's speed, and our CPU.

Ours is timed by the device's events, the peers' by a clock that waits for it.
"""

from dataclasses import replace

from benchmarks import training
from benchmarks.networks import LARGE, SMALL
from benchmarks.rows import Row, Side
from benchmarks.training import Training
from refimpl.arrays.backend import load

ONE = {"eager": 2, "compile": 1}
BATCHED = Training("dropout", SMALL, 15, 100, {"vmap": 2}, replicas=256)
CASES = (
    Training("dropout", SMALL, 15, 500, ONE),
    Training("dropout", SMALL, 100, 500, ONE),
    Training("R_S + R_1", SMALL, 15, 500, ONE),
    Training("dropout", LARGE, 1000, 100, ONE),
)
REPLICAS = (1, 4, 16, 64, 256)
COPIED = 2**28  # floats, by which the memory's speed is measured


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


def least_bytes(case):
    """Bytes that a step of `case` must move, however its kernels are fused.

    Of the arrays replicas × samples × neurons the dropped-out activation is written,
    and read by two matrix products; its slope is written, and read by a third. Adam
    reads and writes θ and both moments, and the gradient is written and read.
    """
    (d, m, o), R = case.widths, case.replicas
    activations, parameters = R * case.samples * m, R * m * (d + 1 + o)
    return 4 * (5 * activations + 8 * parameters)


def ours(case):
    """Our side on the device."""
    xp = load("cupy")
    return training.ours(case, xp, clock(xp))


def memory(case):
    """The time in which a copy would move `least_bytes`."""
    xp = load("cupy")
    source, target = xp.ones(COPIED, xp.float32), xp.empty(COPIED, xp.float32)

    def copy():
        target[...] = source

    return Side(copy, scale=least_bytes(case) / (2 * 4 * COPIED), clock=clock(xp))


def rows(device="cuda"):
    """All rows, PyTorch on its `device`."""
    found = [training.row(case, ours, device) for case in (*CASES, BATCHED)]
    peers = found[-1].peers | {"memory": memory}
    goals = BATCHED.goals | {"memory": 0.5}  # ours may take twice as long
    found[-1] = replace(found[-1], peers=peers, goals=goals)
    for count in REPLICAS:
        case = replace(BATCHED, replicas=count, steps=max(5, BATCHED.steps // count))
        name, cpu = f"device and CPU, {case.name}", {"CPU": training.ours}
        found.append(Row(name, "loss", ours, cpu, case=(case,)))
    return found


ROWS = rows()
