"""What takes longer than a picture may, asked for over a real socket."""

import numpy as np
import pytest
from commandline import scene
from live_server import picture_file

import minivis as mv
from minivis.engine.units import Unit
from minivis.layers.rules import RULES
from minivis.live.jobs import resized, source_of_unit
from minivis.models.tiny import tiny_vgg

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)


def test_jobs_on_the_last_picture(net, watcher):
    picture = scene()
    watcher.show(picture_file(picture))
    watcher.next("frame")
    watcher.send(type="job", job="saliency")
    found = watcher.next("heat", job="saliency")
    wanted = mv.saliency(net, picture).maps[0]
    np.testing.assert_allclose(heat_of(found), wanted, atol=wanted.max() / 250)
    watcher.send(type="job", job="occlusion", unit="fc8:1")
    found = watcher.next("heat", job="occlusion")
    wanted = mv.occlusion(net, picture, "fc8:1").maps[0]
    np.testing.assert_allclose(heat_of(found), wanted, atol=abs(wanted).max() / 250)


def heat_of(message):
    return (message["map"].astype(float) - 128) / 127 * message["limit"]


def test_patches_come_from_the_pictures_where_the_unit_is_strongest(net, server, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="job", job="patches", unit="relu1_1:2")
    found = watcher.next("patches", unit="relu1_1:2")
    samples = server[1].desk.samples.images
    peaks = [float(net.forward(net.preprocess(net.fit(s)), until="relu1_1")["relu1_1"][..., 2].max()) for s in samples]
    np.testing.assert_allclose(found["values"], np.sort(peaks)[::-1][:9], rtol=1e-5)
    assert found["tiles"].shape == (9, 64, 64, 3) and found["sheet"].shape == (6, 32, 32, 3)


@pytest.mark.parametrize("job", ["maximize", "grow"])
def test_a_picture_grows_before_the_viewers_eyes(job, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="job", job=job, unit="relu2_1:3")
    first = watcher.next("grown", job=job)
    last = watcher.next("grown", job=job, step=first["steps"])
    assert last["picture"].shape == (16, 16, 3)
    assert last["value"] > first["value"]


def test_explain_a_number(net, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="explain", unit="conv2_1:3")
    found = watcher.next("explained")
    acts = net.forward(net.preprocess(net.fit(scene())))
    assert found["value"] == pytest.approx(float(acts["conv2_1"][0, :, :, 3].max()), rel=1e-5)
    assert set(found["backward"]["rules"]) == set(RULES)


def test_a_small_patch_keeps_its_squares_and_a_large_one_is_shrunk():
    small = np.array([[0, 100], [200, 50]], np.uint8)[..., None].repeat(3, axis=2)
    large = np.kron(small, np.array([[1, 0], [0, 1]], np.uint8)[..., None])          # half of each block is black
    np.testing.assert_array_equal(resized([small], 4)[0], small.repeat(2, axis=0).repeat(2, axis=1))
    np.testing.assert_array_equal(resized([large], 2)[0], small // 2)


def test_what_is_climbed_for_a_unit_lies_below_its_relus_and_before_the_softmax():
    net = tiny_vgg()
    assert source_of_unit(net, Unit("pool1", 3)) == Unit("conv1_2", 3)
    assert source_of_unit(net, Unit("relu6", 3)) == Unit("fc6", 3)
    assert source_of_unit(net, Unit("prob", 3)) == Unit("fc8", 3)
    assert source_of_unit(net, Unit("pool1", 3, (1, 2))) == Unit("pool1", 3, (1, 2))
