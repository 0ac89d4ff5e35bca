"""Neural style and texture: stated falls of the loss, what each option does, and what a mistake says."""


import numpy as np
import pytest
from channel_nets import channel_net, channel_picture
from commandline import scene

from minivis.engine.memory import PROGRAM
from minivis.errors import BadValue, TooLarge, UnknownName
from minivis.images.colour import luminance
from minivis.images.resampling import resized
from minivis.methods.synthesis.style import style_transfer, texture
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.optimize.budget import beside, needed
from minivis.optimize.problem import VECTORS
from minivis.optimize.update_rules import LBFGS, Adam
from minivis.optimize.watch import Watch


def stripes(height=30, width=40):
    """A picture of another manner: slanted stripes of two colours."""
    y, x = np.mgrid[:height, :width]
    return np.where(((y + x) % 8 < 4)[..., None], [230, 40, 30], [20, 30, 120]).astype(np.uint8)


@pytest.mark.parametrize("start", ["content", "noise"])
@pytest.mark.parametrize("net", [tiny_vgg(), tiny_branches(), tiny_vgg(channels=1)], ids=["vgg", "branches", "grey"])
def test_the_loss_falls(net, start):
    result = style_transfer(net, scene(), stripes(), steps=30, start=start)
    (run,) = result.runs
    assert run.loss < 0.3 * run.first_loss and run.steps == 30 and run.stopped == "all 30 steps done"
    assert sum(run.terms.values()) == pytest.approx(run.loss)
    assert result.picture().shape == (40, 60, 3) and result.numbers["loss"] == run.loss
    assert "all 30 steps done" in str(result) and result.stopped == run.stopped


def test_no_steps_give_the_start():
    np.testing.assert_array_equal(style_transfer(tiny_vgg(), scene(), stripes(), steps=0).picture(), scene())


def test_a_start_outside_the_levels_of_a_picture_is_brought_within():
    photo = scene(24, 32)
    outside, within = (style_transfer(tiny_vgg(), photo, stripes(), size=32, steps=1, method="adam",
                                      begin=np.broadcast_to(np.float32(colour), photo.shape))
                       for colour in ([-90, 400, 100], [0, 255, 100]))
    assert outside.numbers["loss_at_start"] == pytest.approx(within.numbers["loss_at_start"], rel=1e-4)
    np.testing.assert_allclose(outside.pixels, within.pixels, atol=1e-2)


def test_weights_decide_what_it_is_like():
    net = tiny_vgg()
    terms = {weight: style_transfer(net, scene(), stripes(), steps=30, style_weight=weight, tv_weight=0).runs[0].terms
             for weight in (0.1, 1000)}
    assert terms[0.1]["content(relu2_1)"] < 0.3 * terms[1000]["content(relu2_1)"]
    assert terms[1000]["style(relu1_1)"] / 1000 < 0.3 * terms[0.1]["style(relu1_1)"] / 0.1


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_a_texture_is_read_at_its_scale_and_made_at_its_size(monkeypatch, scale):
    sides = []
    monkeypatch.setattr("minivis.methods.synthesis.style.resized",
                        lambda picture, side: sides.append(side) or resized(picture, side))
    made = texture(tiny_vgg(), scene(32, 32), size=16, steps=1, style_scale=scale)
    assert made.pixels.shape == (16, 16, 3) and set(sides) == {16, 16 * scale}


def test_from_small_to_large():
    net = tiny_vgg()
    result = style_transfer(net, scene(), stripes(), size=(30, 60), steps=(20, 10))
    assert [run.pixels.shape for run in result.runs] == [(1, 20, 30, 3), (1, 40, 60, 3)]
    at_once = style_transfer(net, scene(), stripes(), size=60, steps=0)
    assert result.runs[1].first_loss < 0.6 * at_once.runs[0].first_loss
    assert [row["size"] for row in result.numbers["sizes"]] == [[30, 20], [60, 40]] and str(result).count("\n") == 1


@pytest.mark.parametrize("H, W", [(40, 60), (60, 40)])
def test_kept_colours_are_those_of_the_content(H, W):
    content = scene(H, W)
    result = style_transfer(tiny_vgg(), content, stripes(), steps=10, colours="kept")
    chroma = result.pixels - luminance(result.pixels)
    np.testing.assert_allclose(chroma, content - luminance(content.astype(float)), atol=1e-3)


