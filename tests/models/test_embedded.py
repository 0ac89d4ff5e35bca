"""The embedded nets: that they are there, know what they were trained on, and see the goose."""

from pathlib import Path

import numpy as np
import pytest

import minivis as mv
from minivis.data.emoji.classes import CLASSES
from minivis.engine.layer_table import describe
from minivis.engine.surgery import for_inference
from minivis.training.recipes import BUILDERS
from minivis.weights.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
# right answers on the 200 clear pictures; measured: see weights/README
LEAST = {"emoji-vgg": 0.98, "emoji-alexnet": 0.97, "emoji-vgg-robust": 0.94}


@pytest.fixture(scope="module", params=LEAST)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def net(name):
    return mv.load(name)


def test_its_classes_are_the_emoji_by_name_and_alias(net):
    assert net.class_names == tuple(c.name for c in CLASSES)
    goldfish = mv.parse_unit(net, "goldfish")
    assert (goldfish.layer, goldfish.class_name) == ("fc8", "tropical fish")


def test_it_knows_the_200_pictures_on_backgrounds_it_never_saw(net, name):
    with np.load(ROOT / "tests" / "data" / "emoji.npz") as data:
        images, labels = data["images"], data["labels"]
    logits = net.forward(net.preprocess(images), keep=["fc8"], grad=None)["fc8"]
    assert (logits.argmax(axis=1) == labels).mean() > LEAST[name]


@pytest.mark.parametrize("name", [name for name in BUILDERS if CATALOGUE.get(name)])
def test_the_file_holds_the_net_that_training_builds(name):
    net = mv.load(name)
    built = for_inference(BUILDERS[name](len(net.class_names)))
    assert describe(net)["layers"] == describe(built)["layers"] and net.roles == built.roles
    assert net.preprocessing == built.preprocessing


def test_a_net_has_as_many_classes_as_its_data():
    found = {name: BUILDERS[name]().shapes()["prob"][1] for name in ("fashion-vgg", "digits-net", "vowels-net")}
    assert found == {"fashion-vgg": 10, "digits-net": 10, "vowels-net": 5}


def test_it_sees_a_goose_in_the_shipped_picture(net):
    image = mv.read_image(Path(mv.__file__).parent / "data" / "goose.png")
    prob = net.forward(net.preprocess(net.fit(image)))["prob"][0]
    assert net.class_names[prob.argmax()] == "goose"
    assert prob.max() > 0.9


def test_its_file_is_small_and_says_how_it_was_trained(net, name):
    assert CATALOGUE[name].find().stat().st_size < 6e6
    record = net.about["training"]
    assert record["command"].startswith("minivis train emoji")
    assert record["seconds"] > 0 and record["stages"][0]["seed"] == 0
    assert net.about["data"]["sha256"].startswith("0651aaa576b2937a")
    assert min(share for what, share in record["accuracy"].items() if "moved" not in what) > 0.3


def test_the_robust_net_is_harder_to_mislead_and_not_impossible():
    with np.load(ROOT / "tests" / "data" / "emoji.npz") as data:
        images, labels = data["images"][::8], data["labels"][::8]
    right = {}
    for name, eps in (("emoji-vgg", 4), ("emoji-vgg-robust", 4), ("emoji-vgg-robust", 24)):
        net = mv.load(name)
        moved = mv.pgd(net, images, label=labels, eps=eps, steps=5)
        answers = net.forward(net.preprocess(moved), keep=["fc8"], grad=None)["fc8"].argmax(axis=1)
        right[name, eps] = (answers == labels).mean()
    assert right["emoji-vgg-robust", 4] > right["emoji-vgg", 4] + 0.25
    assert right["emoji-vgg-robust", 24] < 0.1
    assert mv.load("emoji-vgg-robust").about["start"]["net"] == "emoji-vgg"


def test_emoji_alexnet_begins_with_oriented_edges_and_blobs_of_colour():
    w = mv.load("emoji-alexnet").layers["conv1"].params["w"]            # (7, 7, 3, 48)

    def alike(a, b):                            # correlation of a filter's pixels with their neighbours
        a, b = a.reshape(-1, w.shape[3]), b.reshape(-1, w.shape[3])
        return (a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))

    smooth = np.minimum(alike(w[1:], w[:-1]), alike(w[:, 1:], w[:, :-1])) > 0.2      # of noise: 0, spread 0.1
    assert smooth.mean() > 0.8                                          # measured: 0.94
    y, x = np.mgrid[-16:16, -16:16]
    energy = np.abs(np.fft.fftshift(np.fft.fft2(w, s=(32, 32), axes=(0, 1)), axes=(0, 1))) ** 2
    energy[16, 16] = 0
    turned = np.exp(2j * np.arctan2(y, x))[:, :, None, None]            # twice the angle: edges have no direction
    oriented = np.abs((energy * turned).sum(axis=(0, 1))) / energy.sum(axis=(0, 1))  # 1: one orientation, 0: all alike
    assert (oriented.max(axis=0) > 0.5).mean() > 0.5                    # measured: 0.69; of noise: 0
    grey = 3 * (w.mean(axis=2) ** 2).sum(axis=(0, 1)) / (w**2).sum(axis=(0, 1, 2))
    assert (grey < 0.25).sum() >= 8 and (grey > 0.75).sum() >= 8        # colours, and light and dark; measured: 18, 12


def test_plain_ascent_shows_the_class_in_the_robust_net_only():
    """12 steps up the logit from noise, no prior, no moves; the judge took no part."""
    judge, classes, named = mv.load("emoji-alexnet"), np.arange(0, 125, 10), {}
    rows = np.arange(len(classes))
    for name in ("emoji-vgg", "emoji-vgg-robust"):
        net, x = mv.load(name), 128 + 16 * np.random.default_rng(0).standard_normal((len(classes), 64, 64, 3))
        x = x.astype(np.float32)
        for _ in range(12):
            acts = net.forward(net.preprocess(x), until="fc8", keep=["fc8"])
            seed = np.zeros_like(acts["fc8"])
            seed[rows, classes] = 1
            up = net.preprocess_adjoint(net.backward(acts, {"fc8": seed})[0]["input"])
            x = np.clip(x + 4 * up / np.sqrt((up**2).mean(axis=(1, 2, 3), keepdims=True)), 0, 255)
        found = judge.forward(judge.preprocess(x), until="fc8", keep=["fc8"], grad=None)["fc8"].argmax(axis=1)
        named[name] = (found == classes).mean()
    assert named["emoji-vgg-robust"] > 0.8 > named["emoji-vgg"]          # under three kernels: 0.92 and 0.54


def test_every_role_is_played(net):
    for role in ("logits", "prob", "code", "content", "style", "dream"):
        played = net.role(role)
        for name in [played] if isinstance(played, str) else played:
            assert name in net.nodes


def test_emoji_vgg_has_the_names_of_a_vgg():
    net = mv.load("emoji-vgg")
    convs = [name for name in net.nodes if name.startswith("conv")]
    assert convs == ["conv1_1", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv4_1", "conv4_2"]
    assert [n for n in net.nodes if n.startswith("pool")] == ["pool1", "pool2", "pool3", "pool4"]
    assert list(net.nodes)[-6:] == ["fc6", "relu6", "fc7", "relu7", "fc8", "prob"]
    assert net.input_size == (64, 64)
