"""A row of the table: one piece of work, ours and the peers that do the same."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One piece of work.

    Attributes
    ----------
    name : str
    value : str
        What a side's result is, with which the others' is compared.
    ours : callable
        Makes our side: an object with ``turn() -> (seconds, value)`` and, where there
        is something to say of it, a text ``note``.
    peers : dict from name to callable
        Make the other sides. One that raises ``ImportError`` is left out.
    goals : dict from name to float
        Peer time over ours that is aimed at.
    more : callable, optional
        ``more(found, turns)``: further numbers, and the lines that show them.
    """

    name: str
    value: str
    ours: Callable[[], Any]
    peers: dict
    goals: dict = field(default_factory=dict)
    more: Callable[[dict, int], tuple[dict, list]] | None = None

    def sides(self):
        """The sides by name, ours first, and what each missing one lacks."""
        sides, missing = {"ours": self.ours()}, {}
        for name, make in self.peers.items():
            try:
                sides[name] = make()
            except ImportError as error:
                missing[name] = error.name or str(error)
        return sides, missing


def lines(row, found, notes, missing):
    """The row as it is printed."""
    ours = found["ours"]
    yield f"{row.name}: {duration(ours['seconds'])}, {row.value} {shown(ours['value'])}"
    for name in row.peers:
        if name in missing:
            yield f"    {name:12} left out: {missing[name]} is not installed"
            continue
        one, goal = found[name], row.goals.get(name)
        low, high = one["range"]
        aim = f" (goal {goal:g})" if goal else ""
        yield (
            f"    {name:12} {duration(one['seconds']):>9} {one['ratio']:8.3g} times "
            f"[{low:.3g}, {high:.3g}]{aim}, {row.value} {shown(one['value'])}"
        )
    for name, note in notes.items():
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


def shown(value):
    """A number, or several."""
    if isinstance(value, (tuple, list)):
        return " ".join(f"{one:.5g}" for one in value)
    return f"{value:.5g}"
