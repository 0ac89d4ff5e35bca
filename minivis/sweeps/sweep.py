"""A sweep over many pictures: each is read once and run through the net, and a small part of the result is kept.

    for first, looked in sweep(net, Pictures.of("photos"), "relu3_1", digest):
        ...                                             # batch by batch, in the order of the pictures

By default one process does the work, one batch per thread. With more jobs each batch is a joblib task, for processes
of this machine or the workers of a Dask cluster, which have one thread each. The size of a batch depends only on
the net, so the results are the same to the bit wherever the work is done. Memory holds the names of the pictures and a
few batches, however many pictures there are.
"""

import os
import pickle
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from minivis.engine.checks import check_finite
from minivis.engine.geometry import preprocessing_of
from minivis.engine.memory import batch_that_fits, check_fits, largest_output
from minivis.engine.network import Fitted, Network
from minivis.errors import BadFile, BadValue, MinivisError, TooLarge, UnknownName
from minivis.images.collection import Pictures
from minivis.images.opening import LENIENT
from minivis.runtime.backend import get_xp, to_cpu, to_gpu
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD
from minivis.runtime.progress import track
from minivis.runtime.threads import get_threads, map_out, sharing
from minivis.sweeps.dask_cluster import dask_cluster, is_given_up, is_lost_result
from minivis.sweeps.tally import BatchResult
from minivis.types import Array, Progress, Shape

BACKENDS = ("loky", "dask")                     # joblib's names: processes of this machine, or a cluster
SQUARE = 224                                    # pixels: what a net that takes any size is shown
Digest: TypeAlias = Callable[[Array], Any]       # of a layer's activations, (n, H, W, C) or (n, D)
Run: TypeAlias = Callable[..., Generator[BatchResult, None, None]]
BATCH, BATCH_BYTES = 64, 100e6                  # pictures at a time; and bytes of the largest activation of them


def sweep(net: Network, pictures: Pictures, layer: str, digest: Digest, *, size: int | None = None, jobs: int = 1,
          backend: str = "loky", scheduler: str | None = None, start: int = 0, progress: Progress = False,
          title: str = "pictures") -> Iterator[tuple[int, BatchResult]]:
    """Yield ``first, BatchResult`` for each batch, in order, from picture ``start`` on, which a batch begins with.

    digest: a function of a layer's activations, (n, H, W, C) or (n, D), that can be sent to other processes. jobs: 1
    for this process with its threads, else the number of processes. size: each picture is first shrunk to this many
    pixels on its longer side; for a net that takes any size, the side of the squares that it is shown.
    """
    net.check_name(layer)
    check_workers(jobs, backend, scheduler)
    count = batch_size(net, size, jobs)
    firsts = range(start, len(pictures), count)
    parts = (pictures.part(first, count) for first in firsts)
    run = elsewhere(jobs, backend, scheduler)
    if backend == "loky" and jobs == 1:
        run = here(worker_count(net, len(firsts), count * largest_output(net, shown(net, size))))
    results = run(net, parts, layer, digest, size)
    try:
        for first, looked in zip(track(firsts, progress, title), results):
            if backend == "dask":
                check_seen(pictures, first, looked)
            yield first, looked
    finally:
        results.close()


def here(hands: int) -> Run:
    """The `BatchResult` of each batch, made in this process: each of so many threads reads one and shows it to the net.

    So reading is shared out like the rest, and between two layers no thread waits for another. Where fewer are at work
    than there are threads, at the end at the latest, the others help within a layer.
    """

    def run(net: Network, parts: Iterable[Pictures], layer: str, digest: Digest,
            size: int | None) -> Generator[BatchResult, None, None]:
        at_work = []

        def look_at(part: Pictures) -> BatchResult:
            at_work.append(part)
            try:
                with sharing(lambda: len(at_work) < get_threads()):
                    return show(net, layer, digest, *read_batch(net, part, size))
            finally:
                at_work.pop()

        with ThreadPoolExecutor(hands) as pool:
            coming: deque = deque()
            try:
                for part in parts:
                    coming.append(pool.submit(look_at, part))
                    if len(coming) > hands:
                        yield coming.popleft().result()
                while coming:
                    yield coming.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    return run


def worker_count(net: Network, batches: int, nbytes: float) -> int:
    """How many batches are processed at a time: one per thread, two if they are large, one on a GPU."""
    if on_gpu(net):
        return 1
    threads = get_threads()
    return max(1, min(threads if threads * nbytes <= BATCH_BYTES else 2, threads, batches))


LOSSES = 3                                      # of workers one after another, without a result in between


def elsewhere(jobs: int, backend: str, scheduler: str | None) -> Run:
    """The same by processes, or by the workers of a cluster, one thread each.

    A worker that dies loses nothing: whatever of the work has no result yet is handed out again, to new processes or
    to the workers that are left.
    """

    def run(net: Network, parts: Iterable[Pictures], layer: str, digest: Digest,
            size: int | None) -> Generator[BatchResult, None, None]:
        from joblib import delayed

        handed: deque = deque()                         # handed out, and the results not yet seen
        losses = 0
        while True:
            todo = chain(list(handed), remembered(parts, handed))
            with workers(net, jobs, backend, scheduler) as (parallel, stand_in):
                results = parallel(delayed(look)(stand_in, part, layer, digest, size) for part in todo)
                try:
                    for looked in results:
                        handed.popleft()
                        losses = 0
                        yield looked
                    return
                except Exception as error:
                    if not is_loss(error):
                        raise
                    losses += 1
                    if losses > LOSSES or is_given_up(error):
                        raise TooLarge("workers die one after another, the last when it had been given "
                                       f"{handed[0].name(0)} or a picture after it: is there enough memory? Fewer "
                                       "--jobs need less") from None
                finally:
                    results.close()

    return run


