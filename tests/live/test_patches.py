"""The places in the sample pictures that excite a unit most, asked for over a real socket."""


import numpy as np
import pytest
from commandline import scene
from live_server import picture_file

import minivis as mv
from minivis.data.samples import Samples
from minivis.figures.colormaps import display_limit
from minivis.live.asked import Asked, Stopped
from minivis.live.desk import Desk
from minivis.live.map_bytes import signed_bytes
from minivis.live.messages import opened
from minivis.live.microscope import Microscope
from minivis.live.patches import Peaks, resized, sheet, show_patches

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)


@pytest.fixture(scope="module")
def scope(net):
    return Microscope(net)


def pictures(rng, count):
    return rng.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


def test_the_largest_values_of_each_channel_are_found_where_they_are(net, scope, rng):
    images = pictures(rng, 25)
    peaks = Peaks(scope, images, count=4)
    peaks.all(lambda part: None)
    for layer in ("relu1_2", "fc7"):
        maps = [net.forward(net.preprocess(net.fit(image)))[layer][0] for image in images]
        for channel in (0, 3):
            most = np.array([m[..., channel].max() for m in maps])
            order = [int(k) for k in np.argsort(-most, kind="stable")[:4] if most[k] > 0]
            found = peaks.of(layer, channel)
            assert [picture for _, picture, _, _ in found] == order
            for value, picture, row, column in found:
                whole = maps[picture] if maps[picture].ndim == 3 else maps[picture].reshape(1, 1, -1)
                assert value == pytest.approx(float(whole[row, column, channel]), rel=1e-5)
                assert value == pytest.approx(float(most[picture]), rel=1e-5)


def test_only_the_largest_are_remembered(scope, rng):
    """10 bytes for each of nine peaks of a channel and of its three least, however many pictures there are."""
    peaks = Peaks(scope, pictures(rng, 30))
    found = peaks.all(lambda part: None)
    channels = sum(parts[0].shape[1] for parts in found.values())
    kept = [part for layers in (found, peaks.lowest) for parts in layers.values() for part in parts]
    assert sum(part.nbytes for part in kept) == channels * (9 + 3) * 10


def test_the_least_values_of_a_channel_are_found_where_they_are(net, scope, rng):
    images = pictures(rng, 8)
    peaks = Peaks(scope, images)
    peaks.all(lambda part: None)
    for layer in ("conv1_2", "fc8"):
        maps = [net.forward(net.preprocess(net.fit(image)))[layer][0] for image in images]
        least = [float(m[..., 1].min()) for m in maps]
        found = peaks.least(layer, 1)
        assert [value for value, *_ in found] == pytest.approx(sorted(least)[:3], rel=1e-5)
        for value, picture, row, column in found:
            whole = maps[picture] if maps[picture].ndim == 3 else maps[picture].reshape(1, 1, -1)
            assert value == pytest.approx(float(whole[row, column, 1]), rel=1e-5)


def test_who_asks_after_another_was_stopped_goes_on_where_it_stopped(scope, rng):
    peaks = Peaks(scope, pictures(rng, 6))

    def impatient(part):
        if part >= 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        peaks.all(impatient)
    assert peaks.done == 3
    told = []
    peaks.all(told.append)
    assert told == [0.5, 4 / 6, 5 / 6] and peaks.done == 6


def test_the_strongest_so_far_are_shown_while_the_pictures_are_gone_through(net):
    """Among the first 9, 18, 36, ...; who asks after another one sees at once what was found for that one."""
    desk = Desk({"net": net}, Samples())
    desk.close()
    bench, told = desk.bench("net"), []

    def tell(message, part="result"):
        if isinstance(message, bytes):
            told.append(opened(message)[0])
        return False

    def shown(unit):
        told.clear()
        show_patches(bench, Asked(bench, None, 0, unit), tell)
        return [round(200 * message["part"]) for message in told if message["type"] == "patches"]

    def impatient(part):
        if part >= 50 / 200:
            raise Stopped

    with pytest.raises(Stopped):
        bench.peaks.all(impatient)
    assert shown("relu1_1:1") == [50, 100, 200] and shown("relu1_1:1") == [200]
    del bench.peaks
    assert shown("relu1_1:2") == [9, 18, 36, 72, 144, 200]
    peaks = [float(net.forward(net.preprocess(net.fit(picture)), until="relu1_1")["relu1_1"][..., 2].max())
             for picture in desk.samples.images]
    for message in told[:6]:
        first = peaks[: round(200 * message["part"])]
        np.testing.assert_allclose(message["values"], np.sort(first)[::-1][:9], rtol=1e-5)


