"""Steps of training: by `refimpl.train`, by PyTorch and by JAX."""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

import refimpl
from benchmarks.networks import KEEP, LARGE, SMALL, problem, text
from benchmarks.rows import Row, Side


@dataclass(frozen=True)
class Training:
    """What is trained and how: images by gradient descent, others by Adam.

    Attributes
    ----------
    objective : {"dropout", "R_S + R_1"}
        Dropout with a mask per sample.
    widths : (int, int, int)
        Inputs, hidden neurons, outputs of a two-layer tanh network.
    samples : int
    steps : int
        That are timed.
    goals : dict from name of a peer to float or None
        Its time over ours that is aimed at.
    replicas : int
    """

    objective: str
    widths: tuple
    samples: int
    steps: int
    goals: dict
    replicas: int = 1

    @property
    def adam(self):
        return self.widths[0] == 1

    @property
    def rate(self):
        return 1e-3 if self.adam else 1e-2

    @property
    def name(self):
        many = f"{self.replicas} replicas: " if self.replicas > 1 else ""
        rule = "Adam" if self.adam else "GD"
        return f"{many}{self.objective}, {text(self.widths, self.samples)}, {rule}"


def goals(jax, eager=8):
    """Of one network: `eager` is PyTorch as it comes, `jax` one compiled program."""
    return {"eager": eager, "compile": None, "jax": jax}


def together(jax, vmap=None, loop=None):
    """Of 20 networks side by side."""
    return {"vmap": vmap, "loop": loop, "jax": jax}


CASES = (
    Training("dropout", SMALL, 15, 1500, goals(1)),
    Training("dropout", SMALL, 100, 500, goals(2)),
    Training("dropout", SMALL, 15, 60, together(2, vmap=4, loop=10), replicas=20),
    Training("dropout", SMALL, 100, 30, together(2), replicas=20),
    Training("dropout", LARGE, 1000, 6, goals(None, eager=1.4)),
    Training("R_S + R_1", SMALL, 15, 1500, goals(0.25)),
    Training("R_S + R_1", SMALL, 100, 500, goals(0.5)),
    Training("R_S + R_1", SMALL, 15, 60, together(1.5), replicas=20),
    Training("R_S + R_1", SMALL, 100, 30, together(1.5), replicas=20),
    Training("R_S + R_1", LARGE, 1000, 6, goals(None, eager=1.4)),
)


def ours(case, xp=np, clock=time.perf_counter):
    """By `refimpl.train`, on arrays of `xp`; R_S at the end, mean over replicas."""
    risk, theta = problem(case.widths, case.samples, case.replicas)
    theta = xp.asarray(theta if case.replicas > 1 else theta[0])
    optimizer = (refimpl.Adam if case.adam else refimpl.GD)(case.rate)
    if case.objective == "dropout":
        objective, drop = risk, refimpl.Dropout(KEEP, per_sample=True)
    else:
        objective, drop = refimpl.L1(risk, KEEP), None

    def work():
        rng = xp.random.default_rng(0)
        if xp is np and case.replicas > 1:  # on a device one draws for all
            rng = [np.random.default_rng(seed) for seed in range(case.replicas)]
        return refimpl.train(objective, theta, optimizer, case.steps, drop, rng=rng)

    def loss(history):
        return float(risk(history.theta).mean())

    return Side(work, loss, scale=1 / case.steps, clock=clock)


def peer(name, device, case):
    """One of PyTorch's ways, with its tensors on its `device`, or JAX's."""
    if name == "jax":
        from benchmarks import jax_peers

        return jax_peers.scanned(case)
    from benchmarks import training_peers

    return training_peers.PEERS[name](case, device)


def row(case, ours=ours, device="cpu"):
    """Ours, and the peers for which there are goals."""
    peers = {name: partial(peer, name, device) for name in case.goals}
    return Row(case.name, "loss", ours, peers, case.goals, (case,))


ROWS = tuple(map(row, CASES))