def is_loss(error: BaseException) -> bool:
    """Whether an error means that a worker is gone, or a result that it held."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    return isinstance(error, BrokenProcessPool) or is_lost_result(error) or is_given_up(error)


def remembered(parts: Iterable[Pictures], handed: deque) -> Iterator[Pictures]:
    for part in parts:
        handed.append(part)
        yield part


def look(net: Network | str, pictures: Pictures, layer: str, digest: Digest, size: int | None) -> BatchResult:
    """One task of `elsewhere`: read a batch, show it to the net. In one thread, as all within a `map_out` is."""
    net = unpacked(net)
    (looked,) = map_out(lambda part: show(net, layer, digest, *read_batch(net, part, size)), [pictures])
    return looked


def read_batch(net: Network, pictures: Pictures, size: int | None) -> tuple[Array | None, BatchResult]:
    """(values for the net (n, h, w, C) or None, the `BatchResult` without what was found)."""
    parts, looked = [], BatchResult(None, [], [], [])
    with LENIENT:                                       # once for the batch, not for each picture
        for i in range(len(pictures)):
            try:
                pixels, sha256 = pictures.read(i, size if net.input_size else None, net.input_channels)
                parts.append(fitted(net, pixels, size).image)
                looked.read.append(i)
            except (MinivisError, MemoryError) as error:
                looked.failed.append((i, why_not(pictures, i, error), isinstance(error.__cause__, FileNotFoundError)))
                sha256 = pictures.hash(i)
            looked.hashes.append(sha256)
    if len({part.shape for part in parts}) == 1:
        return net.preprocess(np.stack(parts)), looked
    return np.concatenate([net.preprocess(part) for part in parts]) if parts else None, looked


def why_not(pictures: Pictures, i: int, error: BaseException) -> str:
    """Why picture i cannot be used. One file never ends a sweep, even if it does not fit into memory."""
    return str(error) if isinstance(error, MinivisError) else f"{pictures.name(i)} does not fit into memory"


def show(net: Network, layer: str, digest: Digest, x: Array | None, looked: BatchResult) -> BatchResult:
    """Fill in what was found. BLAS has one thread, so that the bits do not depend on how many there are."""
    if x is not None:
        x = to_gpu(x) if on_gpu(net) else x
        with ONE_BLAS_THREAD:
            found = net.forward(x, until=layer, keep=(layer,), grad=None)[layer]
        check_finite(found)
        looked.found = digest(to_cpu(found))
    return looked


def fitted(net: Network, pixels: Array, size: int | None = None) -> Fitted:
    """A picture fitted to the net for a sweep."""
    return Fitted(*preprocessing_of(net).fit_image(pixels, size=shown(net, size)[:2]))


def on_gpu(net: Network) -> bool:
    return any(get_xp(p) is not np for layer in net.layers.values() for p in layer.params.values())


def batch_size(net: Network, size: int | None = None, jobs: int = 1) -> int:
    """Pictures a batch: so many that the largest activation has `BATCH_BYTES`. Raise TooLarge for what does not fit."""
    check_fits(net, (jobs, *shown(net, size)))
    return batch_that_fits(net, shown(net, size), BATCH, BATCH_BYTES)


def shown(net: Network, size: int | None) -> Shape:
    """The shape (H, W, C) of every picture that the net sees."""
    return *(net.input_size or (size or SQUARE,) * 2), net.input_channels


def check_seen(pictures: Pictures, first: int, looked: BatchResult) -> None:
    """Raise BadFile if a machine of the cluster lacks a file that this one has."""
    for i, _, missing in looked.failed:
        if missing and pictures.root is not None and os.path.exists(pictures.path(first + i)):
            raise BadFile(f"a worker of the cluster has no file {pictures.path(first + i)}: the pictures must lie "
                          "under the same path on every machine")


def check_workers(jobs: int, backend: str, scheduler: str | None) -> None:
    if backend not in BACKENDS:
        raise UnknownName.of("backend", backend, BACKENDS)
    if jobs < 1:
        raise BadValue(f"jobs must be at least 1, not {jobs}")
    if (scheduler is not None) != (backend == "dask"):
        raise BadValue("the backend dask and a scheduler need each other, as in --backend dask --scheduler "
                       "tcp://HOST:8786")


@contextmanager
def workers(net: Network, jobs: int, backend: str, scheduler: str | None) -> Iterator[tuple[Any, Any]]:
    """Yield a `joblib.Parallel`, and what stands for the net in its tasks."""
    from joblib import Parallel, parallel_config

    settings = {"return_as": "generator", "batch_size": 1}
    if backend == "dask" and scheduler is not None:     # as `check_workers` has seen
        with dask_cluster(scheduler) as client, parallel_config(backend="dask", client=client, scatter=[net]):
            yield Parallel(n_jobs=-1, **settings), net
    else:
        with packed(net) as path, parallel_config(backend="loky", inner_max_num_threads=1):
            yield Parallel(n_jobs=jobs, **settings), path


@contextmanager
def packed(net: Network) -> Iterator[str]:
    """The path of a temporary file that holds the net: a process unpacks it once, not with every task."""
    with tempfile.TemporaryDirectory(prefix="minivis-") as folder:
        path = os.path.join(folder, "net.pickle")
        with open(path, "wb") as file:
            pickle.dump(net, file, protocol=5)
        yield path


def unpacked(net: Network | str) -> Network:
    return _unpack(net) if isinstance(net, str) else net


@lru_cache(maxsize=2)
def _unpack(path: str) -> Network:
    with open(path, "rb") as file:
        return pickle.load(file)
