"""A row of the table: one piece of work, done by us and by peers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.interleave import interleave

SHORTEST = 0.01


@dataclass(frozen=True)
class Side:
    """One way to do the work of a row.

    Attributes
    ----------
    work : callable
        What is timed; takes nothing.
    value : callable
        Makes what `work` returned a number, or a tuple of numbers, by which it shows
        that all sides did the same. It is not timed.
    scale : float
        The time is multiplied by it: `work` may be many steps, or a part of the work.
    note : str
        What there is to say of it.
    clock : callable
        Gives seconds.
    shortest : float
        Seconds that a turn takes at least, by repetition.
    """

    work: Callable[[], Any]
    value: Callable[[Any], Any] = lambda result: ()
    scale: float = 1.0
    note: str = ""
    clock: Callable[[], float] = time.perf_counter
    shortest: float = SHORTEST

    def turn(self):
        """Seconds and value."""
        count, taken, start = 0, 0.0, self.clock()
        while taken < self.shortest:
            result, count = self.work(), count + 1
            taken = self.clock() - start
        return self.scale * taken / count, self.value(result)


@dataclass(frozen=True)
class Row:
    """One piece of work.

    Attributes
    ----------
    name : str
    value : str
        What the numbers are that the sides have found.
    ours : callable
        Makes our `Side` of the case.
    peers : dict from name to callable
        Make the others'. One that raises ``ImportError`` is left out.
    goals : dict from name to float or None
        Peer time over ours that is aimed at.
    case : tuple
        The arguments with which all sides are made.
    """

    name: str
    value: str
    ours: Callable[..., Any]
    peers: dict = field(default_factory=dict)
    goals: dict = field(default_factory=dict)
    case: tuple = ()

    def measure(self, turns):
        """Times and values of all sides, and what is missing, as data."""
        sides, missing = {"ours": self.ours(*self.case)}, {}
        for name, make in self.peers.items():
            try:
                sides[name] = make(*self.case)
            except ImportError as error:
                missing[name] = error.name or str(error)
        for side in sides.values():
            side.turn()  # a warm-up: compilation, caches
        found = interleave(sides, turns)
        notes = {name: side.note for name, side in sides.items() if side.note}
        row = {"work": self.name, "value": self.value, "goals": self.goals}
        return row | found | {"notes": notes, "missing": missing}


def lines(found):
    """What `Row.measure` found, as it is printed."""
    ours = found["ours"]
    yield f"{found['work']}: {duration(ours['seconds'])}{_value(found, ours)}"
    for name, package in found["missing"].items():
        yield f"    {name:12} left out: {package} is not installed"
    for name, one in found.items():
        if isinstance(one, dict) and "ratio" in one:
            low, high = one["range"]
            goal = found["goals"].get(name)
            aim = f" (goal {goal:g})" if goal else ""
            yield (
                f"    {name:12} {duration(one['seconds']):>9} {one['ratio']:8.3g} "
                f"times [{low:.3g}, {high:.3g}]{aim}{_value(found, one)}"
            )
    for name, note in found["notes"].items():
        yield f"    {name}: {note}"


def duration(seconds):
    """Seconds with a fitting unit.

    Examples
    --------
    >>> duration(0.0123)
    '12.3 ms'
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def _value(found, side):
    value = side["value"]
    numbers = value if isinstance(value, (tuple, list)) else [value]
    shown = " ".join(f"{number:.5g}" for number in numbers)
    return f", {found['value']} {shown}" if shown else ""
