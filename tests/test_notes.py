"""The notes on the paper quote what the committed runs measured."""

import json
import re
from pathlib import Path

import pytest

from refimpl.reproduce.formats import estimate

ROOT = Path(__file__).parent.parent
NOTES = (ROOT / "derivations" / "09-notes-on-the-paper.md").read_text(encoding="utf-8")
FOLDERS = {"": ROOT / "docs" / "results", "paper": ROOT / "docs" / "results" / "paper"}
QUOTED = list(re.finditer(r" \(`([a-z0-9-]+)`(?:, (paper))?\)", NOTES))


@pytest.fixture(scope="module")
def measured():
    """Preset → claim → its value and interval as they are written."""
    found = {}
    for preset, folder in FOLDERS.items():
        text = (folder / "claims.json").read_text(encoding="utf-8")
        found[preset] = {
            one["id"]: " ".join(estimate(one["measured"], one.get("interval"))).strip()
            for one in json.loads(text)
        }
    return found


def test_a_number_before_a_claim_is_its_measure(measured):
    assert len(QUOTED) > 40
    for quote in QUOTED:
        name, preset = quote.group(1), quote.group(2) or ""
        before = NOTES[: quote.start()]
        assert before.endswith(f" {measured[preset][name]}"), quote.group()
