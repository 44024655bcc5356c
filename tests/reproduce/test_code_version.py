"""The version of the code changes with what computes, and with nothing else."""

import pytest

from refimpl.experiments.common import framework
from refimpl.reproduce import code_version as module

SOURCE = '''"""Title."""

from refimpl.core.shapes import square
from refimpl.common import limits
from refimpl.look import paint

CLAIMS = ("small", *(x for x in "ab"))  # an x of its own, which run does not use
CAPTIONS = {}
PAPER_SETTINGS = {}
FACTOR = 2


def run(x):
    """What it does."""
    return FACTOR * square(x)  # a comment


def check(x):
    return limits(x) < 1


def plot_panel(x):
    return paint(x)
'''
SHAPES = """from refimpl.core import check_sign


def square(x):
    return x * x
"""
FILES = {
    "core/__init__.py": "from refimpl.core.signs import check_sign",
    "core/shapes.py": SHAPES,
    "core/signs.py": "def check_sign(x):\n    return x > 0\n",
    "common.py": "limits = abs",
    "look.py": "paint = abs",
    "other.py": "x = 1",
}


@pytest.fixture
def version(tmp_path, monkeypatch):
    """Function from the sources of an experiment and of the files of a package."""
    root = tmp_path / "refimpl"
    monkeypatch.setattr(module, "ROOT", root)

    def of(experiment=SOURCE, files=FILES, **changed):
        files = {"experiments/one.py": experiment} | files | changed
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for cached in (module.code_version, module._tree, module._imports):
            cached.cache_clear()
        module._whole.cache_clear()
        return module.code_version(root / "experiments" / "one.py")

    return of


@pytest.mark.parametrize(
    "old, new",
    [
        ("Title", "Another title"),
        ("What it does", "What else"),
        ("  # a comment", ""),
        ("x) < 1", "x) < 2"),
        ('("small", *', '("large", *'),
        ("CAPTIONS = {}", "CAPTIONS = {1: 2}"),
        ("PAPER_SETTINGS = {}", "PAPER_SETTINGS = {1: 2}"),
        ("return paint(x)", "return -paint(x)"),
    ],
)
def test_words_checks_and_plots_do_not_count(version, old, new):
    assert old in SOURCE
    assert version() == version(SOURCE.replace(old, new))


@pytest.mark.parametrize("name", ["other.py", "common.py", "look.py"])
def test_what_run_does_not_reach_does_not_count(version, name):
    assert version() == version(files=FILES | {name: "x = 2\nlimits = paint = max"})


def test_what_computes_counts(version):
    before = version()
    assert version(SOURCE.replace("square(x)", "abs(square(x))")) != before
    assert version(SOURCE.replace("FACTOR = 2", "FACTOR = 3")) != before
    shapes = SHAPES.replace("x * x", "x**2")
    assert version(files=FILES | {"core/shapes.py": shapes}) != before


def test_functions_called_check_count_where_they_are_imported(version):
    signs = FILES["core/signs.py"].replace("> 0", ">= 0")
    assert version(files=FILES | {"core/signs.py": signs}) != version()


def test_a_package_counts_where_a_name_is_its_own(version):
    own = "def check_sign(x):\n    return x > {}\n"
    found = [FILES | {"core/__init__.py": own.format(limit)} for limit in (0, 1)]
    assert version(files=found[0]) != version(files=found[1])


def test_imports_within_functions_count(version):
    shapes = "def square(x):\n    from refimpl import other\n    return other.x\n"
    found = [FILES | {"core/shapes.py": shapes, "other.py": f"x = {x}"} for x in (1, 2)]
    assert version(files=found[0]) != version(files=found[1])


def test_where_a_file_lies_does_not_count(version):
    moved = {name: text for name, text in FILES.items() if name != "core/shapes.py"}
    moved["plain.py"] = SHAPES
    here = SOURCE.replace("refimpl.core.shapes", "refimpl.plain")
    assert version() == version(here, moved)


PRESENTS = {"claims.py", "condensed.py", "labels.py", "panels.py", "style.py"}


@pytest.mark.parametrize("experiment", framework.names())
def test_what_only_decides_or_draws_is_not_reached(experiment, monkeypatch):
    whole, counted = module._whole, set()
    monkeypatch.setattr(module, "_whole", lambda f: counted.add(f.name) or whole(f))
    module.code_version.cache_clear()
    module.code_version(module.ROOT / "experiments" / f"{experiment}.py")
    assert counted and not counted & PRESENTS


@pytest.mark.parametrize("experiment", ["fig04_condensation", "lemma1_mean_loss"])
def test_a_formula_changed_in_any_room_makes_a_result_stale(experiment, monkeypatch):
    path = module.ROOT / "experiments" / f"{experiment}.py"
    before = module.code_version(path)
    whole = module._whole
    counted = set()
    monkeypatch.setattr(module, "_whole", lambda f: counted.add(f) or whole(f))
    module.code_version.cache_clear()
    assert module.code_version(path) == before
    assert {"risk.py", "two_layer.py", "activations.py"} <= {f.name for f in counted}
    for changed in counted:
        monkeypatch.setattr(module, "_whole", lambda f: whole(f) + "x" * (f == changed))
        module.code_version.cache_clear()
        assert module.code_version(path) != before
    module.code_version.cache_clear()
