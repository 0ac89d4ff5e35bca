"""Values by hand, exact inverses, the adjoint against its definition, and the geometry on a picture of known slope."""

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import (
    CAFFE_VGG,
    EFFICIENTNET_LITE,
    IDENTITY,
    PREPROCESSINGS,
    TORCH,
    UNIT,
    Box,
    Preprocessing,
    to_uint8,
)  # fmt: skip

GREY = Preprocessing("grey", mean=(73.0,), scale=(90.0,))
ODD_BGR = Preprocessing("BGR", mean=(1.0, 20.0, 300.0), scale=(2.0, 30.0, 0.5))
ALL = {"identity": IDENTITY, "unit": UNIT, "caffe": CAFFE_VGG, "torch": TORCH, "lite": EFFICIENTNET_LITE, "grey": GREY,
       "odd": ODD_BGR}
each = pytest.mark.parametrize("pre", ALL.values(), ids=ALL)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# --- values ---

@pytest.mark.parametrize("pre, expected", [
    (IDENTITY, [10, 20, 30]), (UNIT, [10 / 255, 20 / 255, 30 / 255]),
    (CAFFE_VGG, [30 - 103.939, 20 - 116.779, 10 - 123.68]),             # keras.applications.vgg16.preprocess_input
    (TORCH, [(10 / 255 - 0.485) / 0.229, (20 / 255 - 0.456) / 0.224, (30 / 255 - 0.406) / 0.225]),
    (EFFICIENTNET_LITE, [-117 / 128, -107 / 128, -97 / 128]),
    (GREY, [(0.299 * 10 + 0.587 * 20 + 0.114 * 30 - 73) / 90]),
    (ODD_BGR, [29 / 2, 0, -580]),
])
def test_values_by_hand(pre, expected):
    x = pre.preprocess(np.array([[[10, 20, 30]]], np.uint8), dtype=np.float64)
    assert x.shape == (1, 1, 1, pre.channels)
    np.testing.assert_allclose(x.ravel(), expected, rtol=0, atol=1e-12)


@each
def test_a_grey_picture_counts_as_its_grey_in_rgb(pre, rng):
    grey = rng.integers(0, 256, (4, 5, 1), np.uint8)
    got = pre.preprocess(grey, np.float64)
    assert got.shape == (1, 4, 5, pre.channels)
    np.testing.assert_allclose(got, pre.preprocess(np.repeat(grey, 3, axis=2), np.float64), atol=1e-12)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_batch_and_layout(pre, rng, dtype):
    images = rng.integers(0, 256, (2, 5, 4, 3), np.uint8)
    before = images.copy()
    x = pre.preprocess(images, dtype)
    assert x.dtype == dtype and x.flags.c_contiguous and x.shape == (2, 5, 4, pre.channels)
    np.testing.assert_array_equal(x[1:], pre.preprocess(images[1], dtype))
    np.testing.assert_array_equal(images, before)
    for result in (pre.deprocess(x), pre.preprocess_adjoint(x)):
        assert result.dtype == dtype and result.flags.c_contiguous
    np.testing.assert_allclose(x, pre.preprocess(images.astype(np.float64), np.float64), rtol=1e-5, atol=1e-4)


@each
def test_deprocess_is_the_exact_inverse(pre, rng):
    pixels = rng.uniform(-50, 300, (2, 3, 5, pre.channels))             # out of range on purpose: nothing is clipped
    np.testing.assert_allclose(pre.deprocess(pre.preprocess(pixels, np.float64)), pixels, rtol=0, atol=1e-12)
    x = rng.standard_normal((2, 3, 5, pre.channels))
    np.testing.assert_allclose(pre.preprocess(pre.deprocess(x), np.float64), x, rtol=0, atol=1e-12)


@each
def test_uint8_survives_a_round_trip_in_float32(pre):
    every = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), pre.channels, axis=2)
    np.testing.assert_array_equal(to_uint8(pre.deprocess(pre.preprocess(every)))[0], every)


@each
@pytest.mark.parametrize("channels", [1, 3])
def test_adjoint_is_the_transpose_of_the_linear_part(pre, rng, channels):
    pixels = rng.uniform(0, 255, (2, 3, 4, channels))
    linear = pre.preprocess(pixels, np.float64) - pre.preprocess(np.zeros_like(pixels), np.float64)
    dx = rng.standard_normal(linear.shape)
    back = pre.preprocess_adjoint(dx, channels)
    assert back.shape == pixels.shape
    np.testing.assert_allclose(np.vdot(linear, dx), np.vdot(pixels, back), rtol=1e-12)


