"""What is installed, shipped and cited: setup.cfg, the sdist, CITATION.cff."""

import configparser
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import refimpl

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("refimpl", "tests", "benchmarks", "derivations")
# Read by tests, and not in the folders above.
READ = ("reproduce.py", "setup.cfg", "CITATION.cff", "CHANGELOG.md", "docs/tour.md")
READ += tuple(f"docs/results/{name}claims.json" for name in ("", "paper/"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def setup():
    made = configparser.ConfigParser()
    made.read(ROOT / "setup.cfg", encoding="utf-8")
    return made


def files(folder):
    """Files of a folder of the repository, without what Python and editors leave."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*.*")
        if path.is_file() and not re.search(r"__pycache__|\.pyc|/\.", path.as_posix())
    }


def sources(folder):
    """What an sdist made in `folder` would hold."""
    subprocess.run(
        [sys.executable, "-c", "from setuptools import setup; setup()", "egg_info"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    listed = folder / "refimpl.egg-info" / "SOURCES.txt"
    return set(listed.read_text(encoding="utf-8").splitlines())


@pytest.fixture
def copy(tmp_path):
    """The repository as a checkout has it."""
    pytest.importorskip("setuptools")
    for folder in (*SHIPPED, "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "*.png")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".git":
            shutil.copy(path, tmp_path)
    return tmp_path


def test_the_sdist_holds_what_its_tests_need(copy):
    linked = re.findall(r"\]\((?!http)([^)#]+\.\w+)\)", README)  # and what it shows
    wanted = set(READ).union(linked, *map(files, SHIPPED))
    assert wanted - sources(copy) == set()
    (copy / "MANIFEST.in").write_text("include reproduce.py\n")
    shutil.rmtree(copy / "refimpl.egg-info")
    assert "derivations/README.md" in wanted - sources(copy)


def test_installing_makes_the_command():
    scripts = setup()["options.entry_points"]["console_scripts"].split("\n")
    assert scripts[1:] == ["refimpl = refimpl.reproduce.cli:console"]


def test_the_lowest_versions_are_those_declared():
    program = ROOT / ".ci" / "lowest"
    if not program.is_file():
        pytest.skip("not in a checkout")
    run = [sys.executable, program]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    declared = setup()["options"]["install_requires"].split()
    assert printed.split()[: len(declared)] == [
        one.replace(">=", "==") for one in declared
    ]
    assert "pytest==8\n" in printed and "sphinx==8.0\n" in printed
    assert "#" not in printed


def test_every_declared_python_is_run():
    workflow = ROOT / ".github" / "workflows" / "ci.yml"
    if not workflow.is_file():
        pytest.skip("not in a checkout")
    run = re.search(r"python: \[(.*)\]", workflow.read_text(encoding="utf-8"))[1]
    declared = re.findall(r":: (3\.\d+)", setup()["metadata"]["classifiers"])
    assert re.findall(r"3\.\d+", run) == declared
    assert setup()["options"]["python_requires"] == f">={declared[0]}"


def test_the_citation_is_of_this_version_and_prefers_the_paper():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    of_software, of_paper = citation.split("\npreferred-citation:\n")
    version = re.search(r"^version: (\S+)$", of_software, re.M)[1]
    date = re.search(r'^date-released: "(\S+)"$', of_software, re.M)[1]
    assert version == refimpl.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    said = re.search(rf"^## {re.escape(version)} \((.*)\)$", changes, re.M)[1]
    assert said in (date, "unreleased")
    assert "title: Implicit Regularization of Dropout\n" in of_paper
    assert "doi: 10.1109/TPAMI.2024.3357172\n" in of_paper


OURS = ("refimpl.core.risk", "benchmarks.rows", "test_risk")
DEPRECATED = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


def warn(category, module):
    """A warning as Python gives it for a line of `module`, recorded if it is none."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.warn_explicit("said", category, "file.py", 1, module=module)
    return [one.category for one in seen]


@pytest.mark.parametrize("module", OURS)
def test_a_warning_of_ours_is_an_error(module):
    for category in (UserWarning, SyntaxWarning, ResourceWarning):
        with pytest.raises(category):
            warn(category, module)


def test_arithmetic_that_goes_wrong_is_an_error_wherever_it_is_noticed():
    with pytest.raises(RuntimeWarning):
        warn(RuntimeWarning, "numpy._core._methods")


@pytest.mark.parametrize("category", DEPRECATED)
@pytest.mark.parametrize("module", ["matplotlib.axes", *OURS])
def test_what_a_dependency_deprecates_is_no_error(category, module):
    assert warn(category, module) == [category]
