"""Every equation resolves in the derivations, in the code and in the tests."""

import ast
import re
from pathlib import Path

import equations


def marked():
    """Equations that the test files name as marks."""
    names = set()
    for path in Path(__file__).parent.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = str(node.value) if isinstance(node, ast.Constant) else ""
            if re.fullmatch("eq:[a-z0-9-]+", text):
                names.add(text)
    return names


def test_every_equation_of_the_code_is_derived():
    missing = set(equations.coded()) - set(equations.derived())
    assert not missing, f"named in refimpl/, not derived: {sorted(missing)}"


def test_every_equation_of_the_tests_is_derived():
    missing = marked() - set(equations.derived())
    assert not missing, f"named in tests/, not derived: {sorted(missing)}"


def test_every_derived_equation_is_coded_and_proven():
    coded, proven = equations.coded(), marked()
    for name, (title, status, file) in equations.derived().items():
        if status == "definition":
            continue
        assert name in coded, f"{name} ({file}) is named by no docstring of refimpl/"
        if status != "untested":
            assert name in proven, f"{name} ({file}) is marked by no test"


def test_the_index_lists_every_equation():
    index = (equations.ROOT / "derivations" / "README.md").read_text(encoding="utf-8")
    missing = [name for name in equations.derived() if f"`{name}`" not in index]
    assert not missing, f"not in derivations/README.md: {missing}"
