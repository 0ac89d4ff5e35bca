"""`minivis weights list | fetch | import | normalize` as a user types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from foreign_files import write_safetensors
from vgg_nets import narrow_vgg

import minivis as mv
from minivis.cli import main
from minivis.models.tiny import tiny_vgg
from minivis.weights import catalogue
from minivis.weights.native import save

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "weights"


def run(capsys, *words, code=0):
    assert main(list(words)) == code
    out, err = capsys.readouterr()
    assert code == 0 or err.count("\n") == 1
    return out if code == 0 else err


def test_list_says_where_each_net_is_or_how_to_get_it(capsys, folder, monkeypatch):
    monkeypatch.setattr(catalogue, "folders", lambda: [folder])
    folder.mkdir()
    save(tiny_vgg(), folder / "vgg16.h5")
    size, lines = (folder / "vgg16.h5").stat().st_size, run(capsys, "weights", "list").splitlines()
    first = lines.index(next(line for line in lines if line.startswith("vgg16: ")))
    assert lines[first + 1].endswith(f"; CC BY 4.0, {size / 1e6:.1f} MB")
    assert lines[first + 2] == f"    at {folder / 'vgg16.h5'}"
    assert lines[first + 3].startswith("vgg19: ") and lines[first + 4].endswith("; CC BY 4.0, 574.7 MB")
    assert lines[first + 5].startswith("    not here: minivis weights fetch vgg19 (575 MB), or save https://")
    found = {net["name"]: net for net in json.loads(run(capsys, "weights", "list", "--json"))["numbers"]["nets"]}
    assert (found["vgg16"]["path"], found["vgg16"]["bytes"]) == (str(folder / "vgg16.h5"), size)
    assert (found["vgg19"]["path"], found["vgg19"]["bytes"]) == (None, 574_710_816)


def test_import_makes_a_file_that_is_found_by_name(capsys, folder):
    out = run(capsys, "weights", "import", str(GOLDEN / "nets_resnet18.pth"))
    assert "architecture: ResNet-18 (torchvision's)" in out and "name them with --preprocess" in out
    net = mv.load("nets_resnet18")
    assert catalogue.locate("nets_resnet18") == folder / "nets_resnet18.h5"
    assert net.about["architecture"].startswith("ResNet-18")
    assert "exists and is kept" in run(capsys, "weights", "import", str(GOLDEN / "nets_resnet18.pth"), code=2)
    run(capsys, "weights", "import", str(GOLDEN / "nets_resnet18.pth"), "--force", "-q")


def test_import_with_everything_said(capsys):
    Path("names.txt").write_text("\n".join("abcdefg\n"), "utf-8")
    said = ["--classes", "names.txt", "--preprocess", "tensorflow", "-o", "g.h5", "--half", "--json"]
    found = json.loads(run(capsys, "weights", "import", str(GOLDEN / "nets_GoogLeNet.caffemodel"), *said))
    assert found["numbers"]["classes"] == 7 and found["files"] == ["g.h5"]
    net = mv.load("g.h5")
    assert net.class_names == tuple("abcdefg") and net.preprocessing.mean == (127.5,) * 3


def test_import_as_keras_notop_is_found_by_the_name_of_the_catalogue(capsys, folder):
    save(narrow_vgg(), "mine.h5")
    out = run(capsys, "weights", "import", "mine.h5", "--layout", "keras-notop")
    assert "format: Keras 2 HDF5, weights\n" in out and "architecture: VGG16" in out
    assert catalogue.locate("vgg16-notop") == folder / "vgg16-notop.h5"
    got, net = mv.load("vgg16-notop"), mv.load("mine.h5")
    np.testing.assert_array_equal(got.layers["conv5_3"].params["w"], net.layers["conv5_3"].params["w"])
    assert "exists and is kept" in run(capsys, "weights", "import", "mine.h5", "--layout", "keras-notop", code=2)
    resnet = str(GOLDEN / "nets_resnet18.pth")
    assert "does not begin with the convolutions of a VGG" in run(
        capsys, "weights", "import", resnet, "--layout", "keras-notop", code=2)
    assert [file.name for file in folder.iterdir()] == ["vgg16-notop.h5"]


def test_import_expects(capsys, folder):
    """What a net must answer: the proof in the file, or exit code 2 and no file."""
    golden = str(GOLDEN / "nets_resnet18.pth")
    net = mv.load(golden)
    x = np.random.default_rng(0).standard_normal((2, 32, 40, 3)).astype("f4")
    acts = net.forward(x, grad=None)
    np.save("x.npy", x.transpose(0, 3, 1, 2))
    np.save("bgr.npy", x[..., ::-1])
    np.save("y.npy", acts[net.roles["logits"]])
    np.save("c.npy", acts["conv1"])
    run(capsys, "weights", "import", golden, "--expect", "x.npy", "y.npy", "conv1=c.npy", "-o", "a.h5")
    assert mv.load("a.h5").about["proof"].startswith("compared with y.npy, conv1 for x.npy: off by ")
    out = run(capsys, "weights", "import", "--expect=x.npy", "y.npy", golden, "-o", "b.h5", "--json")
    assert json.loads(out)["numbers"]["expected"][net.roles["logits"]] < 1e-5
    said = run(capsys, "weights", "import", golden, "--expect", "bgr.npy", "y.npy", "-o", "c.h5", code=2)
    assert "does not give what y.npy holds" in said and "channels of x were in reverse order" in said
    assert not Path("c.h5").exists() and "requires an argument" in run(
        capsys, "weights", "import", golden, "--expect", code=2)


@pytest.mark.parametrize("ending", [".npz", ".npy"])
def test_a_file_of_arrays_is_what_is_imported_unless_it_follows_expect(capsys, ending):
    net = mv.load(str(GOLDEN / "nets_resnet18.pth"))
    x = np.random.default_rng(0).standard_normal((1, 32, 32, 3)).astype("f4")
    np.save("x.npy", x.transpose(0, 3, 1, 2))
    np.save("y.npy", net.forward(x, grad=None)[net.roles["logits"]])
    name = f"net{ending}"
    Path(name).write_bytes(b"nothing of the kind")
    expect = ["--expect", "x.npy", "y.npy"]
    for words in ([name], [name, *expect], ["-q", name], [*expect, "-q", name]):
        assert name in run(capsys, "weights", "import", *words, code=2)


def test_import_refuses(capsys):
    golden = str(GOLDEN / "nets_vgg16.pth")
    assert "there is no file" in run(capsys, "weights", "import", "missing.pth", code=2)
    assert "no architecture named 'vgg'" in run(capsys, "weights", "import", golden, "--arch", "vgg", code=2)
    Path("names.txt").write_bytes(b"\xff\xfe\x00")
    assert "is not a text in UTF-8" in run(capsys, "weights", "import", golden, "--classes", "names.txt", code=2)
    Path("weights.bin").write_bytes(b"nothing of the kind")
    assert "minivis" in run(capsys, "weights", "import", "weights.bin", code=2)
    assert not list(Path("weights").iterdir())


def test_inspect_reads_foreign_files(capsys):
    found = run(capsys, "weights", "inspect", str(GOLDEN / "nets_vgg13_bn.pth"))
    assert "PyTorch state dict (before 1.6)" in found and "VGG13-BN" in found
    assert "inception_3a/output" in run(capsys, "inspect", str(GOLDEN / "nets_GoogLeNet.caffemodel"))
    assert "VGG16 (torch" in run(capsys, "weights", "inspect", str(GOLDEN / "nets_vgg16.pth"), "--preprocess", "caffe")


def test_fetch_offline(capsys):
    assert "--offline keeps minivis" in run(capsys, "weights", "fetch", "googlenet", "--offline", code=2)
    assert "no net named" in run(capsys, "weights", "fetch", "nothing", "--offline", code=2)


def test_a_table_to_start_from_reads_the_file_it_was_guessed_from(capsys, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"conv.weight": rng.standard_normal((4, 3, 3, 3)), "conv.bias": rng.standard_normal(4),
              "fc.weight": rng.standard_normal((2, 4 * 4 * 4)), "fc.bias": rng.standard_normal(2)}  # fmt: skip
    arrays = {name: array.astype("f4") for name, array in arrays.items()}
    file = write_safetensors(tmp_path / "own.safetensors", arrays)
    said = run(capsys, "weights", "table", str(file))
    assert "5 layers, of which 3 hold guesses" in said and "pictures are 8 x 8" in said and "--arch own.json" in said
    assert mv.load(file, arch="own.json").shapes()["fc"] == (1, 2)
    assert "own.json" in run(capsys, "weights", "table", str(file), code=2)                  # it is there already
    assert "describes its own layers" in run(capsys, "weights", "table", save_tiny(), code=2)


def save_tiny():
    save(tiny_vgg(), "tiny.h5")
    return "tiny.h5"


def test_normalize(capsys):
    save(tiny_vgg(), "tiny.h5")
    out = run(capsys, "weights", "normalize", "tiny.h5", "-o", "new.h5")
    assert "mean activation 1 on 1 picture\n" in out
    before, after = mv.load("tiny.h5"), mv.load("new.h5")
    x = np.random.default_rng(0).standard_normal((1, 16, 16, 3), dtype=np.float32)
    np.testing.assert_allclose(after.forward(x)["fc8"], before.forward(x)["fc8"], rtol=1e-4, atol=1e-5)
    resnet = str(GOLDEN / "nets_resnet18.pth")
    assert "plain sequence" in run(capsys, "weights", "normalize", resnet, "-o", "a.h5", code=2)