def test_adjoint_defaults_to_the_nets_own_channels(rng):
    dx = rng.standard_normal((1, 2, 2, 3))
    np.testing.assert_array_equal(ODD_BGR.preprocess_adjoint(dx), ODD_BGR.preprocess_adjoint(dx, 3))
    assert GREY.preprocess_adjoint(dx[..., :1]).shape == (1, 2, 2, 1)
    assert IDENTITY.preprocess_adjoint(dx[0]).shape == (1, 2, 2, 3)     # a missing batch axis is added, as everywhere


def test_to_uint8_rounds_and_clips():
    assert to_uint8(np.array([-7, 0.4, 0.6, 254.7, 300, np.inf])).tolist() == [0, 0, 1, 255, 255, 255]
    assert to_uint8(np.array([-1, 7, 256])).tolist() == [0, 7, 255]
    assert to_uint8(np.array([9], np.uint8)).tolist() == [9]


@pytest.mark.parametrize("image, message", [
    (np.zeros((4, 4), np.uint8), r"pixels must be \(H, W, C\) or \(N, H, W, C\), not \(4, 4\)"),
    (np.zeros((4, 4, 4)), "reads pictures of 3 channels, and this one has 4$"),
    (np.zeros((0, 4, 3)), r"not \(1, 0, 4, 3\)"),
    (np.zeros((4, 4, 3), bool), "numbers in 0..255, not bool"), (np.zeros((4, 4, 3), complex), "not complex128"),
    (np.full((4, 4, 3), "a"), "not <U1"), (np.full((4, 4, 3), np.nan), r"infinite or NaN"),
    (np.full((4, 4, 3), np.inf), "infinite or NaN"),
])
def test_wrong_pixels(image, message):
    with pytest.raises(BadValue, match=message):
        TORCH.preprocess(image)


def test_wrong_values():
    with pytest.raises(BadValue, match=r"floats \(N, H, W, 3\), not float64 \(1, 2, 2, 1\)"):
        TORCH.deprocess(np.zeros((1, 2, 2, 1)))
    with pytest.raises(BadValue, match=r"floats \(N, H, W, 1\), not uint8"):
        GREY.preprocess_adjoint(np.zeros((1, 2, 2, 1), np.uint8))
    with pytest.raises(BadValue, match="3 channels, and this one has 4"):
        TORCH.preprocess_adjoint(np.zeros((1, 2, 2, 3)), 4)
    with pytest.raises(BadValue, match="a net's input must be floats, not uint8"):
        TORCH.preprocess(np.zeros((2, 2, 3)), np.uint8)
    for pixels, name in [(np.array([np.nan]), "float64"), (np.array([True]), "bool"), (np.array([1j]), "complex128")]:
        with pytest.raises(BadValue, match=f"real numbers, without NaN, not {name}"):
            to_uint8(pixels)


# --- geometry ---

def ramp(H, W):
    """(H, W, 3) whose red is the row and green the column, at the middle of the pixel, 2 a pixel."""
    rows, columns = np.mgrid[0:H, 0:W]
    return np.stack([2 * rows, 2 * columns, 0 * rows + 77], axis=-1).astype(np.uint8)


def seen(box, size):
    """Where the middles of the fitted picture's rows and columns lie in the original, by the box."""
    rows = box.top + (np.arange(size[0]) + 0.5) * box.height / size[0] - 0.5
    columns = box.left + (np.arange(size[1]) + 0.5) * box.width / size[1] - 0.5
    return rows, columns


