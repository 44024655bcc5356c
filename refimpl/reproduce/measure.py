"""Experiments measured: several abreast, their records and figures kept as they end.

The runs of all open experiments go to one executor, so that none of its places waits
for the last run of an experiment; figures are drawn there too. Without an executor one
experiment follows the other in this process.
"""

import gc
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from refimpl.core.training import Divergence
from refimpl.experiments.common import framework, style
from refimpl.experiments.common.context import Context
from refimpl.reproduce import record, report, results
from refimpl.reproduce.environment import environment
from refimpl.reproduce.progress import duration

_ONE_STYLE = Lock()  # Matplotlib's settings belong to the whole process


@dataclass(frozen=True)
class Session:
    """What the command line asks for.

    Attributes
    ----------
    names : list of str
        Experiments to measure.
    preset : str
    out : Path
        Results folder.
    context : Context
        With seeds, data, executor and progress; each experiment gets its own of it.
    fresh : bool
        Whether results that are there are computed again.
    environment : dict
        What is computed with, as the session begins; for the records.
    """

    names: list
    preset: str
    out: Path
    context: Context
    fresh: bool = False
    environment: dict = field(default_factory=environment)


def measure(session):
    """Measure the experiments; records of their claims, in the order of their names."""
    progress = session.context.progress
    results.remove_temporaries(session.out)
    claims, problem = results.load_claims(session.out)
    if problem:
        progress.warn(problem)
    mine = {}
    with closing(_measured(session)) as measured:
        for name, (records, note) in measured:
            mine[name] = records
            claims = [claim for claim in claims if claim["experiment"] != name]
            claims = sorted(claims + records, key=lambda claim: claim["experiment"])
            results.save_claims(session.out, claims)
            report.write(session.out, claims)
            progress.done(name)
            title = framework.title(framework.load(name))
            progress.say(f"[{len(mine)}/{len(session.names)}] {name}: {title}\n{note}")
    return [record for name in session.names for record in mine[name]]


def _measured(session):
    """Pairs (name, result of `run_one`) as they end."""
    executor = session.context.executor
    if executor is None:
        for name in session.names:
            yield name, run_one(session, name)
        return
    # One more than there are places: while figures are drawn, the next runs go on.
    threads = ThreadPoolExecutor(executor.jobs + 1)
    names = {threads.submit(run_one, session, name): name for name in session.names}
    try:
        while names:
            done, _ = wait(names, timeout=0.5, return_when=FIRST_COMPLETED)
            session.context.progress.tick()
            for future in done:
                yield names.pop(future), future.result()
    except BaseException:
        executor.stop()  # ends what the threads wait for
        raise
    finally:
        threads.shutdown(cancel_futures=True)


def run_one(session, name):
    """Run, check and draw one experiment.

    Returns
    -------
    records : list of dict
        Its claims.
    note : str
        How long it took, and what came out.
    """
    module, preset, folder = framework.load(name), session.preset, session.out / name
    context, warn = (
        replace(session.context, experiment=name),
        session.context.progress.warn,
    )
    config = module.PRESETS[preset]
    key = results.fingerprint(name, preset, config, context)
    folder.mkdir(exist_ok=True)
    path = folder / "arrays.npz"
    arrays, problem = (None, None)
    if not session.fresh:
        arrays, problem = results.load_arrays(path, key)
    if problem:
        warn(problem)
    store = results.RunStore(folder / "runs", key, warn)
    if session.fresh:
        store.clear()
    made, files = record.load_computation(folder, key), {}
    note = "found in the results folder (--fresh computes it again)"
    try:
        if arrays is None:
            arrays = module.run(config, replace(context, store=store))
            made = record.computation(store.seconds, session.environment)
            record.save(folder, key, record.describe(module, preset, context), made)
            results.save_arrays(path, arrays, key)
            store.clear()
            context.progress.computed.append(name)
            note = f"{duration(store.seconds)} of one core"
        measured, files = _computed(context.executor, finish, name, arrays)
        results.save_files(folder, files)
    except Divergence as error:
        measured = [claim.not_attempted(str(error)) for claim in module.CLAIMS]
        made = record.computation(store.seconds, session.environment)
    figures = dict.fromkeys(Path(file).stem for file in files)
    record.save(folder, key, record.describe(module, preset, context, figures), made)
    count = len(arrays["seeds"]) if arrays and "seeds" in arrays else None
    records = [results.as_record(one, name, preset, count) for one in measured]
    return records, f"      {note}; claims: {summary(records)}"


def finish(name, arrays):
    """Results of the claims of the experiment `name`, and files of its figures."""
    module = framework.load(name)
    measured = module.check(arrays)
    with _ONE_STYLE, style.applied():
        gc.disable()  # figures are many small objects: it takes an eighth of the time
        try:
            return measured, results.draw(module.plot(arrays))
        finally:
            gc.enable()


def summary(records):
    """``3 pass, 1 fail``."""
    verdicts = [record["verdict"] for record in records]
    counts = {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def kept(session):
    """Lines: which experiments are done, and how many runs of the others are kept."""
    lines = []
    for name in session.names:
        runs = len(list((session.out / name / "runs").glob("[!.]*.npz")))
        if name in session.context.progress.finished:
            state = "done"
        elif name in session.context.progress.computed:
            state = "all runs kept"
        elif runs:
            state = f"{runs} run{'s'[: runs != 1]} kept"
        else:
            state = "nothing yet"
        lines.append(f"    {name:36}{state}")
    return lines


def _computed(executor, fn, *args):
    """``fn(*args)``, where the runs are computed."""
    return fn(*args) if executor is None else executor.submit(fn, *args).result()
