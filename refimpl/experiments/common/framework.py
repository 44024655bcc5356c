"""What an experiment is made of, and its discovery.

An experiment is a module of `refimpl.experiments` with

- a docstring, whose first paragraph is its title;
- ``CLAIMS``, a tuple of `claims.Claim`;
- ``Config``, a frozen dataclass with the default settings, among them the number of
  ``seeds``, whose docstring says in words what is the paper's; ``QUICK`` and ``PAPER``,
  the same for these two presets;
- ``PAPER_SETTINGS``, what the paper says of fields of ``Config``, as a value or, where
  no value can say it, in words; left out where all is ours;
- ``PICTURES = True``, if it learns digits, MNIST or CIFAR-10, as the context has it;
- ``run(config, context)``, which returns a dict of arrays or what becomes one, of
  ``context.seeds`` (`context.Context`);
- ``check(arrays)``, which returns one `claims.Result` per claim, by its id;
- ``plot(arrays)``, which returns a dict from name to Matplotlib figure; its docstring
  is the caption: what is shown, for readers who see it and for those who cannot;
- ``CAPTIONS`` in place of that docstring, from name to caption, if it makes several;
- ``films(arrays)``, if there is a film: a dict from file name to its bytes.

``run`` never plots and ``plot`` never computes.
"""

import inspect
import pkgutil
from dataclasses import replace
from importlib import import_module

import numpy as np

from refimpl.experiments.common.context import FIRST_SEED

PRESETS = ("quick", "default", "paper")
PARTS = ("CLAIMS", "Config", "QUICK", "PAPER", "run", "check", "plot")


def names():
    """Names of all experiments, in alphabetical order."""
    import refimpl.experiments

    found = pkgutil.iter_modules(refimpl.experiments.__path__)
    return sorted(module.name for module in found if not module.ispkg)


def load(name):
    """The experiment module called `name`, checked to be whole."""
    module = import_module(f"refimpl.experiments.{name}")
    absent = [part for part in PARTS if not hasattr(module, part)]
    if absent:
        raise TypeError(f"{module.__name__} must have {', '.join(absent)}")
    return module


def config(module, preset, seeds=None):
    """Settings of one of `PRESETS`, with another number of `seeds` if one is given."""
    known = module.Config() if preset == "default" else getattr(module, preset.upper())
    return replace(known, seeds=seeds) if seeds else known


def data_set(module, context):
    """Pictures that the experiment learns: "digits", "mnist", "cifar10" or "none"."""
    return context.pictures if getattr(module, "PICTURES", False) else "none"


def run(module, config, context):
    """Arrays of the experiment's ``run``, with its ``seeds`` and ``data``."""
    seeds = tuple(range(FIRST_SEED, FIRST_SEED + config.seeds))
    known = {"seeds": seeds, "data": data_set(module, context)}
    found = known | module.run(config, replace(context, seeds=seeds))
    return {name: np.asarray(value) for name, value in found.items()}


def paragraphs(thing):
    """Paragraphs of the docstring of a module or class, each as one line."""
    blocks = inspect.getdoc(thing).split("\n\n")
    return [" ".join(block.split()) for block in blocks]


def captions(module):
    """Caption of each figure, by its name; a single one has that of the experiment."""
    if hasattr(module, "CAPTIONS"):
        return module.CAPTIONS
    return {module.__name__.rpartition(".")[2]: " ".join(paragraphs(module.plot))}


def title(module):
    """First paragraph of the experiment's docstring, without its full stop."""
    return paragraphs(module)[0].rstrip(".")