@pytest.mark.parametrize("how", ["crop", "squash", "pad"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("H, W", [(90, 120), (120, 64), (41, 97)])
@pytest.mark.parametrize("size", [(32, 32), (24, 48), (48, 20), (110, 110)])
def test_the_box_is_what_the_fitted_picture_shows(how, interpolation, H, W, size):
    fitted, box = replace(IDENTITY, crop_fraction=0.875, interpolation=interpolation).fit_image(ramp(H, W), size, how)
    assert fitted.shape == (*size, 3) and fitted.dtype == np.uint8
    rows, columns = seen(box, size)
    inside = np.ix_((rows > 3) & (rows < H - 4), (columns > 3) & (columns < W - 4))
    expected = np.stack(np.broadcast_arrays(2 * rows[:, None], 2 * columns[None]), axis=-1)
    # half a pixel of rounding in the box, half a pixel of rounding where the padded picture begins: 2 grey levels each,
    # times what a pixel of the fitted picture spans
    slack = 1.5 if how != "pad" else 2 + 1.5 * max(box.height / size[0], box.width / size[1])
    assert fitted[inside].size > 100
    assert abs(fitted[inside][..., :2] - expected[inside]).max() <= slack


def test_geometry_by_hand():
    pre = replace(TORCH, size=(224, 224))
    assert pre.fit_image(ramp(100, 120))[1] == Box(7, 17, 87, 87)       # 0.875 of 100 is 87.5; (100 - 87 + 1) // 2
    assert pre.fit_image(ramp(100, 120), how="squash")[1] == Box(0, 0, 100, 120)
    assert pre.fit_image(ramp(112, 56), how="pad")[1] == Box(0, -28, 112, 112)
    assert pre.fit_image(ramp(64, 80), (32, 64))[1] == Box(15, 5, 35, 70)
    fitted, box = pre.fit_image(ramp(448, 448), how="crop")             # 392 pixels onto 224: no resampling of position
    assert box == Box(28, 28, 392, 392) and fitted.shape == (224, 224, 3)


def test_the_right_size_is_left_alone(rng):
    image = rng.integers(0, 256, (20, 30, 3), np.uint8)
    for pre in (replace(TORCH, size=(20, 30)), TORCH):                  # TORCH itself has no size: any size will do
        fitted, box = pre.fit_image(image)
        np.testing.assert_array_equal(fitted, image)
        assert box == Box(0, 0, 20, 30)


@pytest.mark.parametrize("pre, channels, color", [
    (CAFFE_VGG, 3, [124, 117, 104]), (CAFFE_VGG, 1, [117]), (GREY, 3, [73, 73, 73]), (GREY, 1, [73]),
])
def test_padding_has_the_mean_color(pre, channels, color):
    fitted, _ = pre.fit_image(np.full((10, 40, channels), 200, np.uint8), 40, "pad")
    assert fitted[0, 0].tolist() == color and fitted[-1, -1].tolist() == color
    assert (fitted[15:25] == 200).all() and (fitted[:15] == color).all() and (fitted[25:] == color).all()
    if channels == pre.channels:
        assert abs(pre.preprocess(fitted)[0, 0, 0] * pre.scale).max() <= 0.5    # nothing, to the net


@pytest.mark.parametrize("how", ["crop", "squash", "pad"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (5000, 1, 1), (1, 2, 1)])
def test_tiny_and_extreme_pictures(how, shape):
    fitted, box = replace(TORCH, size=(64, 48)).fit_image(np.full(shape, 99, np.uint8), how=how)
    assert fitted.shape == (64, 48, shape[2]) and box.height >= 1 and box.width >= 1 and (fitted == 99).any()


def test_nearest_invents_no_colors():
    image = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (31, 33, 3))
    fitted, _ = replace(UNIT, interpolation="nearest").fit_image(image, (20, 20))
    assert set(np.unique(fitted)) == {0, 255}


@pytest.mark.parametrize("size", [0, -3, (0, 5), (5, -1), (1.5, 2), (1, 2, 3), "ab", (True, 1), (float("inf"), 1)])
def test_wrong_sizes(size):
    with pytest.raises(BadValue, match=r"a size must be two whole numbers \(h, w\) of at least 1, not "):
        TORCH.fit_image(ramp(9, 9), size)
    with pytest.raises(BadValue, match="a size must be two whole numbers"):
        replace(TORCH, size=size)


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 2), np.uint8),
                                   np.zeros((0, 4, 3), np.uint8), np.zeros((1, 4, 4, 3), np.uint8)])
def test_only_pictures_are_fitted(image):
    with pytest.raises(BadValue, match=r"a picture must be uint8 \(H, W, C\), not |3 channels, and this one has 2"):
        TORCH.fit_image(image, 8)


# --- settings ---

