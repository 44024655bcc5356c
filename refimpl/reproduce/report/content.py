"""What a report says, gathered from a results folder."""

import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from refimpl.experiments.common import film
from refimpl.reproduce import summary, verification
from refimpl.reproduce.records import RunRecord, load_run
from refimpl.reproduce.verification import Verification

# A larger SVG (many points) is slow to draw: its PNG is shown.
SVG_LIMIT = 400_000  # bytes
FINDING = "fig04-two-condenses", "fig04_two"  # claim and figure that lead the report
FILM_LIMIT = 500_000  # bytes of snapshots in the page
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
    panels : list or None
        Where its panels are: `drawing.panels`.
    """

    name: str
    caption: str
    file: str
    path: Path
    panels: list | None = None

    @property
    def uri(self):
        """The picture in a ``data:`` address, in which nothing can run."""
        kind = {".svg": "svg+xml", ".png": "png", ".gif": "gif"}[self.path.suffix]
        return f"data:image/{kind};base64,{b64encode(self.path.read_bytes()).decode()}"


@dataclass
class Experiment:
    """Claims, record (or ``None``) and figures of one experiment."""

    name: str
    claims: list
    run: RunRecord | None
    figures: list

    @property
    def title(self):
        return self.run.title if self.run else self.name

    @property
    def preset(self):
        return self.claims[0].preset

    @property
    def computation(self):
        return self.run and self.run.computation

    @property
    def counts(self):
        """Number of claims by verdict."""
        return Counter(claim.verdict for claim in self.claims)


@dataclass
class Content:
    """All that a report says.

    Attributes
    ----------
    experiments : list of Experiment
    verified : Verification or None
    problems : list of str
        Files that cannot be read.
    film : dict or None
        Snapshots of the finding: `film.snapshots`.
    moving : Figure or None
        The finding as it happens.
    """

    experiments: list
    verified: Verification | None
    problems: list
    film: dict | None = None
    moving: Figure | None = None

    @property
    def finding(self):
        """The claim that leads the report and its figure, or ``None``."""
        claim = [one for one in self.claims if one.id == FINDING[0]]
        figures = [figure for one in self.experiments for figure in one.figures]
        figure = [one for one in figures if one.name == FINDING[1]]
        return (claim[0], figure[0]) if claim and figure else None

    @property
    def claims(self):
        return [claim for one in self.experiments for claim in one.claims]

    @property
    def counts(self):
        return Counter(claim.verdict for claim in self.claims)

    @property
    def sentences(self):
        """What all claims together say."""
        claims = self.claims
        if not claims:
            return []
        compared = f"Against the committed runs: {summary.comparison(claims)}."
        return [compared, summary.correction(claims), summary.exploration(claims)]

    @property
    def environments(self):
        """Pairs (environment, experiments computed in it)."""
        found = {}
        for one in self.experiments:
            if one.computation:
                environment = one.computation.environment
                key = json.dumps(environment)
                found.setdefault(key, (environment, []))[1].append(one)
        return list(found.values())

    @property
    def seconds(self):
        made = (one.computation for one in self.experiments)
        return sum(one.seconds for one in made if one)


def gather(out, claims):
    """The report of the results folder `out` with `claims`."""
    out, by_name = Path(out), {}
    for claim in claims:
        by_name.setdefault(claim.experiment, []).append(claim)
    experiments, problems = [], []
    for name, own in sorted(by_name.items()):
        run, problem = load_run(out / name) if NAME.fullmatch(name) else (None, None)
        if run and not _same(run, own[0]):
            problem = (
                f"{out / name} holds the record of a run that was broken off, of other "
                "settings than these claims: it is left out"
            )
            run = None
        problems.append(problem)
        figures = _figures(out, name, run.figures) if run else []
        experiments.append(Experiment(name, own, run, figures))
    verified, problem = verification.load(out)
    problems = [one for one in (*problems, problem) if one]
    found = Content(experiments, verified, problems)
    if found.finding:
        _add_film(out / found.finding[0].experiment, found)
    return found


def _same(run, claim):
    """Whether claim and record are of the same preset and number of seeds, as far as
    they say."""
    told = [one.value for one in run.settings if one.name == "seeds"]
    seeds = claim.seeds is None or not told or claim.seeds in told
    return run.preset == claim.preset and seeds


def _add_film(folder, found):
    """Put film and snapshots of the finding in `found`, where they are there."""
    if not NAME.fullmatch(folder.name):
        return
    path, moving = folder / film.SNAPSHOTS, folder / film.FILM
    if moving.is_file():
        name = f"{folder.name}/{moving.name}"
        found.moving = Figure("moving", film.CAPTION, name, moving)
    if path.is_file() and path.stat().st_size <= FILM_LIMIT:
        try:
            found.film = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            found.problems.append(f"{path} is damaged: {error}")


def _figures(out, name, described):
    """The figures that are there."""
    found = []
    for one in described:
        if NAME.fullmatch(one.name):
            file = f"{name}/{one.name}.png"
            png, svg = out / file, (out / file).with_suffix(".svg")
            small = svg.is_file() and svg.stat().st_size <= SVG_LIMIT
            if small or png.is_file():
                path = svg if small else png
                found.append(Figure(one.name, one.caption, file, path, one.panels))
    return found
