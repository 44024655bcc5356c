"""What a result was computed with: versions, machine, threads, commit of the code."""

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_info

from refimpl.arrays.backend import load
from refimpl.reproduce.executors import cores
from refimpl.version import __version__

PACKAGE = Path(__file__).resolve().parents[1]


def environment(jobs=1, backend="numpy"):
    """Versions, machine, threads and commit, for the record of a result.

    Parameters
    ----------
    jobs : int
        Number of processes that share the runs.
    backend : {"numpy", "cupy"}
        With "cupy" the device is named too.

    Returns
    -------
    environment : dict from str to str
        In words, in the order in which a report shows it.

    Examples
    --------
    >>> environment(jobs=2)["jobs"]
    '2'
    """
    names = ("numpy", "scipy", "matplotlib")
    return {
        "refimpl": __version__,
        "commit": _commit() or "not from a repository",
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        **{name: version(name) for name in names},
        "processor": _processor(),
        "cores": str(cores()),
        "system": _system(),
        "BLAS": _blas(),
        "jobs": str(jobs),
        **(_device() if backend == "cupy" else {}),
    }


@cache
def _commit():
    """Commit of the repository that tracks this file, and whether it was changed."""

    def git(*arguments):
        done = subprocess.run(
            ("git", "-C", str(PACKAGE), *arguments),
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")  # installed in another's?
        changed = git("status", "--porcelain", "--", ".")
        return git("rev-parse", "HEAD") + (", with changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _system():
    """Operating system, its main version, and the kind of machine."""
    main = ".".join(platform.release().split(".")[:2])
    return f"{platform.system()} {main}, {platform.machine()}"


@cache
def _processor():
    """Name of the processor, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _device():
    """The package CuPy, the device, and the CUDA of its driver."""
    cupy = load("cupy")
    runtime = cupy.cuda.runtime
    name = runtime.getDeviceProperties(cupy.cuda.Device().id)["name"]
    driver = runtime.driverGetVersion()
    return {
        "cupy": cupy.__version__,
        "device": name.decode() if isinstance(name, bytes) else str(name),
        "driver": f"CUDA {driver // 1000}.{driver % 1000 // 10}",
    }


def _blas():
    """The linear algebra library, its kernels and threads in a process, as of now."""
    for pool in threadpool_info():
        if pool["user_api"] == "blas":
            words = pool["internal_api"], pool["version"], pool.get("architecture")
            name = " ".join(word for word in words if word)
            return f"{name}, threads in a process: {pool['num_threads']}"
    return "unknown"