@each
def test_json_round_trip(pre):
    pre = replace(pre, size=(7, 9))
    assert Preprocessing.from_dict(json.loads(json.dumps(pre.as_dict()))) == pre


def test_frozen_and_tidy():
    pre = Preprocessing(mean=[1, 2, 3], size=8)
    assert pre.mean == (1.0, 2.0, 3.0) and pre.size == (8, 8) and hash(pre) == hash(replace(pre))
    with pytest.raises(FrozenInstanceError):
        pre.how = "pad"


@pytest.mark.parametrize("settings, kind, message", [
    ({"channel_order": "RBG"}, UnknownName, "no channel order named 'RBG'; did you mean 'RGB'"),
    ({"how": "cropp"}, UnknownName, "no fit named 'cropp'; did you mean 'crop'"),
    ({"interpolation": "cubic"}, UnknownName, "no interpolation named 'cubic'; did you mean 'bicubic'"),
    ({"mean": (1.0,)}, BadValue, r"mean must be 3 finite numbers, one per channel, not \(1.0,\)"),
    ({"mean": 5}, BadValue, "mean must be 3 finite numbers, one per channel, not 5"),
    ({"channel_order": "grey"}, BadValue, "mean must be 1 finite number, one per channel"),
    ({"scale": (1, 2, float("nan"))}, BadValue, "scale must be 3 finite numbers"),
    ({"scale": (1, 0, 1)}, BadValue, "scale must not hold a zero"),
    ({"crop_fraction": 0}, BadValue, "crop_fraction is above 0 and at most 1, not 0"),
    ({"crop_fraction": 1.1}, BadValue, "not 1.1"), ({"crop_fraction": "x"}, BadValue, "not 'x'"),
    ({"size": (0, 1)}, BadValue, "a size must be two whole numbers"),
    ({"colour": 1}, UnknownName, "no setting of preprocessing named 'colour'"),
])
def test_wrong_settings_from_a_file(settings, kind, message):
    with pytest.raises(kind, match=message):
        Preprocessing.from_dict(IDENTITY.as_dict() | settings)


def test_wrong_files():
    with pytest.raises(BadValue, match=r"a dict of settings, not \[1\]"):
        Preprocessing.from_dict([1])
    with pytest.raises(BadValue, match="preprocessing lacks mean, scale"):
        Preprocessing.from_dict({"channel_order": "RGB"})


def test_unknown_way_to_fit():
    with pytest.raises(UnknownName, match=r"no fit named 'zoom'\. Choose from: crop, squash, pad"):
        TORCH.fit_image(ramp(9, 9), 4, "zoom")


# --- any number of channels ---

COUNTS = pytest.mark.parametrize("channels", [1, 2, 4, 13])


@COUNTS
def test_any_number_of_channels_by_hand(channels):
    mean, scale = range(10, 10 + channels), range(1, 1 + channels)
    pre = Preprocessing(mean=mean, scale=list(scale))
    assert pre.channels == channels and pre.channel_order == ("grey" if channels == 1 else "as given")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, channels), np.uint8)
    x = pre.preprocess(pixels, np.float64)
    np.testing.assert_allclose(x, (pixels - np.array(mean, float)) / np.array(scale))
    np.testing.assert_allclose(pre.deprocess(x), pixels)
    np.testing.assert_allclose(pre.preprocess_adjoint(x), x / np.array(scale))
    assert Preprocessing.from_dict(json.loads(json.dumps(pre.as_dict()))) == pre


@COUNTS
@pytest.mark.parametrize("how", ["crop", "squash", "pad"])
def test_any_number_of_channels_is_fitted_each_as_a_grey_picture(channels, how):
    pre = Preprocessing(mean=range(channels), how=how)
    image = np.random.default_rng(0).integers(0, 256, (20, 31, channels), np.uint8)
    fitted, box = pre.fit_image(image, (8, 9))
    for c in range(channels):
        alone, same = Preprocessing(mean=[c], how=how).fit_image(image[:, :, c : c + 1], (8, 9))
        np.testing.assert_array_equal(fitted[:, :, c], alone[:, :, 0])
        assert same == box


