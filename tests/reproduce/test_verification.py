"""--verify runs the tests of the equations and says what came out."""

import json
import shutil

import equations
import pytest

from refimpl.reproduce import cli, verification

CONFTEST = equations.ROOT / "tests" / "conftest.py"
DERIVATION = """# Topic

### eq:right One is one
### eq:wrong One is two
### eq:nowhere Nobody proves this
### eq:words What words mean
status: definition
"""
TEST = """import pytest

@pytest.mark.equation("eq:right")
@pytest.mark.parametrize("i", range(3))
def test_right(i):
    assert i < 3

def test_of_no_equation():
    assert False

"""
WRONG = """@pytest.mark.equation("eq:wrong")
def test_wrong():
    assert 1 == 2
"""


@pytest.fixture
def source(tmp_path):
    """A source tree with four equations, which this project's conftest serves."""
    root = tmp_path / "source"
    (root / "tests").mkdir(parents=True)
    (root / "derivations").mkdir()
    modules = "array_modules conftest equations oracles problems strict"
    for name in modules.split():
        shutil.copy(CONFTEST.with_name(f"{name}.py"), root / "tests")
    shutil.copy(equations.ROOT / "setup.cfg", root)
    (root / "derivations" / "01-topic.md").write_text(DERIVATION)
    (root / "tests" / "test_topic.py").write_text(TEST + WRONG)
    return root


def verified(source, out, monkeypatch):
    monkeypatch.setattr(verification.verify, "__defaults__", (True, source))
    return cli.main(["--verify", "--quiet", "--out", str(out)])


def test_each_equation_has_the_outcome_of_its_tests(
    source, tmp_path, monkeypatch, capsys
):
    assert verified(source, tmp_path, monkeypatch) == 1
    found = json.loads((tmp_path / "verify.json").read_text())
    assert found["time_s"] > 0 and found["python"]
    by_name = {one["name"].removeprefix("eq:"): one for one in found["equations"]}
    assert {name: one["status"] for name, one in by_name.items()} == {
        "right": "pass",
        "wrong": "fail",
        "nowhere": "missing",
        "words": "definition",
    }
    assert by_name["right"] == {
        "name": f"eq:{'right'}",  # no equation of this project
        "title": "One is one",
        "derivation": "derivations/01-topic.md",
        "passed": 3,
        "failed": 0,
        "status": "pass",
    }
    printed = capsys.readouterr().out
    assert "✓ pass       eq:right" in printed and "✗ fail       eq:wrong" in printed
    assert "4 equations: 1 pass, 1 fail, 1 missing, 1 definition" in printed


def test_status_is_0_if_all_passed_and_1_if_one_failed(source, tmp_path, monkeypatch):
    derivation = source / "derivations" / "01-topic.md"
    lines = [line for line in DERIVATION.splitlines() if "where" not in line]
    derivation.write_text("\n".join(line for line in lines if "wrong" not in line))
    (source / "tests" / "test_topic.py").write_text(TEST)
    assert verified(source, tmp_path, monkeypatch) == 0
    derivation.write_text(DERIVATION.replace("### eq:nowhere", "and"))
    (source / "tests" / "test_topic.py").write_text(TEST + WRONG)
    assert verified(source, tmp_path, monkeypatch) == 1


def test_tests_that_do_not_even_start_break_off(source, tmp_path, monkeypatch, capsys):
    (source / "tests" / "test_topic.py").write_text("import nothing_of_the_kind\n")
    assert verified(source, tmp_path, monkeypatch) == 3
    error = capsys.readouterr().err
    assert "pytest broke off" in error and "nothing_of_the_kind" in error
    assert not (tmp_path / "verify.json").exists()


def test_without_tests_or_pytest_it_says_so(source, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(verification.importlib.util, "find_spec", lambda name: None)
        assert verified(source, tmp_path, patch) == 2
    assert "pytest is not installed: pip install" in capsys.readouterr().err
    assert verified(tmp_path / "installed", tmp_path, monkeypatch) == 2
    assert "they come with the source only" in capsys.readouterr().err
