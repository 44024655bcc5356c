"""The command line: ``python reproduce.py`` or ``python -m refimpl``."""

import argparse
import errno
import os
import sys
import tempfile
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import nullcontext
from pathlib import Path

from refimpl.arrays.backend import Unavailable, load

PASSED, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130

DESCRIPTION = """\
Measure the claims of "Implicit Regularization of Dropout" (Zhang and Xu, TPAMI 2024).
Without arguments every experiment is run at its default size, in about a quarter of an
hour on two cores. What is computed is kept in the results folder, run by run: a command
that was broken off is started again and goes on from there."""

EPILOG = """\
examples:
  python reproduce.py --list            what there is, and how long it takes
  python reproduce.py --quick           all of it, small: about a minute
  python reproduce.py fig04             one figure of the paper (fig4, fig12a, ...)
  python reproduce.py theorem2_in_action --seeds 20 --fresh
  python reproduce.py --verify          the formulas only, no experiments

exit status: 0 no claim failed, 1 one failed, 2 bad usage, 130 broken off (Ctrl-C)"""


class BadUsage(Exception):
    """The command line cannot be carried out; one line says why."""


def parser():
    """The options."""
    made = argparse.ArgumentParser(
        prog="reproduce.py",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "experiments",
        nargs="*",
        metavar="EXPERIMENT",
        help="name, or figure of the paper such as fig04; all without one",
    )
    what = made.add_argument_group("what to run")
    size = what.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true", help="small sizes: all in about a minute"
    )
    size.add_argument("--paper", action="store_true", help="the paper's scale: hours")
    what.add_argument(
        "--seeds", metavar="N", help="number of seeds, in place of each experiment's"
    )
    what.add_argument(
        "--mnist",
        metavar="DIR",
        help="folder of the four MNIST files (IDX, gzipped); without it experiments "
        "on pictures use the digits that come with the package",
    )
    what.add_argument(
        "--download-mnist",
        action="store_true",
        help="download what is missing of MNIST (12 MB, checked) into the folder of "
        "--mnist; without one, into the user's cache",
    )
    what.add_argument(
        "--fresh", action="store_true", help="compute again what is there already"
    )
    what.add_argument(
        "--list",
        action="store_true",
        help="list experiments, their claims and the time they take, and stop",
    )
    what.add_argument(
        "--verify",
        action="store_true",
        help="check the formulas only: run the tests that prove the equations of "
        "derivations/ and print them as a table (needs pytest)",
    )
    where = made.add_argument_group("where")
    where.add_argument(
        "--out", metavar="DIR", default="results", help="results folder (results)"
    )
    place = where.add_mutually_exclusive_group()
    place.add_argument(
        "--jobs",
        metavar="N",
        help="processes that share the runs; without it as many as there are cores; "
        "1: no other process. The numbers are the same",
    )
    place.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="compute on the workers of this Dask scheduler (tcp://host:port), which "
        "need this package, and the folder of --mnist at the same place (extra "
        "'cluster')",
    )
    where.add_argument(
        "--backend",
        choices=("numpy", "cupy"),
        default="numpy",
        help="where arrays are: numpy, the CPU, or cupy, a CUDA device (extra "
        "'cuda12x' or 'cuda13x'; one process unless --jobs says more)",
    )
    where.add_argument(
        "--quiet", action="store_true", help="no progress, only what came out"
    )
    return made


def main(arguments=None):
    """Run the command line `arguments`; returns the exit status."""
    args = parser().parse_args(arguments)
    try:
        if args.list:
            from refimpl.reproduce.selection import listing

            print("\n".join(listing()))
            return PASSED
        if args.verify:
            return verify(args)
        return reproduce(args)
    except BadUsage as error:
        print(f"reproduce.py: {error}", file=sys.stderr)
        return BAD_USAGE
    except (BrokenExecutor, CancelledError) as error:
        print(
            "reproduce.py: a worker was lost (killed, out of memory?); finished runs "
            f"are kept, the same command goes on from there: {error}",
            file=sys.stderr,
        )
        return FAILED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            raise
        print(
            f"reproduce.py: the results cannot be written to {args.out} "
            f"({error.strerror}); what was written is whole, and the same command goes "
            "on from there",
            file=sys.stderr,
        )
        return FAILED
    except KeyboardInterrupt:
        print("\nbroken off", file=sys.stderr)
        return INTERRUPTED


