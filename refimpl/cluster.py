"""Runs on a Dask cluster (extra ``cluster``): its executor, and its share of cores."""

from distributed import Client, WorkerPlugin
from distributed.cfexecutor import ClientExecutor
from threadpoolctl import threadpool_limits

from refimpl.code_version import package_version

TIMEOUT = 15  # seconds to reach the scheduler, and for it to have a worker


class Cluster(ClientExecutor):
    """The workers of the Dask scheduler at `address`.

    A run whose worker is lost is computed again on another; `Context.rng` gives it the
    same random numbers there.

    Parameters
    ----------
    address : str
        ``tcp://host:port``.

    Raises
    ------
    ConnectionError
        No scheduler, no worker, or workers that hold another version of this package.
    """

    def __init__(self, address):
        try:
            client = Client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise ConnectionError(f"no scheduler at {address}: {error}") from None
        try:
            client.wait_for_workers(1, timeout=TIMEOUT)
            _check_workers(client)
            client.register_plugin(ShareCores())
        except TimeoutError:
            client.close()
            raise ConnectionError(f"the scheduler at {address} has no worker") from None
        except BaseException:
            client.close()
            raise
        super().__init__(client, pure=False)
        self.client, self.jobs = client, sum(client.nthreads().values())

    def stop(self):
        """Forget all runs; what a worker has begun it computes for nobody."""
        super().shutdown(wait=False)

    def shutdown(self, wait=True, **options):
        super().shutdown(wait=wait)
        self.client.close()


class ShareCores(WorkerPlugin):
    """Holds BLAS to one thread on each worker, those that join later too.

    A worker says by its own number of threads how many cores it takes.
    """

    name = "refimpl: cores shared"

    def setup(self, worker):
        """Called by Dask on the worker."""
        threadpool_limits(1)


def _check_workers(client):
    """Raise `ConnectionError` unless all workers hold this package, as it is here."""
    try:
        versions = client.run(package_version)
    except Exception as error:  # of any kind, by what the worker could not do
        raise ConnectionError(f"a worker cannot import refimpl: {error!r}") from None
    for worker, version in versions.items():
        if version != package_version():
            raise ConnectionError(f"worker {worker} holds another refimpl: {version}")
