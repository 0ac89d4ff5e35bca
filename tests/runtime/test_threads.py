"""The team of workers, and the one guard that holds BLAS to a thread: whoever comes and goes, in whatever order."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from commandline import contents, fill, runner
from threadpoolctl import threadpool_limits
from tuned import tune

from minivis.convolution import bands, tuning, winograd
from minivis.engine.network import Network
from minivis.errors import BadValue
from minivis.images.files import read_image, write_image
from minivis.images.provenance import as_text, read_record
from minivis.layers import BackwardMode, Conv2D, ForwardMode, ReLU
from minivis.models.tiny import tiny_vgg
from minivis.runtime import threads
from minivis.runtime.affinity import cores
from minivis.runtime.one_blas_thread import ONE_BLAS_THREAD
from minivis.runtime.threads import (
    TEAM,
    Team,
    checked_count,
    forget_scratch,
    get_threads,
    scratch,
    set_threads,
    share_out,
    sharing,
)  # fmt: skip

needs_blas = pytest.mark.skipif(not ONE_BLAS_THREAD.works, reason="this NumPy's BLAS cannot be held to one thread")


@pytest.fixture(autouse=True)
def default_threads():
    yield
    set_threads(None)


def blas_threads():
    """What the libraries say that were there when the guard first looked: OpenCV brings one that nobody uses."""
    return {lib.num_threads for lib in ONE_BLAS_THREAD.libraries}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_item_once(count):
    set_threads(count)
    done = []
    share_out(done.append, range(100))
    assert sorted(done) == list(range(100))
    share_out(done.append, [])
    assert len(done) == 100


@needs_blas
def test_two_threads_work_at_once():
    set_threads(2)
    both = threading.Barrier(2, timeout=10)
    share_out(lambda _: both.wait(), range(2))                          # each waits for the other: alone it would fail
    assert get_threads() == 2


def test_a_task_within_a_task_runs_in_its_thread():
    set_threads(3)
    where = []

    def outer(_):
        here = threading.get_ident()
        share_out(lambda _: where.append(threading.get_ident() == here), range(4))

    share_out(outer, range(6))
    assert where == [True] * 24


@pytest.mark.parametrize("count", [1, 3])
def test_an_error_comes_out_and_nothing_keeps_running(count):
    set_threads(count)
    running = []

    def task(i):
        running.append(i)
        if i == 3:
            raise ValueError("three")
        running.remove(i)

    before = blas_threads()
    with pytest.raises(ValueError, match="three"):
        share_out(task, range(1000))
    assert running == [3] and blas_threads() == before and ONE_BLAS_THREAD.inside == 0
    done = []
    share_out(done.append, range(10))                                   # the team works on
    assert len(done) == 10


@needs_blas
@pytest.mark.parametrize("users", [1, 2, 3])
def test_blas_is_held_within_and_as_the_user_had_it_after(users):
    with threadpool_limits(users, "blas"):
        before = blas_threads()
        seen = []
        share_out(lambda _: seen.append(blas_threads()), range(4))
        assert all(counts == {1} for counts in seen)
        assert blas_threads() == before == {users}


@needs_blas
def test_two_nets_in_four_threads_agree_with_themselves_alone(all_shared):
    """Passes that overlap in all ways give the bits that they give alone, and leave BLAS as it was."""
    set_threads(2)
    before = blas_threads()
    nets = [tiny_vgg(seed=s, size=32) for s in (0, 1)]
    xs = [np.random.default_rng(s).standard_normal((2, 32, 32, 3)).astype("f4") for s in range(4)]

    def work(i):
        net, x = nets[i % 2], xs[i % 4]
        acts = net.forward(x, until="fc8", keep=["fc8"])
        return acts["fc8"], net.backward(acts, {"fc8": np.ones_like(acts["fc8"])})[0]["input"]

    with pytest.MonkeyPatch.context() as patch:
        tune(patch, tiny=0)
        alone = [work(i) for i in range(4)]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(work, list(range(4)) * 15))
    for i, (out, dx) in enumerate(together):
        np.testing.assert_array_equal(out, alone[i % 4][0])
        np.testing.assert_array_equal(dx, alone[i % 4][1])
    assert blas_threads() == before and threads.TEAM.busy == 0


def test_callers_divide_the_workers():
    """However many call at once, no more threads work than were asked for and the callers themselves."""
    team = Team()
    team.asked = 3
    held = threading.Event()
    first, second = [team.hire(2), team.hire(2)]
    assert (first, second) == (2, 0)
    team.dismiss(2)
    assert team.hire(5) == 2
    held.set()


def test_what_is_not_worth_it_stays_with_the_caller():
    set_threads(2)
    here, where = threading.get_ident(), set()
    with sharing(False):
        share_out(lambda _: where.add(threading.get_ident()), range(50))
        with sharing(True):                                             # within what is not, nothing is
            share_out(lambda _: where.add(threading.get_ident()), range(50))
    assert where == {here}
    both = threading.Barrier(2, timeout=10)
    with sharing(True):
        share_out(lambda _: both.wait(), range(2))


def works_alone():
    seen = set()
    share_out(lambda _: (seen.add(threading.get_ident()), time.sleep(0.01)), range(8))
    return seen == {threading.get_ident()}


def test_whether_it_is_worth_it_may_be_asked_each_time():
    set_threads(2)
    worth, both = [], threading.Barrier(2, timeout=10)
    with sharing(lambda: bool(worth)):
        assert works_alone()
        with sharing(True):
            assert works_alone()
        worth.append(True)
        share_out(lambda _: both.wait(), range(2))
        with sharing(True):
            share_out(lambda _: both.wait(), range(2))
        with sharing(False):
            assert works_alone()
    with sharing(False), sharing(lambda: True):                         # within what is not, nothing is
        assert works_alone()
    share_out(lambda _: both.wait(), range(2))


def test_a_small_convolution_takes_one_thread_and_a_large_one_two(monkeypatch, rng):
    """Two threads took longer than one for emoji-vgg's gradient of one picture."""
    set_threads(2)
    hired = []
    hire = threads.TEAM.hire
    monkeypatch.setattr(threads.TEAM, "hire", lambda wanted: hired.append(wanted) or hire(wanted))
    layer = Conv2D(rng.standard_normal((3, 3, 32, 32), "f4"), padding=1)
    for size, most in ((32, 0), (128, 1)):                              # 9 and 150 million multiplications
        hired.clear()
        x = rng.standard_normal((1, size, size, 32), "f4")
        out, cache = layer.forward(x, mode=ForwardMode())
        layer.backward(out, cache, BackwardMode())
        assert max(hired, default=0) == most


