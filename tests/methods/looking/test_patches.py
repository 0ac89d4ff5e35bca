"""The strongest patches, against a search of every place of every picture; receptive fields; stopping and going on."""

from dataclasses import replace

import numpy as np
import pytest

import minivis as mv
from minivis.errors import BadFile, BadValue, UnknownName
from minivis.figures.compose import signed
from minivis.methods.looking.patches import top_patches
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.sweeps import sweep as sweeping
from minivis.sweeps import tops


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 4)


@pytest.fixture
def images(rng):
    return list(rng.integers(0, 256, (10, 16, 16, 3), dtype=np.uint8))


def answers(net, images, layer):
    return np.concatenate([net.forward(net.preprocess(image), until=layer)[layer] for image in images])


def test_are_the_strongest_places(images):
    net = tiny_vgg()
    found = top_patches(net, images, "conv2_1", k=4, maps=())
    maps = answers(net, images, "conv2_1")                                      # (10, 8, 8, 8)
    for unit, patches in zip(found.units, found.patches):
        best = maps[..., unit].reshape(10, -1).max(axis=1)
        assert [p.number for p in patches] == np.argsort(-best, kind="stable")[:4].tolist()
        for p in patches:
            assert p.value == pytest.approx(maps[p.number, p.row, p.column, unit], rel=1e-5)
            assert p.value == pytest.approx(maps[p.number, ..., unit].max(), rel=1e-5)
            assert p.box == net.receptive_field("conv2_1").box(p.row, p.column, (16, 16))


def test_the_patch_is_all_that_the_unit_sees(images, rng):
    """Pixels outside do not move it; those at the box's corners do, but where its windows leave the picture."""
    net = tiny_vgg()
    for p in top_patches(net, images, "conv2_1", [5], k=6, maps=()).patches[0]:
        top, left, bottom, right = p.box
        outside = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        outside[top:bottom, left:right] = images[p.number][top:bottom, left:right]
        assert answers(net, [outside], "conv2_1")[0, p.row, p.column, 5] == pytest.approx(p.value, rel=1e-4)
        acts = net.forward(net.preprocess(images[p.number]))
        dacts, _ = net.backward(acts, mv.one_hot(acts, f"conv2_1:5@{p.row},{p.column}"))
        rows, columns = np.nonzero(dacts["input"][0].any(axis=-1))
        assert rows.min() >= top and rows.max() < bottom and columns.min() >= left and columns.max() < right


def test_several_of_one_picture_lie_half_a_field_apart(images):
    net = tiny_vgg()
    field = net.receptive_field("relu1_2")                                      # 5 x 5 pixels, stride 1
    found = top_patches(net, images[:2], "relu1_2", k=8, per_picture=4, maps=())
    maps = answers(net, images[:2], "relu1_2").astype(np.float64)
    for unit, patches in zip(found.units, found.patches):
        expected = []
        for number, values in enumerate(maps[..., unit].copy()):
            for _ in range(4):
                row, column = np.unravel_index(values.argmax(), values.shape)
                expected.append((values[row, column], number, row, column))
                rows, columns = np.mgrid[:16, :16]
                values[(abs(rows - row) < 2.5) & (abs(columns - column) < 2.5)] = -np.inf
        expected = sorted((e for e in expected if np.isfinite(e[0]) and e[0] != 0), key=lambda e: -e[0])
        assert [(p.number, p.row, p.column) for p in patches] == [e[1:] for e in expected]
    assert field.size == (5, 5)


def test_equal_places_count_in_order(images):
    found = top_patches(tiny_vgg(), [images[0]] * 9, "relu1_1", [2], k=3, maps=())
    assert [p.number for p in found.patches[0]] == [0, 1, 2]


def test_beside_each_stands_the_gradient_of_that_very_place(images, monkeypatch):
    monkeypatch.setattr("minivis.methods.looking.patches.tile_scale", lambda cell, count: 1)
    net = tiny_vgg()
    found = top_patches(net, images, "relu2_1", [1, 6], k=3)
    for i, unit in enumerate(found.units):
        for p, *tiles in zip(found.patches[i], *(found.tiles[kind][i] for kind in ("patch", "deconv", "guided"))):
            top, left, bottom, right = p.box
            asked = mv.backprop(net, images[p.number], f"relu2_1:{unit}@{p.row},{p.column}")
            cuts = [images[p.number][top:bottom, left:right],
                    *(signed(asked.gradients[rule][0, top:bottom, left:right]) for rule in ("deconv", "guided"))]
            begin = [2 * place - 4 for place in (p.row, p.column)]              # field 10, stride 2, from -4
            for tile, cut in zip(tiles, cuts):
                assert tile.shape == (10, 10, 3)
                y, x = top - begin[0], left - begin[1]
                seen = tile[y : y + bottom - top, x : x + right - left].astype(int)
                assert abs(seen - cut).max() <= 1
                assert (np.delete(tile, np.s_[y : y + bottom - top], axis=0) == 238).all()


