"""The command line: ``python reproduce.py`` or ``python -m refimpl``."""

import argparse
import difflib
import os
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from refimpl import datasets, mnist_download, report, results
from refimpl.experiments import framework, style
from refimpl.experiments.context import (
    Context,
    process_pool,
    share_cores,
    stop_processes,
)
from refimpl.training import Divergence

PASSED, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130


class BadUsage(Exception):
    """The command line cannot be carried out; one line says why."""


def parser():
    """The options."""
    made = argparse.ArgumentParser(
        prog="reproduce.py",
        description="Measure the claims of 'Implicit Regularization of Dropout' "
        "(Zhang and Xu, TPAMI 2024). Without arguments: every experiment, at its "
        "default size, in about a quarter of an hour on two cores.",
        epilog="Exit status: 0 no claim failed, 1 one failed, 2 bad usage.",
    )
    made.add_argument(
        "experiments", nargs="*", metavar="EXPERIMENT", help="names, see --list"
    )
    size = made.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="all in a minute and a half")
    size.add_argument("--paper", action="store_true", help="the paper's scale: hours")
    made.add_argument("--list", action="store_true", help="list the experiments")
    made.add_argument("--seeds", metavar="N", help="seeds of every experiment")
    made.add_argument(
        "--out", metavar="DIR", default="results", help="results folder (results)"
    )
    made.add_argument(
        "--mnist",
        metavar="DIR",
        help="folder of the four MNIST files (IDX, gzipped), for experiments on them",
    )
    made.add_argument(
        "--download-mnist",
        action="store_true",
        help="download what is missing of MNIST (12 MB, checked) into the folder of "
        f"--mnist; without one, into {mnist_download.default_folder()}",
    )
    made.add_argument(
        "--fresh", action="store_true", help="compute again what is there already"
    )
    made.add_argument(
        "--jobs",
        metavar="N",
        help="processes that share the runs (the number of cores); 1: no other process",
    )
    made.add_argument("--quiet", action="store_true", help="no progress, table only")
    return made


def main(arguments=None):
    """Run the command line `arguments`; returns the exit status."""
    args = parser().parse_args(arguments)
    try:
        if args.list:
            print_list()
            return PASSED
        return reproduce(args)
    except BadUsage as error:
        print(f"reproduce.py: {error}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        print("\ninterrupted; finished experiments and runs are kept", file=sys.stderr)
        return INTERRUPTED


def reproduce(args):
    """Run the experiments, write their results, print the table."""
    selected = select(args.experiments)
    preset = "quick" if args.quick else "paper" if args.paper else "default"
    seeds, mnist = check_count("--seeds", args.seeds), check_mnist(
        args.mnist, args.download_mnist
    )
    jobs = check_count("--jobs", args.jobs) or os.cpu_count() or 1
    out = check_folder(args.out)
    pool = process_pool(jobs) if jobs > 1 else nullcontext()
    with share_cores(jobs), pool as executor:
        try:
            context = Context("", seeds, mnist, args.quiet, executor)
            return measure(args, selected, preset, out, context)
        except BaseException:
            stop_processes()
            raise


def measure(args, selected, preset, out, context):
    """Run `selected` one after the other; returns the exit status."""
    say = (lambda text: None) if args.quiet else print
    claims, problem = results.load_claims(out)
    if problem:
        print(problem, file=sys.stderr)
    mine = []
    for position, name in enumerate(selected, 1):
        module = framework.load(name)
        say(f"[{position}/{len(selected)}] {name}: {framework.title(module)}")
        own = replace(context, experiment=name)
        fresh = run_one(module, name, preset, own, out / name, args.fresh, say)
        claims = [claim for claim in claims if claim["experiment"] != name] + fresh
        results.save_claims(out, claims)
        mine += fresh
    print("\n".join(report.table(mine)))
    print(f"results in {out}")
    return FAILED if any(claim["verdict"] == "fail" for claim in mine) else PASSED


def run_one(module, name, preset, context, folder, fresh, say):
    """Run, check and plot one experiment; returns the records of its claims."""
    config = module.PRESETS[preset]
    key = results.fingerprint(name, preset, config, context.seed_count, context.mnist)
    folder.mkdir(exist_ok=True)
    path = folder / "arrays.npz"
    arrays, problem = (None, None) if fresh else results.load_arrays(path, key)
    if problem:
        print(problem, file=sys.stderr)
    start = time.monotonic()
    store = results.RunStore(folder / "runs", key, partial(print, file=sys.stderr))
    if fresh:
        store.clear()
    try:
        if arrays is None:
            arrays = module.run(config, replace(context, store=store))
            results.save_arrays(path, arrays, key)
            store.clear()
            say(f"      {time.monotonic() - start:.0f} s")
        else:
            say("      found in the results folder (--fresh computes it again)")
        measured = module.check(arrays)
    except Divergence as error:
        measured = [claim.not_attempted(str(error)) for claim in module.CLAIMS]
    else:
        with style.applied():
            results.save_figures(folder, module.plot(arrays))
    count = len(arrays["seeds"]) if arrays and "seeds" in arrays else None
    return [results.as_record(one, name, preset, count) for one in measured]


def select(wanted):
    """Names of the experiments to run: those wanted, by name or beginning, or all."""
    known = framework.names()
    if not wanted:
        return known
    selected = []
    for name in wanted:
        matches = [one for one in known if one == name or one.startswith(f"{name}_")]
        if not matches:
            near = difflib.get_close_matches(name, known, 3, 0.3) or known
            raise BadUsage(f"no experiment {name!r}; the nearest: {', '.join(near)}")
        selected += [one for one in matches if one not in selected]
    return selected


def print_list():
    """Name, title and claims of every experiment."""
    for name in framework.names():
        module = framework.load(name)
        print(f"{name}\n    {framework.title(module)}")
        for claim in module.CLAIMS:
            print(f"    - {claim.id} ({claim.source}): {claim.statement}")


def check_count(option, count):
    """`count` as a positive integer, or ``None``."""
    if count is None:
        return None
    if not count.isdecimal() or int(count) == 0:
        raise BadUsage(f"{option} must be a positive integer, got {count}")
    return int(count)


def check_mnist(folder, download=False):
    """`--mnist` as a folder whose four files are the official ones, or ``None``."""
    if download and folder is None:
        folder = mnist_download.default_folder()
    if folder is None:
        return None
    try:
        if download:
            mnist_download.download(folder)
        datasets.mnist(folder, n_train=1)
    except ValueError as error:
        raise BadUsage(f"--mnist: {error}") from None
    return Path(folder)


def check_folder(out):
    """The results folder, made if need be, and writable."""
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        results.write_atomically(out / "test", lambda path: path.write_text(""))
        (out / "test").unlink()
    except OSError as error:
        raise BadUsage(
            f"--out must be a folder that can be written, got {out}: {error.strerror}"
        ) from None
    return out
