"""How long each experiment should take: times measured once, on a machine named."""

import json
from pathlib import Path

FILE = Path(__file__).parent / "times.json"


def times():
    """``{"machine": str, "cores": int, preset: {experiment: seconds}}``.

    Seconds are those that an experiment takes with all of the machine's cores to
    itself; experiments that were not measured at a preset are left out.
    """
    return json.loads(FILE.read_text(encoding="utf-8"))


def weights(names, preset):
    """Experiment → its seconds; for those not measured, the mean of the others."""
    known = {
        name: seconds
        for name, seconds in times()[preset].items()
        if name in names and seconds
    }
    typical = sum(known.values()) / len(known) if known else 1.0
    return {name: known.get(name, typical) for name in names}
