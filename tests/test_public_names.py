"""Public names: each has type hints on all arguments, and an example that is run."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import refimpl

# The passes of a network and what goes between them: not called by a user.
PASSES = {"run", "backward", "push", "backward_push", "upstream_push", "to_hidden"}
PARTS = {"split", "join", "prepare", "empty_gradient", "draw_init", "prepared"}
PARTS |= {"check_layer", "check_noise", "check_theta"}
EXPORTED = {
    name: value
    for name, value in vars(refimpl).items()
    if callable(value) and not name.startswith("_")
}
CLASSES = {name: value for name, value in EXPORTED.items() if inspect.isclass(value)}


def methods(cls):
    """Public methods of `cls` and its bases here, and how it is made and called."""
    for name in dir(cls):
        value = inspect.getattr_static(cls, name)
        value = value.fget if isinstance(value, property) else value
        ours = inspect.isfunction(value) and value.__module__.startswith("refimpl.")
        public = not name.startswith("_") or name in ("__init__", "__call__")
        passes = name in PASSES | PARTS or name == "forward" and hasattr(cls, "hvp")
        if ours and public and not passes:
            yield name, value


SIGNATURES = {
    name: value for name, value in EXPORTED.items() if inspect.isfunction(value)
} | {
    f"{cls}.{name}": method
    for cls, value in CLASSES.items()
    for name, method in methods(value)
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_every_argument_and_result_has_a_type(name):
    signature = inspect.signature(SIGNATURES[name])
    bare = [
        one.name
        for one in signature.parameters.values()
        if one.annotation is one.empty and one.name != "self"
    ]
    assert not bare
    assert signature.return_annotation is not signature.empty


def test_only_the_public_names_are_shown():
    """Not the rooms, nor what the package has imported to gather the names."""
    shown = {name for name in dir(refimpl) if not name.startswith("_")}
    assert shown == {name for name in refimpl.__all__ if not name.startswith("_")}
    assert shown == {*EXPORTED, "datasets"}


# What checks outside the repository call.
STABLE = """
    TwoLayer Deep Risk Dropout expectation R1 R1_gradient R2 R2_gradient L1 L2 L3 L4
    GD Adam train hessian top_eigenvalues hessian_trace effective_ratio datasets
"""


def test_the_names_that_others_call_are_public():
    assert set(STABLE.split()) <= set(refimpl.__all__)


def test_a_star_imports_the_public_names():
    names = {}
    exec("from refimpl import *", names)
    assert names.keys() - {"__builtins__"} == set(refimpl.__all__)


def test_the_package_says_that_it_is_typed():
    assert Path(refimpl.__file__).with_name("py.typed").is_file()


@pytest.mark.parametrize("name", EXPORTED)
def test_every_name_has_an_example(name):
    assert ">>> " in EXPORTED[name].__doc__


ROOMS = {
    "theory": "contributions delta_method central_limit flow iterates "
    "jacobian kinks r2 zero_loss",
    "analysis": "condensation eigenvalues hessian landscape spectra",
    "fast": "enumeration",
}


def documented():
    """Functions of the modules that are called from outside their room."""
    for room, names in ROOMS.items():
        for name in names.split():
            module = importlib.import_module(f"refimpl.{room}.{name}")
            for function in vars(module).values():
                if (
                    inspect.isfunction(function)
                    and function.__module__ == module.__name__
                    and not function.__name__.startswith(("_", "check_", "with_"))
                ):
                    yield f"{name}.{function.__name__}", function


DOCUMENTED = dict(documented())


def test_there_are_functions_to_look_at():
    assert len(DOCUMENTED) > 40


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_function_of_a_documented_module_has_an_example(name):
    assert ">>> " in DOCUMENTED[name].__doc__


def test_the_reference_shows_every_public_name():
    page = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\.\. auto(?:class|function):: (\w+)$", page, re.MULTILINE)
    assert sorted(shown) == sorted(EXPORTED)
