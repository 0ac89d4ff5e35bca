"""`minivis bench conv`, as a user types it."""

import json

from minivis.cli import main
from minivis.convolution.tuning import described
from minivis.models.tiny import tiny_vgg
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
