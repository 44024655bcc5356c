"""Runs on a Dask cluster (extra ``cluster``): its executor, and its share of cores."""

import time
from concurrent import futures
from functools import partial
from threading import Event, Thread

from distributed import Client, TimeoutError, WorkerPlugin
from distributed.comm import get_address_host_port, normalize_address
from threadpoolctl import threadpool_limits

from refimpl.reproduce.code_version import package_version

TIMEOUT = 15  # seconds to reach the scheduler, and for it to have a worker


class Cluster(futures.Executor):
    """The workers of the Dask scheduler at `address`.

    A run whose worker is lost is computed again on another; `Context.rng` gives it the
    same random numbers there. Dask's own ``Client.get_executor`` does not serve: a
    result that has just arrived when its worker is lost it takes for an error. Where
    all workers or the scheduler are gone Dask waits without end: here every open run
    fails with ``BrokenExecutor`` once there has been none for `TIMEOUT` seconds.

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
            # First, as a client of no address is waited for half a minute at the end.
            get_address_host_port(normalize_address(address))
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
        self.client, self.jobs = client, sum(client.nthreads().values())
        self._open = {}  # future of this process to Dask's
        self._closed = Event()
        Thread(target=self._watch, daemon=True).start()

    def submit(self, fn, /, *args, **options):
        there = self.client.submit(fn, *args, pure=False, **options)
        here = futures.Future()
        self._open[here] = there
        here.add_done_callback(self._ended)
        there.add_done_callback(partial(_pass_on, here))
        return here

    def _watch(self):
        """Let the open runs fail when nobody is left to compute them."""
        alone_since = None
        while not self._closed.wait(min(1, TIMEOUT / 4)):
            if self.client.status == "running" and self._has_workers():
                alone_since = None
                continue
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > TIMEOUT:
                for here in list(self._open):
                    _set(here, error=futures.BrokenExecutor("no worker is left"))

    def _has_workers(self):
        return bool(self.client.scheduler_info()["workers"])

    def _ended(self, here):
        there = self._open.pop(here)
        if here.cancelled():
            there.cancel()

    def stop(self):
        """Forget all runs; what a worker has begun it computes for nobody."""
        self.client.cancel(list(self._open.values()))

    def shutdown(self, wait=True, *, cancel_futures=False):
        if cancel_futures:
            self.stop()
        if wait:
            futures.wait(list(self._open))
        self._closed.set()
        self.client.close(timeout=5)


def _pass_on(here, there):
    """Give the outcome of Dask's future to the one of this process."""
    result, error = None, None
    while not here.done():
        try:  # if it was lost in the meantime: the result of the next attempt
            result = there.result(timeout=1)
        except BaseException as raised:  # a cancellation is one
            late = isinstance(raised, TimeoutError) and there.status != "error"
            if late and there.client.status == "running":
                continue
            # Who waits for a client that was closed waits for ever.
            error = futures.BrokenExecutor("the scheduler is gone") if late else raised
        break
    if there.cancelled():
        here.cancel()
    _set(here, result, error)


def _set(here, result=None, error=None):
    """Give `here` its outcome, unless it has one."""
    if here.done() and not here.cancelled():
        return  # or the next line writes a warning into the log
    try:
        if not here.set_running_or_notify_cancel():
            return
        if error is None:
            here.set_result(result)
        else:
            here.set_exception(error)
    except (futures.InvalidStateError, RuntimeError):
        pass  # the other of `_watch` and Dask was first


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
