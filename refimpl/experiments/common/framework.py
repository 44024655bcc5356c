"""What an experiment is made of, and its discovery.

An experiment is a module of `refimpl.experiments` with

- a docstring, whose first paragraph is its title;
- ``CLAIMS``, a tuple of `claims.Claim`;
- ``Config``, a frozen dataclass whose docstring says in words what is the paper's, and
  ``PRESETS``: "quick", "default" and "paper";
- ``PAPER_SETTINGS``, what the paper says of fields of ``Config``, as a value or, where
  no value can say it, in words; left out where all is ours;
- ``run(config, context)``, which returns a dict of NumPy arrays (`context.Context`);
- ``check(arrays)``, which returns one `claims.Result` per claim, by its id;
- ``plot(arrays)``, which returns a dict from name to Matplotlib figure; its docstring
  is the caption: what is shown, for readers who see it and for those who cannot;
- ``CAPTIONS`` in place of that docstring, from name to caption, if it makes several;
- ``films(arrays)``, if there is a film: a dict from file name to its bytes.

``run`` never plots and ``plot`` never computes.
"""

import inspect
import pkgutil
from importlib import import_module

PRESETS = ("quick", "default", "paper")


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


def captions(module):
    """Caption of each figure, by its name; a single one has that of the experiment."""
    if hasattr(module, "CAPTIONS"):
        return module.CAPTIONS
    return {module.__name__.rpartition(".")[2]: " ".join(paragraphs(module.plot))}


def title(module):
    """First paragraph of the experiment's docstring, without its full stop."""
    return paragraphs(module)[0].rstrip(".")
