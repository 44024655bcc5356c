"""The command line: ``python reproduce.py``, ``python -m refimpl`` or ``refimpl``."""

import errno
import os
import sys
import traceback
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import nullcontext

from refimpl.reproduce import options
from refimpl.reproduce.options import BadUsage

AS_DOCUMENTED, DIFFERENT, BAD_USAGE, BROKEN_OFF, INTERRUPTED = 0, 1, 2, 3, 130
CLOSED_PIPE = 141  # as a shell says it of others
# Of a place that cannot be written, or no longer.
DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EIO,
    errno.EACCES,
    errno.EPERM,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
)


def main(arguments=None, program="reproduce.py"):
    """Run the command line `arguments` of `program`; returns the exit status."""
    _prepare_streams()
    try:
        try:
            args = options.parser(program).parse_args(arguments)
        except SystemExit:  # of --help, or of bad usage
            sys.stdout.flush()
            raise
        status = _ended(args)
    except BrokenPipeError:  # whoever read has stopped
        status = CLOSED_PIPE
    _give_up_what_cannot_be_written()
    return status


def _give_up_what_cannot_be_written():
    """Of a pipe that is closed or a disk that is full; Python would try it again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _prepare_streams():
    """Let the streams take all that is said, whatever the locale, also if closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            if stream.encoding in ("ascii", "ANSI_X3.4-1968", "US-ASCII"):
                stream.reconfigure(encoding="utf-8")
            # Names of files come back as the bytes they are.
            utf8 = stream.encoding.lower() in ("utf-8", "utf8")
            stream.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")


def _ended(args):
    """Do what is asked for; returns the exit status, whatever broke it off."""
    try:
        if args.list:
            from refimpl.reproduce.selection import listing

            print("\n".join(listing(selected(args.experiments))))
            status = AS_DOCUMENTED
        else:
            status = verify(args) if args.verify else reproduce(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        raise
    except BadUsage as error:
        print(f"{args.program}: {error}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        print("\nbroken off", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        print(f"{args.program}: {explained(error, args.out)}", file=sys.stderr)
        return BROKEN_OFF


def console():
    """The command ``refimpl``, which installing the package makes."""
    return main(program="refimpl")


def explained(error, out):
    """What broke the run off, in a line; of what nobody expects, all that is known."""
    if isinstance(error, (BrokenExecutor, CancelledError)):
        said = f": {error}" if str(error) else ""
        return (
            "a worker or the scheduler was lost (killed, out of memory?); finished "
            f"runs are kept, the same command goes on from there{said}"
        )
    if isinstance(error, OSError) and error.errno in DISK:
        where = "something" if error.filename is None else error.filename
        return (
            f"{where} cannot be written ({error.strerror}); what was written to "
            f"{out} is whole, and the same command goes on from there"
        )
    return "".join(traceback.format_exception(error)).rstrip()


def reproduce(args):
    """Measure the experiments and say what came out."""
    from refimpl.experiments.common.context import Context
    from refimpl.reproduce import reference, report, terminal
    from refimpl.reproduce.environment import environment
    from refimpl.reproduce.executors import share_cores
    from refimpl.reproduce.expected_times import weights
    from refimpl.reproduce.measure import Session, kept, measure
    from refimpl.reproduce.progress import Progress

    names = selected(args.experiments)
    preset = "quick" if args.quick else "paper" if args.paper else "default"
    seeds = options.check_count("--seeds", args.seeds, 100_000)
    mnist = options.check_mnist(args.mnist, args.download_mnist)
    cifar = options.check_cifar(args.cifar, mnist)
    jobs = options.check_count("--jobs", args.jobs, 1_000) or options.jobs(args.backend)
    options.check_backend(args.backend, args.dask)
    out = options.check_folder(args.out)
    # A device draws other noise than the committed runs.
    documented = reference.load() if args.backend == "numpy" else {}
    with (
        options.only_run(out),
        share_cores(jobs),
        place(jobs, args.dask) as executor,
    ):
        progress = Progress(weights(names, preset), args.quiet)
        context = Context(
            "", seeds, mnist, cifar, executor, progress=progress, backend=args.backend
        )
        machine = environment(executor.jobs if executor else 1, args.backend)
        session = Session(names, preset, out, context, args.fresh, documented, machine)
        try:
            outcomes = measure(session)
        except KeyboardInterrupt:
            progress.close()
            same = f"the same command{' without --fresh' * args.fresh}"
            lines = ["", f"broken off; {same} goes on from here:"]
            print("\n".join(lines + kept(session)), file=sys.stderr)
            return INTERRUPTED
        finally:
            progress.close()
    claims = [claim for one in outcomes for claim in one.claims]
    color = terminal.has_color(sys.stdout)
    print("\n".join(terminal.ending(claims, documented, color, args.verbose)))
    print(f"results in {out}; report: {out / report.HTML_FILE}")
    for one in outcomes:
        if one.diverged:
            print(f"{args.program}: {one.name}: {one.diverged}", file=sys.stderr)
    if any(one.diverged for one in outcomes):
        return BROKEN_OFF
    refuted = args.strict and any(one.verdict == "refuted" for one in claims)
    differs = any(one.comparison == reference.DIFFERENT for one in claims)
    return DIFFERENT if refuted or differs else AS_DOCUMENTED


def selected(words):
    """Names of the experiments that the command line's `words` mean."""
    from refimpl.reproduce.selection import select

    try:
        return select(words)
    except ValueError as error:
        raise BadUsage(error) from None


def verify(args):
    """Prove the equations, print their table."""
    from refimpl.reproduce import records, report, verification

    if args.experiments:
        words = ", ".join(args.experiments)
        raise BadUsage(f"--verify proves all equations, leave out: {words}")
    out = options.check_folder(args.out)
    try:
        with options.only_run(out):
            found = verification.verify(out, args.quiet)
            claims, problem = records.load_claims(out)
            report.write(out, claims)
    except verification.CannotVerify as error:
        raise BadUsage(f"--verify: {error}") from None
    except verification.BrokenOff as error:
        print(f"{args.program}: --verify: {error}", file=sys.stderr)
        return BROKEN_OFF
    if problem:
        print(problem, file=sys.stderr)
    print("\n".join(verification.table(found)))
    print(f"results in {out / verification.FILE}; report: {out / report.HTML_FILE}")
    return AS_DOCUMENTED if found.passed else DIFFERENT


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