def test_where_blas_cannot_be_held_the_caller_works_alone(monkeypatch):
    monkeypatch.setattr(threads.ONE_BLAS_THREAD, "works", False)
    set_threads(3)
    where = set()
    share_out(lambda _: where.add(threading.get_ident()), range(50))
    assert where == {threading.get_ident()}


@pytest.mark.parametrize("count", [0, -1, 1.5, "two", "1.5", True, 4097, 10**30, 2**256 - 1, "0" * 29 + "7"])
def test_wrong_numbers_of_threads(count):
    with pytest.raises(BadValue, match=f"^threads must be a whole number from 1 to 4096, got {count!r}$"):
        set_threads(count)


@pytest.mark.parametrize("count, taken", [(1, 1), (4096, 4096), ("4096", 4096), (" 2 ", 2), ("0" * 28 + "7", 7)])
def test_right_numbers_of_threads(count, taken):
    assert checked_count(count, "threads") == taken


@pytest.mark.parametrize("count", [10**5000, "9" * 5000, "x" * 5000], ids=["int", "digits", "letters"])
def test_an_endless_number_of_threads_is_told_in_one_short_sentence(count):
    with pytest.raises(BadValue, match=r"^threads must be a whole number from 1 to 4096, got .{1,100}$"):
        set_threads(count)
    with pytest.raises(BadValue, match=r"got one of 257 bits$"):
        set_threads(2**256)


def test_the_command_line_and_a_record_tell_a_number_too_long_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    run, before = runner(capsys), contents(tmp_path)
    refused = f"minivis: error: Invalid value for '--threads': {10**30} is not in the range 1<=x<=4096.\n"
    assert run("backprop", "photo.png", "--net", "tiny.h5", "--threads", 10**30) == (2, "", refused)
    assert contents(tmp_path) == before
    assert run("backprop", "photo.png", "--net", "tiny.h5", "-o", "a.png")[0] == 0
    write_image("b.png", read_image("a.png"), text=as_text({**read_record("a.png"), "threads": 10**30}))
    assert run("rerun", "b.png") == (2, "", "minivis: error: b.png has a damaged record of how it was made\n")


