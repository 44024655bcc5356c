"""The records of a run and of its claims, made as it ends."""

import time
from dataclasses import asdict, fields

from refimpl.experiments.common import framework
from refimpl.reproduce.records import ClaimRecord, Computation, RunRecord, Setting
from refimpl.reproduce.store import digest

FOLDERS = {"mnist": "--mnist", "cifar10": "--cifar"}  # data set → its option


def claim_record(result, experiment, preset, data, seeds=()):
    """What is kept of a `claims.Result`, measured with `seeds`."""
    names = [field.name for field in fields(ClaimRecord)]
    known = vars(result.claim) | vars(result) | {"criterion": result.claim.criterion}
    return ClaimRecord(
        **{name: known[name] for name in names if name in known},
        experiment=experiment,
        preset=preset,
        data=data,
        seeds=len(seeds) or None,
        first_seed=int(seeds[0]) if len(seeds) else None,
    )


def computation(seconds, environment):
    """How a result came about that is ready now."""
    finished = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return Computation(round(seconds, 2), finished, environment)


def run_record(module, preset, context, data, key):
    """What the experiment is, without its figures and how it was computed."""
    return RunRecord(
        key=digest(key),
        experiment=context.experiment,
        title=framework.title(module),
        description=framework.paragraphs(module)[1:],
        preset=preset,
        command=command(context, preset, data),
        settings=settings(module, preset, context.seed_count),
        settings_in_words=framework.paragraphs(module.Config),
        figures=[],
        computation=None,
    )


def settings(module, preset, seeds=None):
    """The configuration beside the paper's: ``None`` where the paper says nothing."""
    values = asdict(framework.config(module, preset, seeds))
    papers = getattr(module, "PAPER_SETTINGS", {})
    return [Setting(name, value, papers.get(name)) for name, value in values.items()]


def command(context, preset, data):
    """The command line that computes the experiment's result."""
    words = ["python reproduce.py"]
    if preset != "default":
        words.append(f"--{preset}")
    if context.seed_count:
        words.append(f"--seeds {context.seed_count}")
    if context.backend != "numpy":
        words.append(f"--backend {context.backend}")
    if data in FOLDERS:
        words.append(f"{FOLDERS[data]} DIR")
    return " ".join([*words, context.experiment])