def test_a_picture_with_other_channels_is_refused_with_what_to_do():
    pre = Preprocessing(mean=[0] * 4, names=["red", "green", "blue", "near infrared"])
    with pytest.raises(BadValue, match=r"4 channels \(red, green, blue, near infrared\), and this one has 3; "):
        pre.preprocess(np.zeros((4, 4, 3)))
    with pytest.raises(BadValue, match=r"a \.npy file, as a TIFF, or for 4 channels as a PNG with transparency"):
        pre.fit_image(np.zeros((4, 4, 1), np.uint8))
    three = Preprocessing("as given", mean=[0] * 3)
    with pytest.raises(BadValue, match="reads pictures of 3 channels, and this one has 1"):
        three.preprocess(np.zeros((4, 4, 1)))           # no colours, so nothing is repeated
    with pytest.raises(BadValue, match="reads pictures of 1 channel, and this one has 4"):
        GREY.preprocess(np.zeros((4, 4, 4)))


@pytest.mark.parametrize("settings, message", [
    ({"mean": [0] * 4, "scale": [1] * 3}, "scale must be 4 finite numbers, one per channel"),
    ({"mean": [0] * 4, "names": ["a"]}, "names of channels are 4 strings"),
    ({"mean": [0] * 4, "names": [1, 2, 3, 4]}, "names of channels are 4 strings"),
    ({"mean": [0] * 4, "show": (1, 2, 5)}, "three numbers from 1 to 4, for red, green and blue"),
    ({"mean": [0] * 4, "show": (0, 1, 2)}, "three numbers from 1 to 4"),
    ({"mean": [0] * 4, "show": (1, 2)}, "three numbers from 1 to 4"),
])  # fmt: skip
def test_wrong_channels(settings, message):
    with pytest.raises(BadValue, match=message):
        Preprocessing(**settings)


def test_what_is_drawn():
    pixels = np.arange(13, dtype=np.uint8).reshape(1, 1, 13)
    pre = Preprocessing(mean=[0] * 13)
    assert pre.shown(pixels).tolist() == [[[0, 1, 2]]]
    assert replace(pre, show=(3, 2, 1)).shown(pixels).tolist() == [[[2, 1, 0]]]
    assert replace(pre, show=13).shown(pixels).tolist() == [[[12]]]
    named = replace(pre, names=["blue", "Green", "red", *"abcdefghij"])
    assert named.shown(pixels).tolist() == [[[2, 1, 0]]]
    assert GREY.shown(pixels[..., :3]).tolist() == [[[0, 1, 2]]]        # a picture in colours, beside a grey net
    assert replace(TORCH, show=(3, 2, 1)).shown(pixels[..., :3]).tolist() == [[[2, 1, 0]]]


def test_a_preprocessing_for_as_many_channels_as_a_net_reads(tmp_path):
    assert UNIT.of_channels(4).scale == (255.0,) * 4 and UNIT.of_channels(1).channel_order == "grey"
    assert UNIT.of_channels(3) is UNIT and UNIT.of_channels(4).crop_fraction == 1
    with pytest.raises(BadValue, match=r"is for 3 channels, and the net reads 4: name 4 means and scales in a \.json"):
        TORCH.of_channels(4)
    for uneven in ({"mean": (1, 1, 2)}, {"scale": (1, 2, 1)}):
        with pytest.raises(BadValue, match="this preprocessing is for 3 channels, and the net reads 4"):
            Preprocessing("RGB", **uneven).of_channels(4)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"mean": [1, 2, 3, 4], "scale": [5, 6, 7, 8], "show": [4, 2, 1]}))
    assert Preprocessing.named(str(path)) == Preprocessing(mean=(1, 2, 3, 4), scale=(5, 6, 7, 8), show=(4, 2, 1))
    path.write_text("[1]")
    with pytest.raises(BadValue, match="a dict of settings"):
        Preprocessing.named(path)


def test_names_and_a_choice_change_no_file_that_has_none():
    assert "names" not in TORCH.as_dict() and "show" not in TORCH.as_dict()
    assert replace(TORCH, show=(3, 2, 1)).as_dict()["show"] == [3, 2, 1]


def test_a_name_stands_for_what_is_known_by_it():
    for name, known in PREPROCESSINGS.items():
        assert Preprocessing.named(name) is known and Preprocessing.named(known) is known
    with pytest.raises(UnknownName, match="no preprocessing named 'torsh'; did you mean 'torch'"):
        Preprocessing.named("torsh")
