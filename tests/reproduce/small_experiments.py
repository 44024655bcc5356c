"""Stand-ins for the experiments of the package: two, of four claims each."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from refimpl.experiments.common import style
from refimpl.experiments.common.claims import Claim, decided
from refimpl.experiments.common.claims import above, at_most, below, between
from refimpl.experiments.common.statistics import paired
from refimpl.reproduce.describe import claim_record

NAMES = ("fig98_levels", "slopes")
DOC = """{name} stay where they are (Figure 98).

They are drawn, not computed: R_S^drop has no part in it.
"""


@dataclass(frozen=True)
class Config:
    """Nothing of `size` is the paper's, and m^−0.2 is not used.

    Seeds are few.
    """

    seeds: int = 5
    size: int = 3


def claims(name):
    """One that is supported, one refuted, one undecided, one not attempted."""

    def claim(end, statement, source, rule, origin, **more):
        quantity = "mean of R_S over seeds"
        return Claim(f"{name}-{end}", statement, source, quantity, rule, origin, **more)

    return (
        claim("up", f"The {name} are above zero.", "Figure 98a", above(0), "paper"),
        claim(
            "down",
            f"The {name} are below zero.",
            "arXiv 0000.00000",
            below(0),
            "companion",
            note="They are drawn around one.",
            anchor="figure-8",
        ),
        claim(
            "near",
            f"The {name} are near one.",
            "this project",
            between(1, 9),
            "project",
            note="It straddles.",
            explored="the lower end was 0 at first",
        ),
        claim("few", f"The {name} are few.", "this project", at_most(4), "project"),
    )


def draw(config, context, seed):
    """Levels around 1, in turn below and above: no mean of several is told from it."""
    noise = context.rng("level", seed).standard_normal()
    return {"level": 1 + 0.1 * (-1) ** seed + 0.01 * noise}


def run(config, context):
    return context.grid(draw, config, "levels", context.seeds)


def modules():
    """Name → module."""
    return {name: module(name) for name in NAMES}


def module(name):
    made = ModuleType(name, DOC.format(name=name.capitalize()))
    made.__file__ = __file__
    made.CLAIMS = claims(name)
    made.Config, made.run = Config, run
    made.QUICK, made.PAPER = Config(size=1), Config()
    made.PAPER_SETTINGS = {"size": 3}
    made.CAPTIONS = {f"{name}_drawn": f"(a) The `{name}` of R_S."}

    def check(arrays):
        level = paired(arrays["level"])
        measured = {f"{name}-{end}": level for end in ("up", "down", "near")}
        measured[f"{name}-few"] = "needs --mnist DIR"
        return decided(made.CLAIMS, measured, {f"{name}-down": "`x` of R_S"})

    def plot(arrays):
        figure, axes = style.figure(1, 1, width=2.0, height=1.0)
        axes[0, 0].plot(arrays["level"])
        return {f"{name}_drawn": figure}

    made.check, made.plot = check, plot
    return made


def records(name, preset="default", seeds=range(5)):
    """The records of the claims of an experiment, without a run."""
    arrays = {"level": 1 + 0.1 * np.array([-1.2, 0.3, 0.4, 1.1, -0.2])}
    results = module(name).check(arrays)
    return [claim_record(one, name, preset, "none", seeds) for one in results.values()]
