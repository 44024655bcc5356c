"""What a report needs of an experiment beside its claims: ``run.json``.

It lies beside the experiment's arrays, so that a report can be made of the results
folder alone, also of experiments that were computed in different sessions.
"""

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path

from refimpl.experiments.common import framework
from refimpl.reproduce.results import write_text

RECORD_FILE = "run.json"
SEED_SETTINGS = ("seeds", "trials", "networks")  # what ``--seeds`` replaces


def computation(seconds, environment):
    """How a result came about; kept as long as the result is.

    Parameters
    ----------
    seconds : float
        Of all runs, each where it was computed, in whichever session.
    environment : dict
        Of the session, as it began: `refimpl.reproduce.environment.environment`.
    """
    return {
        "seconds": round(seconds, 2),
        "finished": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "environment": environment,
    }


def describe(module, preset, context, figures=()):
    """What the experiment is: words, settings with the paper's, figures, command.

    Parameters
    ----------
    module : module
        Of the experiment.
    preset : str
    context : Context
        Of the run.
    figures : iterable of str
        Names of the figures that were drawn.
    """
    return {
        "experiment": context.experiment,
        "title": framework.title(module),
        "description": framework.paragraphs(module)[1:],
        "preset": preset,
        "command": command(context, preset),
        "settings": settings(module, preset, context.seed_count),
        "settings_in_words": framework.paragraphs(module.Config),
        "figures": [{"name": f, "caption": module.CAPTIONS[f]} for f in figures],
    }


def settings(module, preset, seed_count=None):
    """List of {"name", "value", "paper"}: ``None`` where the paper says nothing."""
    values = asdict(module.PRESETS[preset])
    for name in SEED_SETTINGS:
        if seed_count and name in values:
            values[name] = seed_count
            break
    papers = getattr(module, "PAPER_SETTINGS", {})
    return [
        {"name": name, "value": value, "paper": papers.get(name)}
        for name, value in values.items()
    ]


def command(context, preset):
    """The command line that computes the experiment's result."""
    words = ["python reproduce.py"]
    if preset != "default":
        words.append(f"--{preset}")
    if context.seed_count:
        words.append(f"--seeds {context.seed_count}")
    if context.backend != "numpy":
        words.append(f"--backend {context.backend}")
    if context.mnist:
        words.append("--mnist DIR")
    return " ".join([*words, context.experiment])


def save(folder, key, description, made):
    """Write the record of the result `key`: `describe` and `computation` (or None)."""
    content = {"key": _short(key), **description, "computation": made}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_text(Path(folder) / RECORD_FILE, text + "\n")


def load(folder):
    """The record in `folder`: (record or None, problem or None)."""
    path = Path(folder) / RECORD_FILE
    if not path.is_file():
        return None, None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _check(content)
        return content, None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return None, f"{path} is damaged and is left out: {error}"


def _check(content):
    """Let a record that a report cannot show raise an error."""
    content["key"], content["title"], content["command"]
    for figure in content["figures"]:
        figure["name"] + figure["caption"] + ""
    for row in content["settings"]:
        row["name"], row["value"], row["paper"]
    made = content["computation"]
    if made is not None:
        made["seconds"] + 0, made["finished"], made["environment"].items()


def load_computation(folder, key):
    """How the result `key` in `folder` came about, or ``None`` where nobody knows."""
    content, _ = load(folder)
    return content["computation"] if content and content["key"] == _short(key) else None


def _short(key):
    return hashlib.sha256(key.encode()).hexdigest()[:16]
