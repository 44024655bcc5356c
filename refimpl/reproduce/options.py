"""The options of the command line, and what is wrong with them."""

import argparse
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from refimpl.arrays.backend import Unavailable, load
from refimpl.reproduce.executors import cores

DESCRIPTION = """\
Measure the claims of "Implicit Regularization of Dropout" (Zhang and Xu, TPAMI 2024).
Without arguments every experiment is run at its default size, in seven to twenty
minutes on two cores. What is computed is kept in the results folder, run by run: a
command that was broken off is started again and goes on from there."""

EPILOG = """\
examples:
  {call} --list            what there is, and how long it takes
  {call} --quick           all of it, small: a minute or two
  {call} fig04             one figure of the paper (fig4, fig12a, ...)
  {call} theorem2_in_action --seeds 20 --fresh
  {call} --verify          the formulas only, no experiments

exit status: 0 all is decided as in the committed runs, where they can be compared
(the same preset, seeds and data); 1 a claim was decided differently, with --strict also
if one is refuted, with --verify if an equation fails; 2 bad usage; 3 something broke
off (a worker was lost, the disk is full, an experiment diverged); 130 Ctrl-C"""


class BadUsage(Exception):
    """The command line cannot be carried out; one line says why."""


def parser(program="reproduce.py"):
    """The options of `program`, the name by which it was called."""
    call = f"python {program}" if program.endswith(".py") else program
    made = argparse.ArgumentParser(
        prog=program,
        description=DESCRIPTION,
        epilog=EPILOG.format(call=call),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(program=program)
    made.add_argument(
        "experiments",
        nargs="*",
        metavar="EXPERIMENT",
        help="name, or figure of the paper such as fig04; all without one",
    )
    what = made.add_argument_group("what to run")
    size = what.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true", help="small sizes: all in a minute or two"
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
        "--cifar",
        metavar="DIR",
        help="folder of the six files of CIFAR-10's binary version, which experiments "
        "on pictures then use",
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
        help="list the experiments, their claims and the time they take, and stop",
    )
    what.add_argument(
        "--verify",
        action="store_true",
        help="check the formulas only: run the tests that prove the equations of "
        "derivations/ and print them as a table (needs pytest)",
    )
    where = made.add_argument_group("where")
    where.add_argument(
        "--out",
        metavar="DIR",
        default="results",
        help="results folder (results); it holds one result of each experiment, so "
        "give other presets and seeds others",
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
    said = made.add_argument_group("what is said")
    said.add_argument(
        "--quiet", action="store_true", help="no progress, only what came out"
    )
    said.add_argument("--verbose", action="store_true", help="every claim in full")
    said.add_argument(
        "--strict", action="store_true", help="exit status 1 if a claim is refuted"
    )
    return made


def jobs(backend):
    """Processes that share the runs: as many as cores, or one for the device."""
    return 1 if backend == "cupy" else cores()


def check_backend(backend, dask):
    """Raise unless the `backend` can be computed with."""
    if backend == "cupy" and dask is not None:
        raise BadUsage("--backend cupy computes on this machine: leave out --dask")
    try:
        load(backend)
    except Unavailable as error:
        raise BadUsage(f"--backend {backend}: {error}") from None


def check_count(option, count, most):
    """`count` as a positive integer of at most `most`, or ``None``."""
    if count is None:
        return None
    digits = count.lstrip("0")
    if not (count.isascii() and count.isdecimal() and digits):
        raise BadUsage(f"{option} must be a positive integer, got {count}")
    if len(digits) > len(str(most)) or int(digits) > most:
        raise BadUsage(f"{option} must be at most {most}, got {count}")
    return int(digits)


def check_mnist(folder, download=False):
    """`--mnist` as a folder whose four files are the official ones, or ``None``."""
    if folder is None and not download:
        return None
    from refimpl import datasets
    from refimpl.data import download as mnist_download

    def read(folder):
        if download:
            mnist_download.download(folder)
        datasets.mnist(folder, n_train=1)

    folder = mnist_download.default_folder() if folder is None else folder
    return _read("--mnist", folder, read)


def check_cifar(folder, mnist=None):
    """`--cifar` as a folder with the files that a run reads, or ``None``."""
    if folder is None:
        return None
    if mnist is not None:
        raise BadUsage("--cifar and --mnist are two data sets: give one of them")
    from refimpl.data.cifar_files import check_files

    return _read("--cifar", folder, check_files)


def _read(option, folder, read):
    """The `folder` of an option, which `read` could read."""
    if folder == "":
        raise BadUsage(f"{option} must be a folder, got ''")
    try:
        read(folder)
    except ValueError as error:
        raise BadUsage(f"{option}: {error}") from None
    except OSError as error:
        raise BadUsage(
            f"{option} must be a folder that can be read, got {folder}: "
            f"{error.strerror}"
        ) from None
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


@contextmanager
def only_run(out):
    """The folder `out` is this process's until the end, also if that is a kill.

    Where folders cannot be locked (Windows, some network disks) it is nobody's.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise BadUsage(
            f"another run writes to {out}: wait for its end, or give another --out"
        ) from None
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(folder)
