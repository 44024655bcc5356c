"""What is kept beside the arrays: ``claims.json`` and, by experiment, ``run.json``.

A report can be made of them alone, also of experiments that were computed in different
sessions. What is read is checked field by field; an error names the field.
"""

import json
import os
from dataclasses import MISSING, asdict, dataclass, fields, replace
from math import inf, isfinite
from pathlib import Path

from refimpl.data.files import write_text
from refimpl.experiments.common.claims import ORIGINS, VERDICTS

CLAIMS_FILE, RUN_FILE = "claims.json", "run.json"


@dataclass(frozen=True, kw_only=True)
class ClaimRecord:
    """A `claims.Claim`, its `claims.Result`, and how the committed run decided it."""

    id: str
    statement: str
    source: str
    origin: str
    criterion: str
    measured: int | float | None
    interval: list | tuple | None = None
    p: int | float | None = None
    verdict: str
    reference: str | None = None  # verdict of the committed run of this preset
    comparison: str = "not comparable"  # with it: one of `reference.COMPARISONS`
    note: str = ""
    anchor: str = ""
    explored: str = ""
    detail: str = ""
    experiment: str
    preset: str
    data: str  # pictures that the experiment learns: digits, mnist, cifar10, none
    seeds: int | None  # their number
    first_seed: int | None

    @property
    def rule(self):
        """The end of the criterion: the region that supports the claim."""
        return self.criterion.rpartition(": ")[2]

    @classmethod
    def from_json(cls, content):
        """The record in a JSON object; ``ValueError`` names the field that is wrong."""
        claim = read(cls, content)
        for name, allowed in (("verdict", VERDICTS), ("origin", ORIGINS)):
            if (value := getattr(claim, name)) not in allowed:
                words = ", ".join(allowed)
                raise ValueError(f"{name} must be one of {words}; got {value!r}")
        if claim.interval is None:
            return claim
        ends = [isinstance(end, int | float | None) for end in claim.interval]
        if ends != [True, True]:
            raise ValueError(
                f"interval must be two numbers, got {claim.interval!r:.60}"
            )
        low, high = claim.interval
        whole = (-inf if low is None else low, inf if high is None else high)
        return replace(claim, interval=whole)

    def to_json(self):
        """The record as a JSON object; interval and p only where there are any.

        JSON has no infinity and no NaN: they become ``null``.
        """
        content = asdict(self) | {"measured": _finite(self.measured)}
        if self.interval is not None:
            content["interval"] = [_finite(end) for end in self.interval]
        absent = {name for name in ("interval", "p") if content[name] is None}
        return {name: value for name, value in content.items() if name not in absent}


@dataclass(frozen=True)
class Setting:
    """A field of the experiment's configuration: ours, and what the paper says."""

    name: str
    value: object
    paper: object


@dataclass(frozen=True)
class FigureRecord:
    """Name of a figure, what it shows and where its panels are: `drawing.panels`."""

    name: str
    caption: str
    panels: list | None = None  # None where nobody knows


@dataclass(frozen=True)
class Computation:
    """How a result came about; kept as long as the result is."""

    seconds: int | float  # of all runs, each where it was computed
    finished: str
    environment: dict  # of the session, as it began: `environment.environment`


@dataclass(frozen=True)
class RunRecord:
    """What a report needs of an experiment beside its claims."""

    key: str  # of the result: `store.digest`
    experiment: str
    title: str
    description: list  # of paragraphs
    preset: str
    command: str
    settings: list  # of `Setting`
    settings_in_words: list  # of paragraphs
    figures: list  # of `FigureRecord`
    computation: Computation | dict | None  # None where nobody knows

    @classmethod
    def from_json(cls, content):
        """The record in a JSON object; ``ValueError`` names the field that is wrong."""
        run = read(cls, content)
        return replace(
            run,
            settings=[read(Setting, one) for one in run.settings],
            figures=[read(FigureRecord, one) for one in run.figures],
            computation=run.computation and read(Computation, run.computation),
        )


def read(kind, content):
    """An instance of the dataclass `kind` from a JSON object.

    ``ValueError`` names the field that is missing or of another type.
    """
    if not isinstance(content, dict):
        raise ValueError(f"an object was expected, got {content!r:.60}")
    known = [field for field in fields(kind) if field.name in content]
    for field in fields(kind):
        if field.default is MISSING and field not in known:
            raise ValueError(f"{field.name} is missing")
    for field in known:
        value = content[field.name]
        if not isinstance(value, field.type):
            kinds = field.type  # a union has a name of its own from Python 3.14 on
            wanted = kinds.__name__ if isinstance(kinds, type) else kinds
            raise ValueError(f"{field.name} must be {wanted}, got {value!r:.60}")
    return kind(**{field.name: content[field.name] for field in known})


def load(path, from_json):
    """What `from_json` makes of a file: (it or ``None``, problem or ``None``)."""
    path = Path(path)
    try:
        if not path.is_file():
            return None, None
        return from_json(json.loads(path.read_text(encoding="utf-8"))), None
    except (OSError, ValueError, RecursionError) as error:
        return None, f"{path} is damaged and is left out: {error}"


def load_claims(out):
    """Claims of earlier runs in the folder `out`: (list, problem or ``None``).

    A damaged file is moved aside, as it is about to be written anew.
    """
    path = Path(out) / CLAIMS_FILE
    claims, problem = load(path, claims_from_json)
    if problem:
        aside = path.with_suffix(".damaged.json")
        os.replace(path, aside)
        problem += f"; it is now {aside.name}"
    return claims or [], problem


def claims_from_json(content):
    """The list of claims of ``claims.json``."""
    if not isinstance(content, list):
        raise ValueError(f"a list was expected, got {content!r:.60}")
    return [ClaimRecord.from_json(one) for one in content]


def save_claims(out, claims):
    """Write the claims as JSON, atomically."""
    content = [claim.to_json() for claim in claims]
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(Path(out) / CLAIMS_FILE, text + "\n")


def load_run(folder):
    """The record of an experiment: (RunRecord or ``None``, problem or ``None``)."""
    return load(Path(folder) / RUN_FILE, RunRecord.from_json)


def save_run(folder, run):
    """Write the record of an experiment, atomically."""
    text = json.dumps(asdict(run), indent=1, ensure_ascii=False)
    write_text(Path(folder) / RUN_FILE, text + "\n")


def _finite(number):
    return number if number is not None and isfinite(number) else None
