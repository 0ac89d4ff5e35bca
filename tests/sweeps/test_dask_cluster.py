"""A real Dask cluster on this machine: two workers, of which one dies in the middle of a sweep."""

import logging
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from commandline import fill, scene

from minivis.cli import main
from minivis.errors import BadFile, BadValue
from minivis.images.collection import Pictures
from minivis.images.files import write_image
from minivis.models.tiny import tiny_vgg
from minivis.sweeps.codes_file import open_codes
from minivis.sweeps.dask_cluster import dask_cluster
from minivis.sweeps.sweep import sweep

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),              # distributed's own
]
distributed = pytest.importorskip("distributed", reason="no distributed here: the Dask cluster is not tested")
ROOT = Path(__file__).parents[2]


@contextmanager
def process(*words, log, **environment):
    """A process that ends with the test; what it says goes to ``log``."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    with open(log, "wb") as file:
        child = subprocess.Popen([sys.executable, "-m", *words], stdout=file, stderr=file, env=environment)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def scheduler(folder):
    return process("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                   log=folder / "scheduler.log")


def worker(address, folder, name):
    """One thread, and nobody who would start it again when it is killed."""
    return process("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                   "--name", name, "--local-directory", str(folder), log=folder / f"{name}.log")


def waited_for(found, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError(f"no {what} after {seconds} s")


def address_of(folder):
    found = re.search(r"tcp://127\.0\.0\.1:\d+", (folder / "scheduler.log").read_text())
    return found and found[0]


@pytest.fixture
def cluster(tmp_path):
    """(address, the two workers)"""
    with scheduler(tmp_path):
        address = waited_for(lambda: address_of(tmp_path), "scheduler")
        with worker(address, tmp_path, "one") as one, worker(address, tmp_path, "two") as two:
            with distributed.Client(address, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
            yield address, (one, two)


@pytest.fixture
def photos(tmp_path, rng, monkeypatch):
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minivis.sweeps.sweep.BATCH", 2)
    (tmp_path / "photos").mkdir()
    for i in range(60):
        write_image(f"photos/{i:02d}.png", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
    (tmp_path / "photos/broken.png").write_bytes(b"no picture")
    return "photos"


def test_a_worker_dies_and_the_result_is_complete_and_the_same(cluster, photos):
    """It stops answering first, so that it surely has work in hand when it dies."""
    address, workers = cluster
    net, pictures = tiny_vgg(), Pictures.of(photos)
    alone = list(sweep(net, pictures, "fc7", np.asarray))
    together = []
    for number, found in enumerate(sweep(net, pictures, "fc7", np.asarray, backend="dask", scheduler=address)):
        together.append(found)
        if number == 4:
            workers[0].send_signal(signal.SIGSTOP)
            time.sleep(1)                               # the other works on, until all that is left is the first's
            workers[0].send_signal(signal.SIGKILL)
    assert workers[0].wait(10) == -signal.SIGKILL and workers[1].poll() is None
    assert len(together) == len(alone) == 31
    for (a, b), (c, d) in zip(alone, together):
        assert (a, b.read, b.hashes, b.failed) == (c, d.read, d.hashes, d.failed)
        if b.read:
            np.testing.assert_array_equal(b.found, d.found)


def test_the_commands(cluster, photos, tmp_path, capsys):
    address, _ = cluster
    dask = ("--backend", "dask", "--scheduler", address)
    assert main(["codes", photos, "--net", "tiny.h5", "-o", "alone.h5"]) == 0
    assert main(["codes", photos, "--net", "tiny.h5", "-o", "together.h5", *dask]) == 0
    assert main(["patches", photos, "--net", "tiny.h5", "-o", "alone.png"]) == 0
    assert main(["patches", photos, "--net", "tiny.h5", "-o", "together.png", *dask]) == 0
    assert capsys.readouterr().out.count("broken.png is not a picture") == 4
    with open_codes("alone.h5") as a, open_codes("together.h5") as b:
        np.testing.assert_array_equal(a.codes[:], b.codes[:])
        assert a.paths[:].tolist() == b.paths[:].tolist()
    assert (tmp_path / "alone.png").read_bytes() == (tmp_path / "together.png").read_bytes()


def test_a_worker_that_does_not_see_the_pictures(cluster, photos, monkeypatch):
    """As on a machine where the folder is not mounted; only here does it seem to be there."""
    address, _ = cluster
    pictures = Pictures("/nowhere/at/all", ("00.png",))
    monkeypatch.setattr("os.path.exists", lambda path: True)
    with pytest.raises(BadFile, match="must lie under the same path on every machine"):
        list(sweep(tiny_vgg(), pictures, "fc7", np.asarray, backend="dask", scheduler=address))


def test_the_scheduler_dies_and_the_sweep_ends_here(tmp_path, photos):
    net, pictures = tiny_vgg(), Pictures.of(photos)
    with scheduler(tmp_path) as child:
        address = waited_for(lambda: address_of(tmp_path), "scheduler")
        with worker(address, tmp_path, "one"):
            together = []
            for number, (_, found) in enumerate(sweep(net, pictures, "fc7", np.asarray, backend="dask",
                                                      scheduler=address)):
                together.append(found)
                if number == 2:
                    child.kill()
    alone = [found for _, found in sweep(net, pictures, "fc7", np.asarray)]
    assert [found.hashes for found in together] == [found.hashes for found in alone]


def test_what_distributed_says_of_a_scheduler_that_is_gone_stays_unsaid(cluster, caplog):
    """It comes with a traceback, when a client that cannot reconnect ends; the sweep goes on without the cluster."""
    log = logging.getLogger("distributed.client")
    before = log.level
    log.addHandler(caplog.handler)
    with dask_cluster(cluster[0]):
        log.error("gone")
    log.removeHandler(caplog.handler)
    assert not caplog.records and log.level == before


def test_nobody_answers(tmp_path, photos, monkeypatch, capsys):
    monkeypatch.setattr("minivis.sweeps.dask_cluster.PATIENCE", 2)
    words = ["codes", photos, "--net", "tiny.h5", "--backend", "dask", "--scheduler"]
    assert main([*words, "tcp://127.0.0.1:1"]) == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in capsys.readouterr().err
    with scheduler(tmp_path):
        address = waited_for(lambda: address_of(tmp_path), "scheduler")
        with pytest.raises(BadValue, match="has no workers: `dask worker tcp://127"):
            list(sweep(tiny_vgg(), Pictures.of([scene()]), "fc7", np.asarray, backend="dask", scheduler=address))
    assert not (tmp_path / "codes.h5.checkpoint").exists()
