"""The verdicts and values of the committed runs, and whether a run decides as they do.

``python -m refimpl.reproduce.reference docs/results docs/results/paper`` makes
``reference.json`` of the ``claims.json`` in these folders.
"""

import json
import re
import sys
from dataclasses import replace
from math import isfinite
from pathlib import Path

from refimpl.data.files import write_text
from refimpl.reproduce.records import CLAIMS_FILE, claims_from_json

FILE = Path(__file__).with_name("reference.json")
SAME, DIFFERENT, INCOMPARABLE = COMPARISONS = (
    "as documented",
    "decided differently",
    "not comparable",
)
SEEDS = ("seeds", "first_seed")


def load():
    """``{preset: {data: {claim: {"verdict", "measured", "interval", ...}}}}``."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def find(reference, claim):
    """What the committed run of the same preset and data says of a claim, or None."""
    return reference.get(claim.preset, {}).get(claim.data, {}).get(claim.id)


def compared(claim, reference):
    """The record of a claim with the verdict of the committed run, and `compare`."""
    documented = find(reference, claim)
    verdict = documented and documented["verdict"]
    return replace(claim, reference=verdict, comparison=compare(claim, documented))


def compare(claim, documented):
    """One of `COMPARISONS`: a claim with what `find` says of it.

    Other seeds are another sample. Where one of the two is undecided and each value
    lies in the other's interval, the numbers agree: another processor rounds them
    differently, and an end of the interval may fall on the other side of a threshold.
    Counts that are the same in all seeds have an interval without width, which says
    nothing of how far another processor's may lie; there that of the other decides.
    """
    if documented is None:
        return INCOMPARABLE
    if any(documented[name] != getattr(claim, name) for name in SEEDS):
        return INCOMPARABLE
    verdicts = {claim.verdict, documented["verdict"]}
    if "not attempted" in verdicts:
        return INCOMPARABLE
    if len(verdicts) == 1 or "undecided" in verdicts and _agree(claim, documented):
        return SAME
    return DIFFERENT


def _agree(claim, documented):
    """Whether each value lies in the other's interval."""
    here, there = claim.interval, documented["interval"]
    if here is None or there is None:
        return False
    pairs = (here, documented["measured"]), (there, claim.measured)
    return all(low == high or low <= value <= high for (low, high), value in pairs)


def collect(folders):
    """The reference, of the claims in `folders`; of two with the same, the later."""
    reference = {}
    for folder in folders:
        text = (Path(folder) / CLAIMS_FILE).read_text(encoding="utf-8")
        for claim in claims_from_json(json.loads(text)):
            known = claim.interval is not None and all(map(isfinite, claim.interval))
            data = reference.setdefault(claim.preset, {}).setdefault(claim.data, {})
            data[claim.id] = {
                "verdict": claim.verdict,
                "measured": claim.measured,
                "interval": claim.interval if known else None,
                **{name: getattr(claim, name) for name in SEEDS},
            }
    return reference


def main(folders):
    """Write the reference and say what is in it; returns the exit status."""
    if not folders:
        print(
            "usage: python -m refimpl.reproduce.reference FOLDER ...", file=sys.stderr
        )
        return 2
    try:
        reference = collect(folders)
    except (OSError, ValueError) as error:
        print(f"reference: the claims cannot be read: {error}", file=sys.stderr)
        return 2
    text = json.dumps(reference, indent=1, ensure_ascii=False)
    # A line for each claim: so changes are read.
    text = re.sub(r'{\s+"verdict"[^}]*}', lambda one: " ".join(one[0].split()), text)
    write_text(FILE, text + "\n")
    for preset, by_data in reference.items():
        for data, claims in by_data.items():
            print(f"{preset}, data {data}: {len(claims)} claims")
    print(f"written to {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
