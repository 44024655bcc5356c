"""What the times were taken on."""

from importlib.metadata import PackageNotFoundError, version

from refimpl.reproduce.environment import environment

PEERS = ("torch", "jax", "pyhessian", "curvlinops-for-pytorch")


def machine(threads, backend="numpy"):
    """The environment, threads in use, and versions of what is compared."""
    found = environment(backend=backend) | {"threads": threads}
    return found | {name: _version(name) for name in PEERS}


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