def test_patches_come_from_the_pictures_where_the_unit_is_strongest(net, server, watcher):
    """And they need no picture of the viewer's own: a server that has just started again has none."""
    watcher.send(type="job", job="patches", unit="relu1_1:2")
    found = watcher.next("patches", unit="relu1_1:2", part=1)
    samples = server[1].desk.samples.images
    peaks = [float(net.forward(net.preprocess(net.fit(s)), until="relu1_1")["relu1_1"][..., 2].max()) for s in samples]
    np.testing.assert_allclose(found["values"], np.sort(peaks)[::-1][:9], rtol=1e-5)
    least = sorted(float(net.forward(net.preprocess(net.fit(s)), until="conv1_1")["conv1_1"][..., 2].min())
                   for s in samples)                                                # behind the ReLU all would be 0
    np.testing.assert_allclose(found["least"]["values"], least[:3], rtol=1e-5)
    assert found["least"]["layer"] == "conv1_1"
    assert found["tiles"].shape == (9, 64, 64, 3)
    assert len(found["places"]) == len(found["values"])
    for place, tile in zip(found["places"], found["tiles"]):
        whole = net.fit(samples[place["picture"]]).image
        top, left, height, width = (round(part * len(whole)) for part in place["box"])
        np.testing.assert_array_equal(resized([whole[top : top + height, left : left + width]], 64)[0], tile)


def test_the_patterns_of_a_layer_are_the_first_patches_of_its_units(net, server, watcher):
    watcher.send(type="job", job="patterns", unit="relu1_1:0")
    found = watcher.next("patterns", layer="relu1_1")
    assert found["sheet"].shape == (6, 32, 32, 3)
    watcher.send(type="job", job="patches", unit="relu1_1:2")
    place = watcher.next("patches", unit="relu1_1:2", part=1)["places"][0]
    whole = net.fit(server[1].desk.samples.images[place["picture"]]).image
    top, left, height, width = (round(part * len(whole)) for part in place["box"])
    np.testing.assert_array_equal(found["sheet"][2],
                                  resized([whole[top : top + height, left : left + width]], 32)[0])


def test_who_asks_for_the_patterns_of_a_layer_still_gets_the_patches_of_a_unit_elsewhere(net, server, watcher):
    """Both wait for the same sweep over the sample pictures, and neither takes the other's place."""
    watcher.send(type="job", job="patches", unit="fc8:1")
    watcher.send(type="job", job="patterns", unit="relu2_1:0")
    found = set()
    while not {"patches", "patterns"} <= found:
        found.add(watcher.receive()[0]["type"])


def test_nobody_waits_for_the_patches_of_all_units_of_a_layer_to_end(net):
    """Of a thousand classes they take a while: who asked is told how far they are, and may stop them anywhere."""
    desk = Desk({"net": net}, Samples())
    desk.close()
    bench, told = desk.bench("net"), []
    units, pictures = net.shapes()["fc7"][-1], len(desk.samples.images)
    assert sheet(bench, "fc7", told.append).shape == (units, 32, 32, 3)
    assert told == [k / pictures for k in range(pictures)] + [k / units for k in range(units)]

    def stop(part):
        raise Stopped

    with pytest.raises(Stopped):
        sheet(bench, "fc8", stop)


def test_each_patch_is_drawn_back_under_deconvnet_and_guided_backprop(net, server, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="job", job="patches", unit="relu2_1:1")
    patches = watcher.next("patches", unit="relu2_1:1", part=1)
    found = watcher.next("patches_back", unit="relu2_1:1")
    assert found["rules"] == ["deconv", "guided"] and found["tiles"].shape == (2, len(patches["values"]), 64, 64, 3)
    place = patches["places"][0]
    x = net.preprocess(net.fit(server[1].desk.samples.images[place["picture"]]))
    acts = net.forward(x)
    row, column = np.unravel_index(acts["relu2_1"][0, ..., 1].argmax(), acts["relu2_1"].shape[1:3])
    dacts, _ = net.backward(acts, mv.one_hot(acts, f"relu2_1:1@{row},{column}"), relu_rule="guided")
    gradient = net.preprocess_adjoint(dacts["input"])[0]
    top, left, height, width = (round(part * len(gradient)) for part in place["box"])
    patch = gradient[top : top + height, left : left + width]
    wanted = resized([signed_bytes(patch, display_limit(patch))], 64)[0]
    np.testing.assert_array_equal(found["tiles"][1, 0], wanted)


def test_a_small_patch_keeps_its_squares_and_a_large_one_is_shrunk():
    small = np.array([[0, 100], [200, 50]], np.uint8)[..., None].repeat(3, axis=2)
    large = np.kron(small, np.array([[1, 0], [0, 1]], np.uint8)[..., None])          # half of each block is black
    np.testing.assert_array_equal(resized([small], 4)[0], small.repeat(2, axis=0).repeat(2, axis=1))
    np.testing.assert_array_equal(resized([large], 2)[0], small // 2)
