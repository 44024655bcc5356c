"""What a report says, gathered from a results folder."""

import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from refimpl.reproduce import record

VERIFY_FILE = "verify.json"
# A larger SVG (many points) is slow to draw: its PNG is shown.
SVG_LIMIT = 400_000  # bytes
NAME = re.compile(r"\w+", re.ASCII)  # of a folder or figure: no way out of `out`


@dataclass
class Figure:
    """A figure with what it shows.

    Attributes
    ----------
    name, caption : str
    file : str
        Its PNG, relative to the results folder.
    path : Path
        Its SVG, or its PNG where the SVG is larger than `SVG_LIMIT`.
    """

    name: str
    caption: str
    file: str
    path: Path

    @property
    def uri(self):
        """The picture in a ``data:`` address, in which nothing can run."""
        kind = {".svg": "svg+xml", ".png": "png"}[self.path.suffix]
        return f"data:image/{kind};base64,{b64encode(self.path.read_bytes()).decode()}"


@dataclass
class Experiment:
    """Claims, record and figures of one experiment."""

    name: str
    claims: list
    record: dict = field(default_factory=dict)
    figures: list = field(default_factory=list)

    @property
    def title(self):
        return self.record.get("title", self.name)

    @property
    def preset(self):
        return self.claims[0].get("preset", "unknown")

    @property
    def computation(self):
        return self.record.get("computation") or {}

    @property
    def counts(self):
        """Number of claims by verdict."""
        return Counter(claim["verdict"] for claim in self.claims)


@dataclass
class Content:
    """All that a report says.

    Attributes
    ----------
    experiments : list of Experiment
    equations : dict or None
        Content of ``verify.json``: each equation with how many tests passed.
    problems : list of str
        Files that cannot be read.
    """

    experiments: list
    equations: dict | None
    problems: list

    @property
    def claims(self):
        return [claim for one in self.experiments for claim in one.claims]

    @property
    def counts(self):
        return Counter(claim["verdict"] for claim in self.claims)

    @property
    def environments(self):
        """Pairs (environment, experiments computed in it)."""
        found = {}
        for one in self.experiments:
            environment = one.computation.get("environment")
            if environment:
                key = json.dumps(environment)
                found.setdefault(key, (environment, []))[1].append(one)
        return list(found.values())

    @property
    def seconds(self):
        return sum(one.computation.get("seconds", 0) for one in self.experiments)


def gather(out, claims):
    """The report of the results folder `out` with `claims`."""
    out, experiments, problems = Path(out), {}, []
    for claim in claims:
        name = claim["experiment"]
        experiments.setdefault(name, Experiment(name, [])).claims.append(claim)
    for name, one in experiments.items():
        if NAME.fullmatch(name):
            found, problem = record.load(out / name)
            one.record = found or {}
            one.figures = _figures(out, name, one.record.get("figures", []))
            problems += [problem] if problem else []
    equations, problem = load_verification(out)
    problems += [problem] if problem else []
    in_order = [experiments[name] for name in sorted(experiments)]
    return Content(in_order, equations, problems)


def _figures(out, name, described):
    """The figures that are there."""
    found = []
    for one in described:
        if NAME.fullmatch(one["name"]):
            file = f"{name}/{one['name']}.png"
            png, svg = out / file, (out / file).with_suffix(".svg")
            small = svg.is_file() and svg.stat().st_size <= SVG_LIMIT
            if small or png.is_file():
                path = svg if small else png
                found.append(Figure(one["name"], one["caption"], file, path))
    return found


def load_verification(out):
    """Content of ``verify.json``: (dict or None, problem or None)."""
    path = Path(out) / VERIFY_FILE
    if not path.is_file():
        return None, None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["python"], content["time_s"] + 0
        for one in content["equations"]:
            one["name"], one["title"], one["status"], one["passed"], one["failed"]
        return content, None
    except (OSError, ValueError, KeyError, TypeError) as error:
        return None, f"{path} is damaged and is left out: {error}"