def test_masks_put_each_style_in_its_place():
    net, flat = tiny_vgg(), np.full((40, 60, 3), 128, np.uint8)
    left = np.zeros((40, 60, 1), np.uint8)
    left[:, :30] = 255
    result = style_transfer(net, flat, [stripes(), flat], masks=[left, 255 - left], steps=60, style_weight=1000,
                            start="noise")
    roughness = abs(np.diff(result.pixels, axis=1)).mean(axis=(0, 2))
    assert roughness[:26].mean() > 2 * roughness[34:].mean()                # 3.06 times


@pytest.mark.parametrize("H, W", [(40, 60), (60, 40)])
def test_a_texture_behind_a_mask_leaves_the_rest_of_the_picture_as_it_is(H, W):
    mask = np.zeros((H, W, 1), np.uint8)
    mask[:, :20] = 255
    made = texture(tiny_vgg(), scene(H, W), mask=mask, steps=2).pixels
    np.testing.assert_allclose(made[:, 20:], scene(H, W)[:, 20:], atol=1e-3)
    assert abs(made[:, :20] - scene(H, W)[:, :20]).mean() > 5


def test_average_pooling_style_scale_and_blend_change_it():
    net = tiny_vgg()
    plain = style_transfer(net, scene(), stripes(), steps=8).pixels
    for settings in ({"pooling": "average", "style_layers": "pool2"}, {"style_scale": 0.5}, {"style_weight": 5.0}):
        assert abs(style_transfer(net, scene(), stripes(), steps=8, **settings).pixels - plain).mean() > 1
    alone = style_transfer(net, scene(), [stripes(), scene()], blend=[1, 0], steps=8).pixels
    np.testing.assert_allclose(alone, plain, atol=0.1)


