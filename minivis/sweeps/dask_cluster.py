"""A Dask cluster that others have started: its scheduler's address is all that is needed here.

    dask scheduler                                      # on one machine; it prints its address
    dask worker tcp://10.0.0.1:8786 --nthreads 1        # on each machine, once for each core

The workers need minivis, of the same version, and the pictures under the same path.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minivis.errors import BadValue, MissingExtra
from minivis.version import __version__

PATIENCE = 10                                   # seconds, for a scheduler to answer and for a first worker


@contextmanager
def dask_cluster(address: str) -> Iterator[Any]:
    """A `distributed.Client` of the scheduler at ``address``, once a worker is there that has this minivis."""
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtra("a Dask cluster needs the package distributed: pip install 'minivis[dask]'") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        raise BadValue(f"no Dask scheduler answers at {address} ({error or type(error).__name__})") from None
    with client, without_tracebacks():
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
            found = client.run(worker_version, on_error="return")
        except (TimeoutError, asyncio.TimeoutError):    # two classes before Python 3.11
            raise BadValue(f"the Dask scheduler at {address} has no workers: `dask worker {address}` starts one"
                           ) from None
        for worker, version in found.items():
            if version != __version__:
                said = f"minivis {version}" if isinstance(version, str) else f"no minivis ({version})"
                raise BadValue(f"the worker {worker} has {said}, and here is {__version__}: make them the same")
        yield client


@contextmanager
def without_tracebacks() -> Iterator[None]:
    """A context in which distributed prints no traceback when the scheduler is gone: the sweep goes on without it."""
    log = logging.getLogger("distributed.client")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def is_lost_result(error: BaseException) -> bool:
    """Whether an error says that a result is gone with the worker that had it."""
    return is_named(error, "FutureCancelledError", "CancelledError")


def is_given_up(error: BaseException) -> bool:
    """Whether the cluster has given up a task because several workers died of it."""
    return is_named(error, "KilledWorker")


def is_named(error: BaseException, *names: str) -> bool:
    """Whether an error is one of distributed's, which need not be installed."""
    return type(error).__name__ in names and type(error).__module__.startswith("distributed")


def worker_version() -> str:
    return __version__
