"""Version of the code that computes a result: a hash over its chain of modules."""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@cache
def code_version(path):
    """Hash of what ``run`` of the experiment at `path` computes with.

    Of the experiment that is what `run` reaches by name, so claims, checks, captions
    and plots do not count; of the rest of the package every file that is imported on
    the way, whole. Comments, docstrings, names of files and where they lie do not
    count: a result stays valid when code moves, and when only its presentation changes.

    Parameters
    ----------
    path : path of a module of the package

    Returns
    -------
    version : str
        16 hexadecimal digits.
    """
    computing = _source(_reached(_tree(path), "run"))
    parts = sorted([computing, *map(_whole, modules(path))])
    return hashlib.sha256("\n\n".join(parts).encode()).hexdigest()[:16]


def modules(path):
    """Files of the package that ``run`` of the experiment at `path` computes with."""
    seen, todo = set(), _imported(_reached(_tree(path), "run"))
    while todo:
        seen |= todo
        todo = set().union(*map(_imports, todo)) - seen
    return seen


@cache
def _tree(path):
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def _reached(tree, name):
    """Top-level statements that `name` is made of, and those that bind no name."""
    bound = [(statement, _binds(statement)) for statement in tree.body]
    found = [statement for statement, names in bound if not names]
    known, todo = set(), {name}
    while todo:
        known |= todo
        now = [statement for statement, names in bound if names & todo]
        found += [statement for statement in now if statement not in found]
        used = {n.id for one in now for n in ast.walk(one) if isinstance(n, ast.Name)}
        todo = used - known
    # Of an import, the names that are used.
    return [
        _only(statement, known) if isinstance(statement, IMPORTS) else statement
        for statement in tree.body
        if statement in found
    ]


IMPORTS = (ast.Import, ast.ImportFrom)


def _binds(statement):
    """Names that a top-level statement gives a meaning."""
    if isinstance(statement, IMPORTS):
        return {_bound(alias) for alias in statement.names}
    if hasattr(statement, "name"):  # a function, a class
        return {statement.name}
    names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
    loops = [n for n in ast.walk(statement) if isinstance(n, ast.comprehension)]
    inner = {n for loop in loops for n in ast.walk(loop.target)}
    return {n.id for n in names if isinstance(n.ctx, ast.Store) and n not in inner}


def _bound(alias):
    return alias.asname or alias.name.partition(".")[0]


def _only(statement, known):
    names = [alias for alias in statement.names if _bound(alias) in known]
    if isinstance(statement, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(statement.module, names, statement.level)


@cache
def _imports(path):
    """Files of the package that the file at `path` imports."""
    return _imported(_tree(path).body)


def _imported(body):
    """Files of the package that statements import, anywhere in them."""
    found = set()
    for node in ast.walk(ast.Module(body, [])):
        if isinstance(node, ast.Import):
            found |= {_file(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {_origin(node.module, alias.name) for alias in node.names}
    return found - {None}


def _origin(module, name):
    """File that ``from module import name`` takes the name from, if it is ours.

    A package hands on what it imports itself: then it is the file that it is from.
    """
    inner, outer = _file(f"{module}.{name}"), _file(module)
    if inner is not None or outer is None or outer.name != "__init__.py":
        return inner or outer
    for node in _tree(outer).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if _bound(alias) == name:
                    return _origin(node.module, alias.name)
    return outer


def _file(module):
    """File of a module of the package; ``None`` if there is none."""
    first, *rest = module.split(".")
    place = ROOT.joinpath(*rest)
    files = [place / "__init__.py", place.with_suffix(".py")]
    return next((f for f in files if f.is_file()), None) if first == ROOT.name else None


@cache
def _whole(path):
    return _source(_tree(path).body)


def _source(body):
    """Source of statements without docstrings; of imports the names alone, sorted."""
    tree = ast.parse(ast.unparse(ast.Module(body, [])))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, IMPORTS):
            names |= {ast.unparse(alias) for alias in node.names}
        if isinstance(getattr(node, "body", None), list):
            node.body = [one for one in node.body if not _is_text(one)]
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            node.body = [one for one in node.body if not isinstance(one, IMPORTS)]
    return "\n".join([*sorted(names), ast.unparse(tree)])


def _is_text(line):
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


@cache
def package_version():
    """Hash of the package's sources, all of them: the same on every worker, or else."""
    code = hashlib.sha256()
    for path in sorted(ROOT.rglob("*.py")):
        code.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return code.hexdigest()[:16]
