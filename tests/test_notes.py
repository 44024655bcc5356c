"""The notes on the paper quote what the committed runs measured."""

import re
from pathlib import Path

import committed

ROOT = Path(__file__).parent.parent
NOTES = (ROOT / "derivations" / "09-notes-on-the-paper.md").read_text(encoding="utf-8")
QUOTED = list(re.finditer(r" \(`([a-z0-9-]+)`(?:, (paper))?\)", NOTES))


def test_a_number_before_a_claim_is_its_measure():
    claims = {folder: committed.claims(folder) for folder in ("", "paper")}
    assert len(QUOTED) > 40
    for quote in QUOTED:
        claim = claims[quote.group(2) or ""][quote.group(1)]
        before = NOTES[: quote.start()]
        assert before.endswith(f" {committed.written(claim)}"), quote.group()
