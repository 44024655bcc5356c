"""Times of several sides, taken in turns in one process."""

from statistics import median


def interleave(sides, turns):
    """Medians of all sides, and ratios to the first, turn by turn.

    Parameters
    ----------
    sides : dict from name to an object with ``turn() -> (seconds, value)``
        The first is ours. A value is a number, or a tuple of numbers.
    turns : int
        After one that is a warm-up.

    Returns
    -------
    dict
        By name: ``seconds`` and ``value`` (medians), and for all but the first
        ``ratio``, the median of its time over ours in the same turn, which a drifting
        machine does not move, and ``range`` of these ratios.
    """
    taken = [{name: side.turn() for name, side in sides.items()} for _ in range(turns)]
    first = next(iter(sides))
    found = {}
    for name in sides:
        row = {
            "seconds": median(turn[name][0] for turn in taken),
            "value": _middle([turn[name][1] for turn in taken]),
        }
        if name != first:
            ratios = [turn[name][0] / turn[first][0] for turn in taken]
            row |= {"ratio": median(ratios), "range": [min(ratios), max(ratios)]}
        found[name] = row
    return found


def _middle(values):
    if isinstance(values[0], tuple):
        return [median(numbers) for numbers in zip(*values)]
    return median(values)