def test_the_whole_picture_for_a_class(images):
    net = tiny_vgg()
    found = top_patches(net, images, "fc8", [2], k=3)
    scores = answers(net, images, "fc8")[:, 2]
    assert [p.number for p in found.patches[0]] == np.argsort(-scores)[:3].tolist()
    assert {p.box for p in found.patches[0]} == {(0, 0, 16, 16)} and found.picture().std() > 10


def test_a_unit_that_is_off_has_no_patch(images):
    net = tiny_vgg()
    w, b = net.layers["conv1_1"].params.values()
    net.layers["conv1_1"].set_params(w=w, b=np.where(np.arange(6) == 3, np.float32(-1e4), b))
    found = top_patches(net, images, "relu1_1", [3, 4], k=2)
    assert found.patches[0] == () and len(found.patches[1]) == 2
    assert "unit 3: inactive in all of them" in str(found) and found.picture().shape[2] == 3
    assert found.numbers["units"][0] == {"unit": "relu1_1:3", "patches": []}
    assert str(found).startswith("relu1_1: the strongest patches of 2 units in ")
    assert str(top_patches(net, images, "relu1_1", [4], k=2)).startswith("relu1_1: the strongest patches of 1 unit in ")


@pytest.mark.parametrize("net", [tiny_branches(), tiny_vgg(channels=1)])
def test_other_nets(net, images):
    found = top_patches(net, [*images, images[0][:, :, :1]], k=2, size=32)
    assert len(found.units) == net.shapes()[found.layer][-1] and found.picture().std() > 5


class Stop(BaseException):
    pass


def test_stopped_and_gone_on_with_is_the_same(images, tmp_path, monkeypatch):
    net, path = tiny_vgg(), tmp_path / "checkpoint"
    whole = top_patches(net, images, "relu2_1", k=3, per_picture=2)
    merged, calls = tops.Tops.merged, []

    def stopping(self, looked, first):
        calls.append(first)
        if len(calls) == 2:
            raise Stop
        return merged(self, looked, first)

    monkeypatch.setattr(tops.Tops, "merged", stopping)
    with pytest.raises(Stop):
        top_patches(net, images, "relu2_1", k=3, per_picture=2, checkpoint=path)
    rest = top_patches(net, images, "relu2_1", k=3, per_picture=2, checkpoint=path, resume=True)
    assert calls == [0, 4, 4, 8]                                                # nothing was looked at again
    assert rest.patches == whole.patches
    np.testing.assert_array_equal(rest.picture(), whole.picture())

    for change, message in (({"k": 4}, "cannot be read|other settings"), ({"per_picture": 1}, "other settings")):
        with pytest.raises(BadFile, match=message):
            top_patches(net, images, "relu2_1", checkpoint=path, resume=True, **{"k": 3, "per_picture": 2, **change})
    with pytest.raises(BadFile, match="is of another net"):
        top_patches(tiny_vgg(seed=1), images, "relu2_1", k=3, per_picture=2, checkpoint=path, resume=True)
    with pytest.raises(BadFile, match="is of other pictures"):
        top_patches(net, images[::-1], "relu2_1", k=3, per_picture=2, checkpoint=path, resume=True)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadFile, match="is not a minivis checkpoint, or is damaged"):
        top_patches(net, images, "relu2_1", k=3, per_picture=2, checkpoint=path, resume=True)


@pytest.mark.parametrize("settings, error, message", [
    ({"layer": "relu9_1"}, UnknownName, "no layer named 'relu9_1'"),
    ({"units": [8]}, BadValue, "unit 8: relu2_1 has 8 units, 0 to 7"),
    ({"units": [-1]}, BadValue, "unit -1: relu2_1 has 8 units"),
    ({"units": []}, BadValue, "name at least one unit"),
    ({"k": 0}, BadValue, "k must be a whole number of at least 1, not 0"),
    ({"per_picture": 0}, BadValue, "per_picture must be a whole number of at least 1, not 0"),
    ({"maps": ["saliency"]}, BadValue, "not 'saliency'"),
    ({"checkpoint": "nowhere", "resume": True}, BadFile, "there is no checkpoint nowhere"),
])
def test_bad_settings(images, settings, error, message):
    with pytest.raises(error, match=message):
        top_patches(tiny_vgg(), images, **settings)


@pytest.mark.parametrize("height, width", [(20, 200), (40, 120), (50, 50), (200, 20)])
def test_blocks_fill_a_sheet_that_is_about_as_wide_as_high(images, monkeypatch, height, width):
    """Twelve of them, of whatever shape: blocks much wider than high stand below one another, not in a strip."""
    found = replace(top_patches(tiny_vgg(), images, "conv2_1", [0], k=1, maps=()), units=tuple(range(12)))
    monkeypatch.setattr(type(found), "block", lambda self, i: np.zeros((height, width, 3), np.uint8))
    sheet = found.picture().shape
    assert 1 / 3 < sheet[1] / sheet[0] < 3