def reproduce(args):
    """Measure the experiments, print the table of claims."""
    from refimpl.experiments.common.context import Context
    from refimpl.reproduce import report
    from refimpl.reproduce.environment import environment
    from refimpl.reproduce.executors import share_cores
    from refimpl.reproduce.expected_times import weights
    from refimpl.reproduce.measure import Session, kept, measure
    from refimpl.reproduce.progress import Progress
    from refimpl.reproduce.selection import select

    try:
        names = select(args.experiments)
    except ValueError as error:
        raise BadUsage(error) from None
    preset = "quick" if args.quick else "paper" if args.paper else "default"
    seeds = check_count("--seeds", args.seeds)
    mnist = check_mnist(args.mnist, args.download_mnist)
    jobs = check_count("--jobs", args.jobs) or default_jobs(args.backend)
    check_backend(args.backend, args.dask)
    out = check_folder(args.out)
    with share_cores(jobs), place(jobs, args.dask) as executor:
        progress = Progress(weights(names, preset), args.quiet)
        context = Context(
            "", seeds, mnist, executor, progress=progress, backend=args.backend
        )
        machine = environment(executor.jobs if executor else 1, args.backend)
        session = Session(names, preset, out, context, args.fresh, machine)
        try:
            claims = measure(session)
        except KeyboardInterrupt:
            progress.close()
            lines = ["", "broken off; the same command goes on from here:"]
            print("\n".join(lines + kept(session)), file=sys.stderr)
            return INTERRUPTED
        finally:
            progress.close()
    print("\n".join(report.table(claims)))
    print(f"results in {out}; report: {out / report.HTML_FILE}")
    return FAILED if any(claim["verdict"] == "fail" for claim in claims) else PASSED


def verify(args):
    """Prove the equations, print their table."""
    from refimpl.reproduce import report, results, verification

    out = check_folder(args.out)
    try:
        found = verification.verify(out, args.quiet)
    except verification.CannotVerify as error:
        raise BadUsage(f"--verify: {error}") from None
    report.write(out, results.load_claims(out)[0])
    print("\n".join(verification.table(found)))
    print(f"results in {out / verification.FILE}; report: {out / report.HTML_FILE}")
    return PASSED if verification.passed(found) else FAILED


def place(jobs, dask):
    """Executor (context manager) for the command line's `jobs` or `dask`."""
    if dask is not None:
        try:
            from refimpl.reproduce.cluster import Cluster
        except ImportError as error:
            raise BadUsage(
                "--dask needs Dask distributed, pip install 'refimpl[cluster]': "
                f"{error}"
            ) from None
        try:
            return Cluster(dask)
        except ConnectionError as error:
            raise BadUsage(f"--dask: {error}") from None
    if jobs == 1:
        return nullcontext()
    from refimpl.reproduce.executors import Processes

    return Processes(jobs)


def default_jobs(backend):
    """Processes that share the runs: as many as cores, or one for the device."""
    return 1 if backend == "cupy" else os.cpu_count() or 1


def check_backend(backend, dask):
    """Raise unless the `backend` can be computed with."""
    if backend == "cupy" and dask is not None:
        raise BadUsage("--backend cupy computes on this machine: leave out --dask")
    try:
        load(backend)
    except Unavailable as error:
        raise BadUsage(f"--backend {backend}: {error}") from None


def check_count(option, count):
    """`count` as a positive integer, or ``None``."""
    if count is None:
        return None
    if not count.isdecimal() or int(count) == 0:
        raise BadUsage(f"{option} must be a positive integer, got {count}")
    return int(count)


def check_mnist(folder, download=False):
    """`--mnist` as a folder whose four files are the official ones, or ``None``."""
    if folder is None and not download:
        return None
    if folder == "":
        raise BadUsage("--mnist must be a folder, got ''")
    from refimpl import datasets
    from refimpl.data import download as mnist_download

    folder = mnist_download.default_folder() if folder is None else folder
    try:
        if download:
            mnist_download.download(folder)
        datasets.mnist(folder, n_train=1)
    except ValueError as error:
        raise BadUsage(f"--mnist: {error}") from None
    return Path(folder).resolve()


def check_folder(out):
    """The results folder, made if need be, and writable."""
    if out == "":
        raise BadUsage("--out must be a folder that can be written, got ''")
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise BadUsage(
            f"--out must be a folder that can be written, got {out}: {error.strerror}"
        ) from None
    return out
