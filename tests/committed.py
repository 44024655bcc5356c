"""The claims of the committed runs, which README and notes quote."""

import json
from pathlib import Path

from refimpl.reproduce.formats import estimate

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def claims(folder=""):
    """Claims of the committed run in the `folder` of `RESULTS`, by id."""
    text = (RESULTS / folder / "claims.json").read_text(encoding="utf-8")
    return {one["id"]: one for one in json.loads(text)}


def written(claim):
    """Value and interval of a claim as they are written."""
    return " ".join(estimate(claim["measured"], claim.get("interval"))).strip()