def test_the_same_settings_make_the_same_bytes():
    first, again = (style_transfer(tiny_vgg(), scene(), stripes(), steps=5, start="noise", seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert (style_transfer(tiny_vgg(), scene(), stripes(), steps=5, start="noise", seed=4).pixels != first.pixels).any()


def test_tiles_change_nothing():
    net = tiny_vgg(dtype=np.float64)
    whole, tiled = (style_transfer(net, scene(), stripes(), steps=3, tile=tile) for tile in (None, 24))
    assert tiled.runs[0].loss == pytest.approx(whole.runs[0].loss, rel=1e-9)
    np.testing.assert_allclose(tiled.pixels, whole.pixels, rtol=0, atol=1e-6)


def test_texture_has_the_style_and_the_colours():
    result = texture(tiny_vgg(), stripes(), size=48, steps=40)
    (run,) = result.runs
    assert run.loss < 0.02 * run.first_loss and result.pixels.shape == (36, 48, 3)
    assert set(np.unique(result.pixels.round())) <= set(range(256))
    np.testing.assert_allclose(np.percentile(result.pixels, [5, 95], axis=(0, 1)),
                               np.percentile(stripes(), [5, 95], axis=(0, 1)), atol=2)
    free = texture(tiny_vgg(), stripes(), size=48, steps=40, histogram=False)
    np.testing.assert_array_equal(free.pixels, run.pixels[0])


def test_stopped_by_ctrl_c_it_returns_what_it_has():
    def interrupt(preview):
        if preview.step == 3:
            raise KeyboardInterrupt

    result = style_transfer(tiny_vgg(), scene(), stripes(), size=(30, 60), steps=20, watch=Watch(interrupt, every=1))
    assert result.stopped == "stopped by Ctrl-C" and len(result.runs) == 1
    assert result.runs[0].loss < result.runs[0].first_loss


def test_without_memory_it_takes_what_it_has(monkeypatch):
    """With just the bytes that a leaner way needs, it takes that way: in tiles, with a shorter history, by Adam."""
    net, shape = tiny_vgg(), (1, 40, 60, 3)
    monkeypatch.setattr("minivis.optimize.budget.TILE", 32)
    last = np.inf
    for tile, method, note in ((None, LBFGS(20), ""), (32, LBFGS(20), "in tiles of 32 pixels, as memory is short"),
                               (32, LBFGS(10), "in tiles of 32 pixels and with a history of 10, as"),
                               (32, LBFGS(3), "a history of 3"), (32, Adam(2.0), "by Adam instead of L-BFGS")):
        needs = needed(net, shape, ["relu1_1", "relu2_1"], method.vectors + beside(VECTORS, tile), tile, ["relu2_1"])
        assert needs < last
        last = needs
        result = style_transfer(net, scene(), stripes(), steps=6, memory=PROGRAM + 4 * net.parameter_count + needs)
        assert result.notes == (() if not note else result.notes) and note in str(result)
        assert result.runs[0].loss < 0.95 * result.runs[0].first_loss and result.runs[0].memory <= needs
        assert np.allclose(result.runs[0].first_loss, style_transfer(net, scene(), stripes(), steps=0).runs[0].loss)
    with pytest.raises(TooLarge, match=r"even in tiles of 32 pixels and by Adam.*make the longer side \d+ or less"):
        style_transfer(net, scene(), stripes(), steps=6, memory=PROGRAM + 4 * net.parameter_count + last - 1)


def test_a_resumed_run_of_several_sizes_goes_on_where_it_was(tmp_path):
    settings = {"size": (30, 60), "steps": 6}
    watch = Watch(lambda preview: preview.step == 3 and preview.pixels().shape[2] == 60, every=1,
                  checkpoint=str(tmp_path / "run"))
    half = style_transfer(tiny_vgg(), scene(), stripes(), watch=watch, **settings)
    assert [run.steps for run in half.runs] == [6, 3]
    asked = Watch(checkpoint=str(tmp_path / "run"), resume=True, film=100)
    rest = style_transfer(tiny_vgg(), scene(), stripes(), watch=asked, **settings)
    assert [run.steps for run in rest.runs] == [6] and rest.runs[0].loss < half.runs[-1].loss
    assert asked.resume and asked.runs == [6] and len(asked.frames) == 3        # it saw the run, and nobody changed it


@pytest.mark.parametrize("settings, error, message", [
    ({"content_layers": "relu9"}, UnknownName, "no layer named 'relu9'"),
    ({"style_layers": {"relu1_1": 0.0}}, BadValue, "are all 0"),
    ({"style_layers": "fc8"}, BadValue, "FullyConnected expects an input of 2 axes ending in 128"),
    ({"steps": -1}, BadValue, "steps must be a whole number of at least 0"),
    ({"steps": (3, 4)}, BadValue, "1 sizes and 2 numbers of steps"),
    ({"size": 0}, BadValue, "a size must be"),
    ({"size": ()}, BadValue, "size must be a whole number, or several, not"),
    ({"style_scale": 0}, BadValue, "style_scale must be a number above 0"),
    ({"style_weight": -1.0}, BadValue, "style_weight must be a number of at least 0"),
    ({"tv_weight": np.nan}, BadValue, "tv_weight must be a number of at least 0, not nan"),
    ({"start": "photo"}, UnknownName, "no start named 'photo'"),
    ({"colours": "old"}, UnknownName, "no colour mode named 'old'"),
    ({"pooling": "mean"}, UnknownName, "no kind of pooling named 'mean'"),
    ({"blend": [1, 2]}, BadValue, "1 styles and 2 weights"),
    ({"masks": []}, BadValue, "1 styles and 0 masks"),
])  # fmt: skip
def test_mistakes(settings, error, message):
    with pytest.raises(error, match=message):
        style_transfer(tiny_vgg(), scene(), stripes(), **settings)


def test_pictures_that_are_none():
    with pytest.raises(BadValue, match="a picture must be uint8"):
        style_transfer(tiny_vgg(), scene().astype(float), stripes(), steps=1)
    with pytest.raises(BadValue, match="a picture must be uint8"):
        style_transfer(tiny_vgg(), scene(), [stripes(), None], steps=1)
    with pytest.raises(BadValue, match="0 styles"):
        style_transfer(tiny_vgg(), scene(), [], steps=1)


def test_colours_of_four_channels_are_left_free_or_refused_before_the_work():
    net, picture, how = channel_net(4), channel_picture(4), {"content_layers": "relu2", "style_layers": "relu1"}
    assert style_transfer(net, picture, picture, colours="free", steps=1, **how).array.shape[2] == 4
    with pytest.raises(BadValue, match="these have 4 channels: leave the colours free"):
        style_transfer(net, picture, picture, colours="kept", steps=1, **how)
