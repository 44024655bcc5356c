"""The version of the code changes with what computes, and with nothing else."""

from pathlib import Path

import pytest

from refimpl import code_version as module

SOURCE = '''"""Title."""

from refimpl.core import square

CLAIMS = ("small",)
CAPTIONS = {}
PAPER_SETTINGS = {}


def run(x):
    """What it does."""
    return square(x)  # a comment


def check(x):
    return x < 1


def plot_panel(x):
    return x
'''
CORE = "def square(x):\n    return x * x\n"


@pytest.fixture
def version(tmp_path, monkeypatch):
    """Function from the sources of an experiment and of what it imports."""
    root = tmp_path / "refimpl"
    (root / "experiments").mkdir(parents=True)
    monkeypatch.setattr(module, "ROOT", root)

    def of(experiment, core=CORE, other=""):
        path = root / "experiments" / "one.py"
        path.write_text(experiment)
        (root / "core.py").write_text(core)
        (root / "other.py").write_text(other)
        module.code_version.cache_clear()
        module._tree.cache_clear()
        return module.code_version(path)

    return of


@pytest.mark.parametrize(
    "old, new",
    [
        ("Title", "Another title"),
        ("What it does", "What else"),
        ("  # a comment", ""),
        ("x < 1", "x < 2"),
        ('("small",)', '("large",)'),
        ("CAPTIONS = {}", "CAPTIONS = {1: 2}"),
        ("PAPER_SETTINGS = {}", "PAPER_SETTINGS = {1: 2}"),
        ("    return x\n", "    return -x\n"),
    ],
)
def test_words_checks_and_plots_do_not_count(version, old, new):
    assert old in SOURCE
    assert version(SOURCE) == version(SOURCE.replace(old, new))


def test_a_module_that_is_not_imported_does_not_count(version):
    assert version(SOURCE) == version(SOURCE, other="x = 1")


def test_what_computes_counts(version):
    before = version(SOURCE)
    assert version(SOURCE.replace("square(x)", "2 * square(x)")) != before
    assert version(SOURCE, core=CORE.replace("x * x", "x**2")) != before


def test_the_chain_follows_imports_of_imports(version):
    core = "def square(x):\n    from refimpl import other\n    return other.x\n"
    assert version(SOURCE, core, "x = 1") != version(SOURCE, core, "x = 2")


def test_the_imports_of_a_module_are_found():
    folder = Path(module.__file__).parent
    found = {path.name for path in module._imports(folder / "training.py")}
    direct = "backend checks memory noise objective optimizers replicas types"
    assert found == {f"{name}.py" for name in direct.split()}
