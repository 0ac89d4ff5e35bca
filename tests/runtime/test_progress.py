"""A bar for whoever waits at a terminal, and silence for everybody else."""

import inspect
import io
import sys
import threading
import types

import pytest

import minivis as mv
from minivis.runtime.progress import bar, hidden, remark, track


def test_no_function_shows_progress_unasked():
    functions = [getattr(mv, name) for name in mv.__all__ if inspect.isfunction(getattr(mv, name))]
    shown = {function.__name__: inspect.signature(function).parameters["progress"].default for function in functions
             if "progress" in inspect.signature(function).parameters}
    assert len(shown) > 10 and not any(shown.values()), shown


@pytest.mark.parametrize("progress", [True, False])
def test_items_pass_unchanged_and_nothing_is_printed_away_from_a_terminal(progress, capsys):
    assert list(track([3, 1, 2], progress, "work")) == [3, 1, 2]
    by_hand = bar(3, progress, "work")
    by_hand.update(2)
    by_hand.set_postfix_str("loss 1")
    by_hand.close()
    assert capsys.readouterr() == ("", "")


def test_without_progress_the_items_themselves_come_back():
    items = [1, 2]
    assert track(items, False) is items


def test_a_function_of_ones_own_watches_and_may_stop():
    seen = []

    def watch(items):
        for item in items:
            if item == 2:
                raise KeyboardInterrupt
            seen.append(item)
            yield item

    with pytest.raises(KeyboardInterrupt):
        list(track(range(5), watch))
    assert seen == [0, 1]


def test_a_remark_goes_to_stderr_and_only_where_somebody_waits(capsys):
    remark("half of it is done")
    assert capsys.readouterr() == ("", "minivis: half of it is done\n")
    remark("half of it is done", progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_bars_though_its_stderr_is_no_terminal(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert (hidden(True), hidden(False)) == (None, True)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    assert (hidden(True), hidden(False)) == (False, True)


def test_bars_are_those_that_suit_where_they_run():
    from tqdm.auto import tqdm

    assert isinstance(bar(3), tqdm)


@pytest.mark.parametrize("made", [lambda: bar(3), lambda: track([1, 2])])
@pytest.mark.filterwarnings("error")
def test_a_bar_needs_no_thread(made, monkeypatch):
    """tqdm watches its bars with one, hidden bars too, and warns if the system starts none."""
    from tqdm.auto import tqdm

    monkeypatch.setattr(tqdm, "monitor", None)
    monkeypatch.setattr(threading.Thread, "start", lambda self: pytest.fail("a bar started a thread"))
    made().close()


def test_a_bar_that_slows_down_is_drawn_at_every_step(monkeypatch):
    """A thousand quick steps and then slow ones: each of those is seen, though no thread looks after the bar."""
    terminal, now = io.StringIO(), [0.0]
    terminal.isatty = lambda: True
    shown = bar(5000, file=terminal)
    shown._time, shown.start_t, shown.last_print_t, shown.delay = lambda: now[0], 0, 0, 0
    drawn = []
    shown.refresh = lambda **how: drawn.append(shown.n)
    for step in range(2000):
        now[0] += 1e-3 if step < 1990 else 1
        shown.update()
    assert drawn[-10:] == list(range(1991, 2001))
