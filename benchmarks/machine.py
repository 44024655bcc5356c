"""What the times were taken on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("numpy", "torch", "pyhessian", "curvlinops-for-pytorch")


def machine(threads):
    """Processor, cores, threads in use, versions of what is compared."""
    found = {"processor": processor(), "cores": os.cpu_count(), "threads": threads}
    return found | {name: _version(name) for name in PACKAGES}


def processor():
    """Name of the processor, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line for line in file if line.startswith("model name")]
        return names[0].split(":")[1].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
