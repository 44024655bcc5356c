"""Version of the code that computes a result: a hash over its chain of modules."""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent
# They show and keep results; they do not change them.
NOT_PHYSICS = {
    "results.py",
    "version.py",
    "style.py",
    "code_version.py",
    "framework.py",
}
WORDS = {"CLAIMS", "CAPTIONS", "PAPER_SETTINGS"}


@cache
def code_version(path):
    """Hash of what the experiment at `path` computes with: itself, and all it imports.

    Comments, docstrings, claims, captions, what the paper's settings are and the
    functions that check and plot do not count: a result stays valid when only its
    presentation changes.

    Parameters
    ----------
    path : path of a module of the package

    Returns
    -------
    version : str
        16 hexadecimal digits.
    """
    code, todo, seen = hashlib.sha256(), [Path(path)], set()
    while todo:
        path = todo.pop()
        if path in seen or path.name in NOT_PHYSICS:
            continue
        seen.add(path)
        todo += sorted(_imports(path))
    for path in sorted(seen):
        code.update(_computing(path).encode())
    return code.hexdigest()[:16]


@cache
def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path):
    """Files of the package that the file at `path` imports, anywhere in it."""
    found = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # ``from package import name``: the name may be a module, or is inside one.
            names = [node.module] + [f"{node.module}.{a.name}" for a in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            file = ROOT.joinpath(*rest).with_suffix(".py")
            if first == ROOT.name and rest and file.is_file():
                found.add(file)
    return found


def _computing(path):
    """Source of the file at `path` without what does not compute."""
    body = []
    for node in _tree(path).body:
        name = getattr(node, "name", "").lstrip("_")
        shows = isinstance(node, ast.FunctionDef) and name.startswith(("check", "plot"))
        targets = [getattr(t, "id", None) for t in getattr(node, "targets", [])]
        if path.parent != ROOT and (shows or WORDS & set(targets)):
            continue
        body.append(ast.dump(_without_docstrings(node)))
    return path.name + "\n".join(body)


def _without_docstrings(tree):
    """A copy of `tree` without its strings that stand alone."""
    tree = ast.parse(ast.unparse(tree))
    for node in ast.walk(tree):
        if hasattr(node, "body") and isinstance(node.body, list):
            node.body = [
                line
                for line in node.body
                if not (
                    isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
                )
            ]
    return tree


@cache
def package_version():
    """Hash of the package's sources, all of them: the same on every worker, or else."""
    code = hashlib.sha256()
    for path in sorted(ROOT.rglob("*.py")):
        code.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return code.hexdigest()[:16]
