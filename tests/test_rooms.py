"""The rooms of the package: what is where, and that imports point one way."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import refimpl

PACKAGE = Path(refimpl.__file__).parent
# Each room with those that it may import; the last two also the public names.
BELOW = {"arrays": set(), "core": {"arrays"}}
BELOW |= {room: {"arrays", "core"} for room in ("fast", "layers", "theory", "data")}
BELOW["analysis"] = {"arrays", "core", "fast", "theory", "data"}
BELOW["experiments"] = {"", *BELOW["analysis"], "analysis"}
BELOW["reproduce"] = {*BELOW["experiments"], "experiments"}
SCIENCE = ("arrays", "core", "fast", "layers", "theory", "data", "analysis")
FILES = {"__init__.py", "__main__.py", "version.py", "py.typed"}


def modules(package):
    """Path of each module by its name."""
    found = {}
    for path in package.rglob("*.py"):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(node):
    """Names, with dots, of what an import takes: modules, or what they hold."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"a relative import, of {node.module}"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def imports(package):
    """The modules of the package that each of its modules imports, also in functions.

    What is not a module is a name of the module that holds it.
    """
    paths = modules(package)
    graph = {}
    for module, path in paths.items():
        names = [name for node in ast.walk(tree(path)) for name in imported(node)]
        ours = [name for name in names if name.split(".")[0] == package.name]
        graph[module] = {
            name if name in paths else name.rpartition(".")[0] for name in ours
        }
    return graph


def room(module):
    """First part of its name below the package; of the package itself, none."""
    _, *parts = module.split(".")
    return parts[0] if len(parts) and parts[0] in BELOW else ""


def upward(graph):
    """Imports against the direction, as lines to read."""
    return sorted(
        f"{module} imports {other}"
        for module, others in graph.items()
        for other in others
        if room(module) and room(other) not in {room(module), *BELOW[room(module)]}
    )


def cycle(graph):
    """Modules that import each other in a ring, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_rooms_import_in_one_direction():
    assert upward(imports(PACKAGE)) == []


def test_no_modules_import_each_other():
    assert cycle(imports(PACKAGE)) == []


def test_wrong_imports_would_be_seen(tmp_path):
    package = tmp_path / "house"
    for name, text in {
        "core/risk.py": "from house.arrays import moving\n",
        "core/loss.py": "def f():\n    from house.fast.fused import g\n",
        "theory/r2.py": "import house.data.digits, numpy\n",
        "arrays/moving.py": "from house import Risk\n",
        "fast/fused.py": "from house.fast import masks\n",
        "fast/masks.py": "from house.fast.fused import g\n",
        "__init__.py": "",
        "data/digits.py": "",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    graph = imports(package)
    assert upward(graph) == [
        "house.arrays.moving imports house",
        "house.core.loss imports house.fast.fused",
        "house.theory.r2 imports house.data.digits",
    ]
    assert set(cycle(graph)) == {"house.fast.fused", "house.fast.masks"}


def test_the_package_holds_the_rooms_and_no_more():
    found = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert found == FILES | BELOW.keys()


@pytest.mark.parametrize("name", BELOW)
def test_a_room_says_what_lives_there(name):
    assert ast.get_docstring(tree(PACKAGE / name / "__init__.py"))


def test_the_core_can_be_read_in_one_sitting():
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.glob("core/*.py")]
    assert sum(len(text.splitlines()) for text in texts) < 1500


@pytest.mark.parametrize("name", SCIENCE)
def test_the_science_starts_with_numpy_alone(name):
    """What else it needs, such as SciPy, is imported by the functions that do."""
    for path in PACKAGE.glob(f"{name}/*.py"):
        names = {n.split(".")[0] for node in tree(path).body for n in imported(node)}
        assert names - sys.stdlib_module_names <= {"numpy", "refimpl"}, path.name
