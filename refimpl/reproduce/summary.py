"""What all claims together say: counts, comparison, and what a correction leaves."""

from collections import Counter

import numpy as np

from refimpl.experiments.common.claims import VERDICTS
from refimpl.reproduce.reference import COMPARISONS, INCOMPARABLE, SAME

MARKS = {
    "supported": "✓",
    "refuted": "✗",
    "undecided": "?",
    "not attempted": "–",
    "pass": "✓",  # of an equation
    "fail": "✗",
    "missing": "✗",
}
WHOSE = {"paper": "the paper's", "companion": "its companions'", "project": "ours"}
NEEDS_MNIST = "needs --mnist DIR"
DECIDED = VERDICTS[:3]


def counts(claims):
    """``9 supported, 2 refuted, 1 need --mnist``."""
    found = Counter(
        "need --mnist" if one.detail == NEEDS_MNIST else one.verdict for one in claims
    )
    order = (*VERDICTS, "need --mnist")
    return ", ".join(f"{found[word]} {word}" for word in order if found[word])


def comparison(claims):
    """How many of the attempted claims are as documented, in words; and how many the
    committed run decided that were not attempted, as an experiment broke off."""
    attempted = [one for one in claims if one.verdict != "not attempted"]
    found = Counter(one.comparison for one in attempted)
    missing = sum(
        one.verdict == "not attempted" and one.reference in DECIDED for one in claims
    )
    if not attempted and not missing:
        return "nothing to compare"
    if found[SAME] == len(attempted) and not missing:
        return f"all {SAME}"
    why = {INCOMPARABLE: " (no committed run of this preset with these seeds and data)"}
    words = [f"{found[w]} {w}{why.get(w, '')}" for w in COMPARISONS if found[w]]
    return ", ".join(words + [f"{missing} missing"] * bool(missing))


def holm(p, level=0.05):
    """Which null hypotheses Holm's procedure rejects, of all that were tested: (m,).

    The smallest p is held against level/m, the next against level/(m − 1), and so on
    until one is larger. With probability 1 − level no true hypothesis is rejected
    (Holm, Scand. J. Statist. 6, 65–70, 1979).
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)
    passed = p[order] <= level / np.arange(len(p), 0, -1)
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order] = np.logical_and.accumulate(passed)
    return rejected


def correction(claims, named=True):
    """How many supported claims Holm's correction leaves, which not, and how many of
    the refuted, each tested for not being so: twice 1 − p, as p looks at one end of its
    region and what is refuted may lie beyond either.

    Not `named`: it says where they are named.
    """
    tested = [one for one in claims if one.p is not None]
    if not tested:
        return "No claim has a p-value."
    rejected = holm([one.p for one in tested])
    pairs = [pair for pair in zip(tested, rejected) if pair[0].verdict == "supported"]
    lost = [one.id for one, survives in pairs if not survives]
    against = holm([2 * (1 - one.p) for one in tested])
    refuted = [k for one, k in zip(tested, against) if one.verdict == "refuted"]
    names = ", ".join(lost) if named else "those that the report names"
    without = f", not {names}" if lost else ""
    return (
        f"With a p-value: {len(tested)} claims, {len(pairs)} of them supported, "
        f"{len(pairs) - len(lost)} after Holm's correction for their number at "
        f"5%{without}."
    ) + (f" Of {len(refuted)} refuted {sum(refuted)} are left." if refuted else "")


def exploration(claims):
    """Sentence: how many rules were fixed before measuring."""
    explored = sum(bool(one.explored) for one in claims)
    fixed = len(claims) - explored
    return (
        f"Rules: {fixed} fixed before anything was measured, {explored} found while "
        "exploring."
    )
