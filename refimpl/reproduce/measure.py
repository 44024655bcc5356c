"""Experiments measured: several abreast, their records and figures kept as they end.

The runs of all open experiments go to one executor, so that none of its places waits
for the last run of an experiment; figures are drawn there too. Without an executor one
experiment follows the other in this process.
"""

import gc
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from refimpl.core.training import Divergence
from refimpl.data.files import remove_temporaries, write_bytes
from refimpl.experiments.common import framework, style
from refimpl.experiments.common.context import Context
from refimpl.reproduce import describe, records, reference, report, store, terminal
from refimpl.reproduce.environment import environment

ARRAYS_FILE = "arrays.npz"
REPORT_EVERY = 10.0  # seconds, if experiments end faster; at the end in any case
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
    documented : dict
        What the committed runs say: `reference.load`.
    environment : dict
        What is computed with, as the session begins; for the records.
    """

    names: list
    preset: str
    out: Path
    context: Context
    fresh: bool = False
    documented: dict = field(default_factory=dict)
    environment: dict = field(default_factory=environment)


@dataclass(frozen=True)
class Outcome:
    """What came out of an experiment.

    Attributes
    ----------
    name, title : str
    claims : list of ClaimRecord
    seconds : float or None
        Of one core; ``None`` where the result was there.
    diverged : str
        Why nothing could be measured; empty otherwise.
    """

    name: str
    title: str
    claims: list
    seconds: float | None = None
    diverged: str = ""


def measure(session):
    """Measure the experiments; their outcomes, in the order of their names."""
    progress = session.context.progress
    remove_temporaries(session.out)
    claims, problem = records.load_claims(session.out)
    if problem:
        progress.warn(problem)
    outcomes = {}
    with _reports(session.out) as write_report, closing(_measured(session)) as measured:
        for one in measured:
            outcomes[one.name] = one
            claims = [claim for claim in claims if claim.experiment != one.name]
            claims = sorted(claims + one.claims, key=lambda claim: claim.experiment)
            records.save_claims(session.out, claims)
            write_report(claims)
            progress.done(one.name)
            progress.say(f"[{len(outcomes)}/{len(session.names)}] {terminal.done(one)}")
    return [outcomes[name] for name in session.names]


@contextmanager
def _reports(out):
    """Function that writes the report of some claims, unless one was written just now;
    the last is written at the end."""
    due, waiting = 0.0, None

    def write(claims):
        nonlocal due, waiting
        waiting = claims if time.monotonic() < due else None
        if waiting is None:
            report.write(out, claims)
            due = time.monotonic() + REPORT_EVERY

    try:
        yield write
    finally:
        if waiting is not None:
            report.write(out, waiting)


def _measured(session):
    """Outcomes as the experiments end."""
    executor = session.context.executor
    if executor is None:
        for name in session.names:
            yield run_one(session, name)
        return
    # One more than there are places: while figures are drawn, the next runs go on.
    threads = ThreadPoolExecutor(executor.jobs + 1)
    open_ = {threads.submit(run_one, session, name) for name in session.names}
    try:
        while open_:
            done, open_ = wait(open_, timeout=0.5, return_when=FIRST_COMPLETED)
            session.context.progress.tick()
            for future in done:
                yield future.result()
    except BaseException:
        executor.stop()  # ends what the threads wait for
        raise
    finally:
        threads.shutdown(cancel_futures=True)


def run_one(session, name):
    """Run, check and draw one experiment; its `Outcome`."""
    preset, folder = session.preset, session.out / name
    module, context, data, key = _asked(session, name)
    warn = context.progress.warn
    runs = store.RunStore(folder / "runs", key, warn)
    run = describe.run_record(module, preset, context, data, key)
    folder.mkdir(exist_ok=True)
    if session.fresh:
        runs.clear()
    arrays = None if session.fresh else _found(folder, key, warn)
    made = _computation(folder, run.key)
    seconds, diverged, panels = None, "", {}
    try:
        if arrays is None:
            config = framework.config(module, preset, context.seed_count)
            arrays = framework.run(module, config, replace(context, store=runs))
            seconds = runs.seconds
            made = describe.computation(seconds, session.environment)
            records.save_run(folder, replace(run, computation=made))
            store.save_arrays(folder / ARRAYS_FILE, arrays, key)
            runs.clear()
        results, files, panels = _computed(
            context.executor, finish, name, preset, arrays
        )
        for figure in framework.captions(module):  # of a run that was not quick
            if f"{figure}.pdf" not in files:
                (folder / f"{figure}.pdf").unlink(missing_ok=True)
        for file, content in files.items():
            write_bytes(folder / file, content)
    except Divergence as error:
        seconds, diverged = runs.seconds, str(error)
        made = describe.computation(seconds, session.environment)
        results = {c.id: c.measured(diverged) for c in module.CLAIMS}
    figures = [
        records.FigureRecord(one, framework.captions(module)[one], boxes)
        for one, boxes in panels.items()
    ]
    records.save_run(folder, replace(run, computation=made, figures=figures))
    seeds = arrays.get("seeds", ()) if arrays else ()
    claims = [
        describe.claim_record(results[claim.id], name, preset, data, seeds)
        for claim in module.CLAIMS
    ]
    claims = [reference.compared(one, session.documented) for one in claims]
    return Outcome(name, run.title, claims, seconds, diverged)


def _asked(session, name):
    """What is asked of the experiment `name`: module, context, data set, and the key of
    its result."""
    module, context = framework.load(name), replace(session.context, experiment=name)
    data = framework.data_set(module, context)
    key = store.fingerprint(module, session.preset, context, data)
    return module, context, data, key


def _found(folder, key, warn):
    """The arrays of the result `key` in `folder`, or ``None``."""
    arrays, problem = store.load_arrays(folder / ARRAYS_FILE, key)
    if problem:
        warn(problem)
    return arrays


def _computation(folder, key):
    """How the result `key` in `folder` came about, or ``None`` where nobody knows."""
    run, _ = records.load_run(folder)
    return run.computation if run and run.key == key else None


def finish(name, preset, arrays):
    """Results of the claims of the experiment `name`; its figures: files and panels.

    A quick run keeps what the report shows; the others a PDF for print besides.
    """
    from refimpl.reproduce import drawing  # and Matplotlib: only where it is needed

    module = framework.load(name)
    results = module.check(arrays)
    kinds = drawing.SHOWN if preset == "quick" else drawing.KINDS
    with _ONE_STYLE, style.applied():
        gc.disable()  # figures are many small objects: it takes an eighth of the time
        try:
            films = getattr(module, "films", lambda arrays: {})(arrays)
            files, panels = drawing.draw(module.plot(arrays), kinds)
            return results, files | films, panels
        finally:
            gc.enable()


def kept(session):
    """Lines: which experiments are done, and how many runs of the others are kept."""
    lines = []
    for name in session.names:
        folder, (*_, key) = session.out / name, _asked(session, name)
        runs = len(store.RunStore(folder / "runs", key).files())
        whole = (folder / ARRAYS_FILE).exists()
        if name in session.context.progress.finished:
            state = "done"
        elif whole and _computation(folder, store.digest(key)):
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
