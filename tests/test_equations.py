"""Every equation resolves in the derivations, in the code and in the tests."""

import ast
import re
from pathlib import Path

import equations

ROW = re.compile(r"^\| `(eq:[a-z0-9-]+)` \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE)


def marked():
    """Name → test files that name the equation, of those that have marks."""
    found = {}
    for path in Path(__file__).parent.rglob("test_*.py"):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "mark.equation(" in source else ():
            text = str(node.value) if isinstance(node, ast.Constant) else ""
            if re.fullmatch("eq:[a-z0-9-]+", text):
                found.setdefault(text, set()).add(path.name)
    return found


def test_every_equation_of_the_code_is_derived():
    missing = set(equations.coded()) - set(equations.derived())
    assert not missing, f"named in refimpl/, not derived: {sorted(missing)}"


def test_every_equation_of_the_tests_is_derived():
    missing = set(marked()) - set(equations.derived())
    assert not missing, f"named in tests/, not derived: {sorted(missing)}"


def test_every_derived_equation_is_coded_and_proven():
    coded, proven = equations.coded(), marked()
    for name, (title, status, file) in equations.derived().items():
        if status == "definition":
            continue
        assert name in coded, f"{name} ({file}) is named by no docstring of refimpl/"
        if status != "untested":
            assert name in proven, f"{name} ({file}) is marked by no test"


def test_the_index_says_what_headings_docstrings_and_marks_say():
    """Each row: the title, the files of the code, and those of the tests, by name."""
    index = (equations.ROOT / "derivations" / "README.md").read_text(encoding="utf-8")
    rows = {name: row for name, *row in ROW.findall(index)}
    coded, proven = equations.coded(), marked()

    def cell(files):
        return ", ".join(f"`{file}`" for file in sorted(files))

    expected = {
        name: [title, cell(coded.get(name, ())), cell(proven.get(name, ()))]
        for name, (title, _, _) in equations.derived().items()
    }
    wrong = [
        f"| `{name}` | {' | '.join(row)} |"
        for name, row in expected.items()
        if rows.get(name) != row
    ]
    assert not wrong, "in derivations/README.md these rows must be\n" + "\n".join(wrong)
    assert list(rows) == list(expected), "not in the order of the derivations"
