"""The sweep over many pictures: complete, in order, the same whoever does the work, and in little memory."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from commandline import scene
from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

from minivis.errors import BadFile, BadValue, TooLarge, UnknownName
from minivis.images.collection import Pictures, folder_hash
from minivis.images.files import write_image
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.runtime.threads import share_out, threads
from minivis.sweeps import sweep as sweeping
from minivis.sweeps.sweep import here, sweep, worker_count
from minivis.sweeps.tally import Tally


@pytest.fixture
def folder(tmp_path, rng):
    """Nine pictures, colour and grey, of two sizes and below one another, and three files that are none."""
    (tmp_path / "pictures" / "below").mkdir(parents=True)
    for i in range(9):
        shape = [(16, 16, 3), (16, 16, 1), (30, 24, 3)][i % 3]
        where = "below/" if i % 2 else ""
        write_image(tmp_path / "pictures" / f"{where}{i}.png", rng.integers(0, 256, shape, dtype=np.uint8))
    (tmp_path / "pictures" / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "pictures" / "empty.png").write_bytes(b"")
    (tmp_path / "pictures" / "notes.txt").write_text("not looked at")
    (tmp_path / "pictures" / ".hidden.png").write_bytes(b"not looked at")
    return tmp_path / "pictures"


NAMES = ("0.png", "2.png", "4.png", "6.png", "8.png", "below/1.png", "below/3.png", "below/5.png", "below/7.png",
         "broken.jpg", "empty.png")  # fmt: skip


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 4)


def test_finds_pictures_below_a_folder_by_name(folder):
    pictures = Pictures.of(folder)
    assert pictures.names == NAMES and pictures.path(5) == str(folder / "below/1.png")
    assert Pictures.of(folder / "2.png").names == ("2.png",)
    assert Pictures.of([folder / "2.png", folder / "0.png"]).read(1)[0].shape == (16, 16, 3)


def test_every_picture_gets_what_a_pass_of_its_own_gives(folder):
    from minivis.images.files import read_image

    net, pictures, tally = tiny_vgg(), Pictures.of(folder), Tally()
    found = {}
    for first, looked in sweep(net, pictures, "fc7", np.asarray):
        tally.add(pictures, first, looked)
        found.update(zip([pictures.name(first + i) for i in looked.read], looked.found if looked.read else []))
    assert tuple(found) == NAMES[:9] and tally.done == 11
    for name, code in found.items():
        x = net.preprocess(net.fit(read_image(folder / name)))
        np.testing.assert_allclose(code, net.forward(x)["fc7"][0], rtol=1e-5, atol=1e-5)
    assert [name for name, _ in tally.unreadable] == ["broken.jpg", "empty.png"]
    assert "broken.jpg is not a picture" in tally.unreadable[0][1] and "empty.png is empty" in tally.unreadable[1][1]
    assert tally.digest == folder_hash(folder)


def results(net, folder, **settings):
    return [looked for _, looked in sweep(net, Pictures.of(folder), "relu2_1", np.asarray, **settings)]


def test_the_same_to_the_bit_from_one_process_or_two(folder):
    """And with any number of threads."""
    net = tiny_vgg()
    one = results(net, folder)
    with threads(1):
        alone = results(net, folder)
    for other in (alone, results(net, folder, jobs=2)):
        assert [looked.read for looked in one] == [[0, 1, 2, 3], [0, 1, 2, 3], [0]]
        for a, b in zip(one, other):
            assert (a.read, a.hashes, a.failed) == (b.read, b.hashes, b.failed)
            np.testing.assert_array_equal(a.found, b.found)


@threads(2)
def test_no_more_batches_at_a_time_than_threads_and_one_that_waits(folder, monkeypatch):
    """However many pictures there are, memory holds three batches of them."""
    read = []
    monkeypatch.setattr(Pictures, "bytes", lambda self, i, bytes=Pictures.bytes: read.append(i) or bytes(self, i))
    pictures = Pictures.of([folder / "0.png"] * 40)
    for number, _ in enumerate(sweep(tiny_vgg(), pictures, "relu1_1", np.asarray)):
        assert len(read) <= 4 * (number + 3)
    assert number == 9 and len(read) == 40


def test_each_thread_takes_a_batch_but_two_where_they_are_large(monkeypatch):
    net = tiny_vgg()
    with threads(8):
        assert [worker_count(net, batches, 1e6) for batches in (0, 1, 3, 100)] == [1, 1, 3, 8]
        assert [worker_count(net, batches, 50e6) for batches in (1, 100)] == [1, 2]
        with threads(1):
            assert worker_count(net, 100, 50e6) == 1
        monkeypatch.setattr(sweeping, "on_gpu", lambda net: True)
        assert worker_count(net, 100, 1e6) == 1


def who_works():
    """The threads that share out four short tasks now."""
    seen = []
    share_out(lambda _: (seen.append(threading.get_ident()), time.sleep(0.01)), range(4))
    return set(seen)


@threads(3)
@pytest.mark.parametrize("hands", [1, 2])
def test_the_other_threads_help_within_a_layer(folder, hands):
    seen, pictures = [], Pictures.of(folder)
    parts = [pictures.part(first, 4) for first in (0, 4, 8)]
    assert len(list(here(hands)(tiny_vgg(), parts, "relu1_1", lambda acts: seen.append(who_works()), None))) == 3
    assert max(map(len, seen)) > 1


@threads(3)
def test_each_thread_has_a_batch_of_its_own_and_helps_others_once_there_is_none(folder):
    together, alone, helped = threading.Barrier(3, timeout=10), [], []

    def digest(acts):
        number = together.wait()
        alone.append(who_works() == {threading.get_ident()})
        together.wait()
        until = time.monotonic() + 10
        while number == 0 and not helped and time.monotonic() < until:
            helped.extend([True] * (len(who_works()) == 3))

    pictures = Pictures.of(folder)
    parts = [pictures.part(first, 4) for first in (0, 4, 8)]
    assert len(list(here(3)(tiny_vgg(), parts, "relu1_1", digest, None))) == 3
    assert alone == [True] * 3 and helped


def losing(monkeypatch, error, *numbers):
    """Workers that raise ``error`` instead of their second result, in tries of these numbers; return the tries."""
    tries = []

    @contextmanager
    def workers(net, jobs, backend, scheduler):
        def parallel(tasks):
            tries.append(list(tasks))                   # all handed out at once
            for number, (function, given, named) in enumerate(tries[-1]):
                if len(tries) in numbers and number == 1:
                    raise error
                yield function(*given, **named)

        yield parallel, net

    monkeypatch.setattr(sweeping, "workers", workers)
    return tries


CANCELLED = type("FutureCancelledError", (Exception,), {"__module__": "distributed.client"})
KILLED = type("KilledWorker", (Exception,), {"__module__": "distributed.scheduler"})


@pytest.mark.parametrize("error", [CANCELLED(), TerminatedWorkerError("a worker was killed"), BrokenProcessPool()])
def test_what_went_with_its_worker_is_made_again(folder, monkeypatch, error):
    tries = losing(monkeypatch, error, 1)
    net = tiny_vgg()
    for a, b in zip(results(net, folder), results(net, folder, jobs=2), strict=True):
        assert a.hashes == b.hashes
        np.testing.assert_array_equal(a.found, b.found)
    assert [len(tasks) for tasks in tries] == [3, 2]


def test_other_errors_of_a_worker_pass(folder, monkeypatch):
    losing(monkeypatch, ZeroDivisionError(), 1)
    with pytest.raises(ZeroDivisionError):
        results(tiny_vgg(), folder, jobs=2)


def test_workers_that_die_without_end_are_one_sentence(folder, monkeypatch):
    """Where Dask has given up, at once; else after four in a row, with no result in between."""
    tries = losing(monkeypatch, KILLED(), 1)
    with pytest.raises(TooLarge, match=r"the last when it had been given 8\.png or a picture after it"):
        results(tiny_vgg(), folder, jobs=2)
    assert len(tries) == 1

    @contextmanager
    def workers(net, jobs, backend, scheduler):
        def parallel(tasks):
            tries.append(list(tasks))
            raise TerminatedWorkerError("killed")
            yield

        yield parallel, net

    monkeypatch.setattr(sweeping, "workers", workers)
    with pytest.raises(TooLarge, match=r"workers die one after another, .* given 0\.png or a picture after it"):
        results(tiny_vgg(), folder, jobs=2)
    assert len(tries) == 1 + 4


def processes_of_loky():
    """The numbers of the processes that joblib has started for us."""
    from joblib.externals.loky import reusable_executor

    return list(reusable_executor._executor._processes)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_process_that_is_killed_changes_nothing(folder):
    net, pictures = tiny_vgg(), Pictures.of([folder / "0.png", folder / "8.png", folder / "2.png"] * 40)
    one = list(sweep(net, pictures, "fc7", np.asarray))
    two = []
    for number, found in enumerate(sweep(net, pictures, "fc7", np.asarray, jobs=2)):
        if number in (2, 9):                            # of new processes, the second time
            os.kill(processes_of_loky()[0], signal.SIGKILL)
        two.append(found)
    for (a, b), (c, d) in zip(one, two, strict=True):
        assert (a, b.hashes) == (c, d.hashes)
        np.testing.assert_array_equal(b.found, d.found)


def test_goes_on_from_any_batch(folder):
    net, pictures = tiny_vgg(), Pictures.of(folder)
    whole = list(sweep(net, pictures, "fc7", np.asarray))
    rest = list(sweep(net, pictures, "fc7", np.asarray, start=4))
    assert [first for first, _ in rest] == [4, 8]
    for (_, a), (_, b) in zip(whole[1:], rest):
        np.testing.assert_array_equal(a.found, b.found)


def test_a_net_of_any_size_sees_squares(folder):
    shapes = {looked.found.shape[1:3] for _, looked in sweep(tiny_branches(), Pictures.of(folder), "input", np.asarray,
                                                             size=20)}
    assert shapes == {(20, 20)}


def test_grey_nets(folder):
    found = [looked.found for _, looked in sweep(tiny_vgg(channels=1), Pictures.of(folder), "input", np.asarray)]
    assert np.concatenate(found).shape == (9, 16, 16, 1)


def test_pictures_may_be_arrays(rng):
    images = [scene(), scene()[::-1], scene()[:, :, :1]]
    ((first, looked),) = sweep(tiny_vgg(), Pictures.of(images), "fc7", np.asarray)
    assert first == 0 and looked.read == [0, 1, 2] and len(set(looked.hashes)) == 3


def test_a_batch_takes_what_memory_allows(monkeypatch):
    net = tiny_vgg()
    monkeypatch.setattr(sweeping, "BATCH", 32)
    assert sweeping.batch_size(net) == 32
    monkeypatch.setattr(sweeping, "BATCH_BYTES", 3 * 16 * 16 * 6 * 4)
    assert sweeping.batch_size(net) == 3
    monkeypatch.setattr("minivis.engine.memory.available", lambda *net: 1000)
    with pytest.raises(TooLarge, match="make the longer side"):
        sweeping.batch_size(net)


def test_the_hash_is_of_names_contents_and_order(folder):
    before = folder_hash(folder)
    os.rename(folder / "0.png", folder / "00.png")
    renamed = folder_hash(folder)
    write_image(folder / "00.png", scene(), force=True)
    assert len({before, renamed, folder_hash(folder)}) == 3


@pytest.mark.parametrize("source, error, message", [
    ("nowhere", BadFile, "there is no folder nowhere"),
    ("void", BadFile, "there is no picture in the folder void: no file in it ends in one of .png"),
    ([], BadValue, "give at least one picture"),
])
def test_no_pictures(tmp_path, monkeypatch, source, error, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "void").mkdir()
    with pytest.raises(error, match=message):
        Pictures.of(source)


@pytest.mark.parametrize("settings, error, message", [
    ({"jobs": 0}, BadValue, "jobs must be at least 1"),
    ({"backend": "spark"}, UnknownName, "no backend named 'spark'"),
    ({"backend": "dask"}, BadValue, "the backend dask and a scheduler need each other"),
    ({"scheduler": "tcp://127.0.0.1:1"}, BadValue, "the backend dask and a scheduler need each other"),
])
def test_bad_settings(folder, settings, error, message):
    with pytest.raises(error, match=message):
        results(tiny_vgg(), folder, **settings)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")        # errstate does not reach worker threads
def test_infinite_answers_are_refused(folder):
    net = tiny_vgg()
    net = net.map_params(lambda p: p * np.float32(1e30))
    # on one thread: NumPy's errstate holds for its own thread alone, and warnings are errors here
    with threads(1), np.errstate(over="ignore", invalid="ignore"), pytest.raises(BadValue, match="overflow"):
        results(net, folder)


def test_a_picture_that_memory_does_not_hold_is_listed(folder, monkeypatch):
    fit = sweeping.fitted

    def fitted(net, pixels, size=None):
        if pixels.shape[0] == 30:
            raise MemoryError
        return fit(net, pixels, size)

    monkeypatch.setattr(sweeping, "fitted", fitted)
    pictures, tally = Pictures.of(folder), Tally()
    for first, looked in sweep(tiny_vgg(), pictures, "fc7", np.asarray):
        tally.add(pictures, first, looked)
    assert tally.done == 11 and tally.digest == folder_hash(folder)
    assert [why for _, why in tally.unreadable][:3] == [
        f"{name} does not fit into memory" for name in ("2.png", "8.png", "below/5.png")]


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes there")
def test_a_pipe_and_a_picture_of_12_gb_are_listed(folder):
    os.mkfifo(folder / "1pipe.png")
    with open(folder / "3huge.png", "wb") as file:
        file.truncate(12 * 10**9)
    pictures, tally = Pictures.of(folder), Tally()
    for first, looked in sweep(tiny_vgg(), pictures, "fc7", np.asarray):
        tally.add(pictures, first, looked)
    assert [name for name, _ in tally.unreadable] == ["1pipe.png", "3huge.png", "broken.jpg", "empty.png"]
