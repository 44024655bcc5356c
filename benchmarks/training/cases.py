"""The pieces of work that are timed: a network, its data, how it is trained."""

from dataclasses import dataclass
from typing import Any

from benchmarks.networks import LARGE, SMALL, problem

KEEP = 0.9


@dataclass(frozen=True)
class Training:
    """Steps of training one network, or replicas of it.

    Attributes
    ----------
    name : str
    widths : (int, int, int)
        Inputs, hidden neurons, outputs of a two-layer tanh network.
    samples : int
    adam : bool
        Adam at 1e-3; else gradient descent at 1e-2.
    penalty : bool
        R_S + R_1; else dropout with a mask per sample, keep 0.9.
    replicas : int
    peers : tuple of str
        Names in `peers.PEERS`.
    goal : tuple of float
        Peer time over ours that is aimed at, by peer.
    steps : int
        In a turn.
    """

    name: str
    widths: tuple
    samples: int
    adam: bool
    penalty: bool
    replicas: int
    peers: tuple
    goal: tuple
    steps: int

    @property
    def rate(self):
        return 1e-3 if self.adam else 1e-2

    def problem(self):
        """Network, X, Y, and θ (R, P) in float32."""
        return problem(self.widths, self.samples, self.replicas)


def _small(name, samples, penalty, peers, goal, replicas=1, steps=1500):
    return Training(name, SMALL, samples, True, penalty, replicas, peers, goal, steps)


def _large(name, penalty, peers, goal):
    return Training(name, LARGE, 1000, False, penalty, 1, peers, goal, 6)


BOTH = ("eager", "compile")
CASES: Any = (
    _small("dropout, 1-1000-1, n=15, Adam", 15, False, BOTH, (8, 8)),
    _small("dropout, 1-1000-1, n=100, Adam", 100, False, BOTH, (8, 8), steps=500),
    _small(
        "20 replicas: dropout, 1-1000-1, n=15, Adam",
        15,
        False,
        ("vmap", "loop"),
        (4, 10),
        replicas=20,
        steps=60,
    ),
    _large("dropout, 784-1000-10, n=1000, GD", False, BOTH, (1.4, None)),
    _small("R_S + R_1, 1-1000-1, n=15, Adam", 15, True, BOTH, (8, None)),
    _small("R_S + R_1, 1-1000-1, n=100, Adam", 100, True, BOTH, (8, None), steps=500),
    _large("R_S + R_1, 784-1000-10, n=1000, GD", True, BOTH, (1.4, None)),
)
