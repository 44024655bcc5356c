"""What an experiment is made of: claims and their results, and its discovery.

An experiment is a module of this package with

- a docstring, whose first paragraph is its title;
- ``CLAIMS``, a tuple of `Claim`, fixed before anything is measured;
- ``Config``, a frozen dataclass whose docstring says in words what is the paper's, and
  ``PRESETS``: "quick", "default" and "paper";
- ``PAPER_SETTINGS``, what the paper says of fields of ``Config``, as a value or, where
  no value can say it, in words; left out where all is ours;
- ``CAPTIONS``, what each figure shows, for readers who see it and for those who cannot;
- ``run(config, context)``, which returns a dict of NumPy arrays (`context.Context`);
- ``check(arrays)``, which returns one `Result` per claim;
- ``plot(arrays)``, which returns a dict from name to Matplotlib figure.

``run`` never plots and ``plot`` never computes.
"""

import inspect
import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Any

PRESETS = ("quick", "default", "paper")


@dataclass(frozen=True)
class Claim:
    """A statement with the criterion that decides it.

    Attributes
    ----------
    id : str
        Unique over all experiments.
    statement : str
        What is claimed, in words.
    source : str
        The place in the paper ("Lemma 1", "Figure 4d"), or "this project".
    criterion : str
        What is measured and when it passes.
    """

    id: str
    statement: str
    source: str
    criterion: str

    def result(self, passed, measured, interval=None, standard_error=None, detail=""):
        """The measured claim.

        Parameters
        ----------
        passed : bool
        measured : float
        interval : (float, float), optional
            95% confidence interval.
        standard_error : float, optional
        detail : str
            What a reader needs beside the number.
        """
        return Result(
            self,
            "pass" if passed else "fail",
            float(measured),
            None if interval is None else tuple(float(x) for x in interval),
            None if standard_error is None else float(standard_error),
            detail,
        )

    def not_attempted(self, reason):
        """The claim, not measured, and why."""
        return Result(self, "not attempted", None, None, None, reason)


@dataclass(frozen=True)
class Result:
    """A claim with what was measured."""

    claim: Claim
    verdict: str
    measured: Any
    interval: Any
    standard_error: Any
    detail: str


def names():
    """Names of all experiments, in alphabetical order."""
    import refimpl.experiments

    found = pkgutil.iter_modules(refimpl.experiments.__path__)
    return sorted(module.name for module in found if not module.ispkg)


def load(name):
    """The experiment module called `name`."""
    return import_module(f"refimpl.experiments.{name}")


def paragraphs(thing):
    """Paragraphs of the docstring of a module or class, each as one line."""
    blocks = inspect.getdoc(thing).split("\n\n")
    return [" ".join(block.split()) for block in blocks]


def title(module):
    """First paragraph of the experiment's docstring, without its full stop."""
    return paragraphs(module)[0].rstrip(".")