def test_the_environment_says_how_many(monkeypatch):
    monkeypatch.setenv("MINIVIS_THREADS", "3")
    assert get_threads() == 3
    set_threads(2)
    assert get_threads() == 2
    set_threads(None)
    monkeypatch.setenv("MINIVIS_THREADS", "none")
    with pytest.raises(BadValue, match="MINIVIS_THREADS must be a whole number from 1 to 4096, got 'none'"):
        get_threads()
    monkeypatch.setenv("MINIVIS_THREADS", "")
    assert get_threads() == cores()


def test_scratch_grows_and_belongs_to_its_thread():
    a = scratch("test", (4, 5), "f8")
    a[...] = 1
    assert scratch("test", (2, 5), "f8").ctypes.data == a.ctypes.data
    b = scratch("test", (100, 5), "f4")
    assert b.shape == (100, 5) and b.dtype == np.float32
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: scratch("test", (100, 5), "f4")).result()
    assert not np.shares_memory(b, other)


def test_a_thread_forgets_its_own_scratch_alone():
    a = scratch("test", (4, 5), "f8")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(forget_scratch).result()            # it never had any
        assert np.shares_memory(scratch("test", (4, 5), "f8"), a)
        other = pool.submit(lambda: scratch("test", (4, 5), "f8")).result()
        forget_scratch()
        assert not np.shares_memory(scratch("test", (4, 5), "f8"), a)       # which `a` still holds
        assert np.shares_memory(pool.submit(lambda: scratch("test", (4, 5), "f8")).result(), other)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_memory_begins_with_a_cache_line(rng):
    """What threads, workspaces and passes hand out, and transformed weights."""
    conv = Conv2D(rng.standard_normal((3, 3, 16, 24)))
    space = Network().workspace()
    made = [f((7, n), "f4") for n in range(1, 9) for f in (partial(scratch, n), space.empty, ForwardMode().empty)]
    conv.forward(np.ones((1, 9, 9, 16)), mode=ForwardMode(algorithm="winograd2"))
    assert [a.ctypes.data % 64 for a in (*made, *conv.derived.values())] == [0] * 25
    assert all(a.shape == (7, a.shape[1]) and a.dtype == "f4" for a in made)
    assert ForwardMode().empty((0, 3), "f8").shape == (0, 3)


def test_a_forked_child_has_a_team_of_its_own():
    set_threads(2)
    share_out(lambda _: None, range(4))
    with TEAM.small_products:                                           # a thread that the child does not have
        child = os.fork()
        if child == 0:
            done = []
            share_out(done.append, range(20))
            os._exit(0 if len(done) == 20 and get_threads() == 2 and not TEAM.small_products.locked() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Watching(ReLU):
    """A ReLU that notes how often BLAS is held when it runs."""

    def __init__(self, held):
        super().__init__()
        self.held = held

    def forward(self, x, *, mode):
        self.held.append(ONE_BLAS_THREAD.inside)
        return super().forward(x, mode=mode)

    def backward(self, dout, cache, mode):
        self.held.append(ONE_BLAS_THREAD.inside)
        return super().backward(dout, cache, mode)


def test_a_pass_holds_blas_as_a_whole():
    """Each layer for itself would set the threads there and back some fifty times."""
    held = []
    net = Network().add("relu", Watching(held))
    acts = net.forward(np.ones((1, 2, 2, 3), "f4"))
    net.backward(acts, {"relu": acts["relu"]})
    assert held == [1, 1] and ONE_BLAS_THREAD.inside == 0


def test_the_first_layers_gradient_comes_in_large_bands(monkeypatch, rng):
    """Planned as if dout were held for each kernel position, they were thirteen times too small, and thrice as slow."""
    counts = []
    monkeypatch.setattr("minivis.convolution.scattered.share_out", lambda task, items: counts.append(len(items)))
    monkeypatch.setattr("minivis.convolution.bands.cores", lambda: 2)
    layer = Conv2D(rng.standard_normal((3, 3, 3, 24), "f4"), padding=1)
    x = np.zeros((1, 64, 64, 3), "f4")
    layer.backward(np.zeros((1, 64, 64, 24), "f4"), layer.cache(x, ForwardMode()), BackwardMode())
    assert counts == [2]


@pytest.mark.parametrize("cut, counts", [(lambda N: winograd.blocks(N, 8, 28), (2, 4)),
                                         (lambda N: bands.bands((N, 8, 9, 9), tuning.TUNING.band_bytes // 28), (2, 4))])
def test_a_small_picture_alone_is_cut_for_the_threads_and_many_are_taken_together(monkeypatch, cut, counts):
    for module in (bands, winograd):
        monkeypatch.setattr(module, "cores", lambda: 2)
    assert tuple(len(cut(N)) for N in (1, 10)) == counts
