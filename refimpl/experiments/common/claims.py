"""Claims, the rules that decide them, and what was measured.

A rule is a region of the real line. It is written once and serves the text of the
criterion, the verdict, and the threshold that a figure draws.
"""

from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import Any

import numpy as np

from refimpl.experiments.common.statistics import Effect

VERDICTS = ("supported", "refuted", "undecided", "not attempted")
ORIGINS = ("paper", "companion", "project")


@dataclass(frozen=True)
class Rule:
    """A region of the real line, from `low` to `high`.

    Made by `above`, `below`, `between`, `at_most` and `at_least`.

    Attributes
    ----------
    low, high : float
    text : str
        The rule in words.
    closed : bool
        Whether the ends belong to it.
    """

    low: float
    high: float
    text: str
    closed: bool

    def __contains__(self, value):
        if self.closed:
            return self.low <= value <= self.high
        return self.low < value < self.high

    def verdict(self, value, interval=None):
        """One of "supported", "refuted" and "undecided".

        Of an exact or counted quantity the value decides. An estimate is decided by
        its interval: all of it lies in the region, none of it does, or it straddles.

        Raises
        ------
        ValueError
            If one of the numbers is NaN, which is no measurement.
        """
        if any(isnan(one) for one in (value, *(interval or ()))):
            raise ValueError(f"NaN decides nothing, got {value} in {interval}")
        if interval is None:
            return "supported" if value in self else "refuted"
        low, high = interval
        if low in self and high in self:
            return "supported"
        if low in self or high in self or (low <= self.low and self.high <= high):
            return "undecided"
        return "refuted"

    @property
    def thresholds(self):
        """The finite ends, as a figure draws them."""
        return tuple(end for end in (self.low, self.high) if isfinite(end))


def above(x):
    """The numbers greater than x."""
    return Rule(x, inf, f"above {number(x)}", False)


def below(x):
    """The numbers less than x."""
    return Rule(-inf, x, f"below {number(x)}", False)


def between(a, b):
    """The numbers from a to b."""
    return Rule(a, b, f"between {number(a)} and {number(b)}", True)


def at_most(k):
    """The numbers up to k."""
    return Rule(-inf, k, f"at most {number(k)}", True)


def at_least(k):
    """The numbers from k on."""
    return Rule(k, inf, f"at least {number(k)}", True)


def number(x):
    """A threshold as text."""
    return f"{x:g}".replace("-", "−")


@dataclass(frozen=True)
class Claim:
    """A statement, what is measured of it, and the rule that decides it.

    Attributes
    ----------
    id : str
        Unique over all experiments.
    statement : str
        What is claimed, in words that stand alone.
    source : str
        The place in the paper ("Lemma 1", "Figure 4d"), the companion paper, or "this
        project".
    quantity : str
        What is measured.
    rule : Rule
        Where the quantity must lie, fixed before it is measured.
    origin : {"paper", "companion", "project"}
        Whose claim it is.
    note : str
        Why it is not supported, where it is not, in one or two sentences.
    anchor : str
        Heading of ``derivations/09-notes-on-the-paper.md`` that says more.
    explored : str
        What of rule or setting was found by looking at results, and what changed; empty
        where all was fixed before.
    """

    id: str
    statement: str
    source: str
    quantity: str
    rule: Rule
    origin: str = "paper"
    note: str = ""
    anchor: str = ""
    explored: str = ""

    @property
    def criterion(self):
        """What is measured, and when the claim is supported."""
        return f"{self.quantity}: {self.rule.text}"

    def measured(self, found, detail=""):
        """The claim with what was measured, and its verdict.

        Parameters
        ----------
        found : Effect, number or str
            An estimate, which its 95% interval decides; an exact or counted quantity;
            or in words, why there is neither.
        detail : str
            What a reader needs beside the number.
        """
        effect = found if isinstance(found, Effect) else None
        if not isinstance(found, str) and np.isnan(effect.mean if effect else found):
            found = f"measured NaN; {detail}".removesuffix("; ")
        if isinstance(found, str):
            return Result(self, "not attempted", None, None, None, found)
        value = float(effect.mean if effect else found)
        interval = tuple(float(end) for end in effect.interval) if effect else None
        p = effect.p_value(self.rule) if effect else None
        verdict = self.rule.verdict(value, interval)
        return Result(self, verdict, value, interval, p, detail)


def ours(id, statement, quantity, rule, source="this project", **more):
    """A claim of this project."""
    return Claim(id, statement, source, quantity, rule, "project", **more)


@dataclass(frozen=True)
class Result:
    """A claim with what was measured.

    Attributes
    ----------
    claim : Claim
    verdict : str
        One of `VERDICTS`.
    measured : float or None
    interval : (float, float) or None
        95% confidence interval.
    p : float or None
        p-value of the claim being false, where there is one.
    detail : str
    """

    claim: Claim
    verdict: str
    measured: Any
    interval: Any
    p: Any
    detail: str


def rules(claims):
    """The rules of `claims`, by id."""
    return {claim.id: claim.rule for claim in claims}


def decided(claims, measured, details=None):
    """Results of `claims` by id, of what was `measured` and `details`, by id."""
    details = details or {}
    absent = [claim.id for claim in claims if claim.id not in measured]
    if absent:
        raise ValueError(f"measured must hold every claim, it lacks {absent}")
    return {
        claim.id: claim.measured(measured[claim.id], details.get(claim.id, ""))
        for claim in claims
    }
