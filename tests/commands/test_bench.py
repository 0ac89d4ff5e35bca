"""`minivis bench`, as a user types it."""

import json
from dataclasses import replace

import pytest
from tuned import tune

from minivis.cli import main
from minivis.commands import bench_conv, bench_tune
from minivis.commands.bench_tune import Comparison
from minivis.convolution.tuning import described
from minivis.models.tiny import tiny_vgg
from minivis.runtime import tuned
from minivis.runtime.threads import get_threads
from minivis.weights.native import save


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tiny_vgg(), "tiny.h5")
    before = get_threads()
    words = ["bench", "conv", "--net", "tiny.h5", "--repeats", "1", "--batch", "2", "--threads", "3"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    head, *rows, total = out.split("\nThese numbers set the rules and the sizes")[0].splitlines()
    assert err == "" and head.startswith("tiny.h5, 2 x 16 x 16 pixels, threads: 3, kernels: ")
    assert len(rows) == 6 and rows[0].startswith("conv1_1 ") and total.startswith("all layers  taken ")
    assert out.splitlines()[-len(described()) :] == [f"  {line}" for line in described()]
    assert main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    numbers = said["numbers"]
    assert said["settings"]["input_shape"] == [2, 16, 16, 3] and numbers["threads"] == 3 and get_threads() == before
    assert numbers["total"]["taken"] >= numbers["total"]["fastest of each"] > 0
    assert numbers["tuning"] == described()
    assert all(row["taken"] in row["milliseconds"] for row in numbers["rows"])


def test_tuning_writes_what_is_faster_and_forgets_it(tmp_path, monkeypatch, capsys):
    path = tmp_path / "tuning.json"
    monkeypatch.setenv("MINIVIS_TUNING", str(path))
    monkeypatch.chdir(tmp_path)
    save(tiny_vgg(), "tiny.h5")
    fast = Comparison({"band_bytes": 2**22}, 0.8, 0.01, 9)
    monkeypatch.setattr(bench_tune, "tune", lambda works, seconds: iter([replace(fast, ratio=1.2), fast, fast]))
    assert main(["bench", "tune", "--net", "tiny.h5", "--minutes", "0.01"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1] == "band_bytes = 4,194,304: 0.800 +- 0.010  taken" and f"Written to {path}" in out
    assert tuned.load()["numbers"] == fast.numbers

    monkeypatch.setattr(bench_tune, "tune", lambda works, seconds: iter([fast, replace(fast, ratio=1.0)]))
    assert main(["bench", "tune", "--net", "tiny.h5", "--json", "--forget"]) == 0 and not path.exists()
    assert json.loads(capsys.readouterr().out)["numbers"] == {"forgotten": True}
    assert main(["bench", "tune", "--net", "tiny.h5", "--json"]) == 0 and not path.exists()       # by chance: not kept
    said = json.loads(capsys.readouterr().out)["numbers"]
    assert said["file"] is None and len(said["tried"]) == 2

    monkeypatch.setattr(bench_tune, "tune", lambda works, seconds: pytest.fail("measured what cannot be written"))
    monkeypatch.setenv("MINIVIS_TUNING", str(tmp_path / "tiny.h5" / "tuning.json"))
    for words in (["--net", "tiny.h5"], ["--forget"]):
        assert main(["bench", "tune", *words]) == 2 and "cannot be written" in capsys.readouterr().err

    monkeypatch.setenv("MINIVIS_TUNING", "off")
    assert main(["bench", "tune", "--forget"]) == 2
    assert "switches this machine's own numbers off" in capsys.readouterr().err


@pytest.mark.parametrize("words, shape", [((), (1, 16, 16, 3)), (("--size", "12,8"), (1, 12, 8, 3))])
def test_a_net_is_timed_on_pictures_of_its_size_or_the_one_given(tmp_path, monkeypatch, capsys, words, shape):
    monkeypatch.setenv("MINIVIS_TUNING", str(tmp_path / "tuning.json"))
    monkeypatch.chdir(tmp_path)
    save(tiny_vgg(), "tiny.h5")
    timed, slow = [], Comparison({"tiny": 1}, 1.5, 0.01, 9)
    monkeypatch.setattr(bench_tune, "passes", lambda net, shape: [shape])
    monkeypatch.setattr(bench_tune, "tune", lambda works, seconds: timed.append((works, seconds)) or iter([slow]))
    assert main(["bench", "tune", "--net", "tiny.h5", "--net", "tiny.h5", "--minutes", "0.5", *words]) == 0
    assert timed == [([shape, shape], 30)]
    times = lambda net, shape, repeats: timed.append((shape, repeats)) or []  # noqa: E731
    monkeypatch.setattr(bench_conv, "bench_conv", times)
    assert main(["bench", "conv", "--net", "tiny.h5", "--batch", "5", "--repeats", "7", *words]) == 0
    assert timed[1:] == [((5, *shape[1:]), 7)]
    assert f"tiny.h5, 5 x {shape[1]} x {shape[2]} pixels" in capsys.readouterr().out


def test_what_is_tuned_is_said(monkeypatch, capsys):
    tune(monkeypatch, band_bytes=2**20)
    assert any("(tuned for this machine; by default 2,097,152)" in line for line in described())
