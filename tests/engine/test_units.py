"""Every way to name a neuron, every sentence for a wrong one, and the seed that each makes."""

from dataclasses import replace

import numpy as np
import pytest
from ended_nets import ended

import minivis as mv
from minivis.engine.ending import answering
from minivis.engine.network import Network
from minivis.engine.units import Unit, before_relu, class_number, one_hot, parse_unit, unit_positions, unit_values
from minivis.errors import BadValue, UnknownName
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, Flatten, FullyConnected, ReLU
from minivis.models.squeezenet import squeezenet
from minivis.models.tiny import tiny_branches, tiny_vgg

NET = tiny_vgg(dtype=np.float64)        # classes goose, cat, bus, owl, tropical fish (goldfish)


@pytest.mark.parametrize("text, unit", [
    ("goose", Unit("fc8", 0, None, "goose")), ("fc8:goose", Unit("fc8", 0, None, "goose")),
    ("GOOSE", Unit("fc8", 0, None, "goose")), (" Owl ", Unit("fc8", 3, None, "owl")),
    ("tropical fish", Unit("fc8", 4, None, "tropical fish")), ("Goldfish", Unit("fc8", 4, None, "tropical fish")),
    ("fc8:goldfish", Unit("fc8", 4, None, "tropical fish")), ("prob:cat", Unit("prob", 1, None, "cat")),
    ("2", Unit("fc8", 2, None, "bus")), (2, Unit("fc8", 2, None, "bus")), ("fc8:2", Unit("fc8", 2)),
    ("prob:4", Unit("prob", 4)), ("fc7:6", Unit("fc7", 6)), ("conv2_1:7", Unit("conv2_1", 7)),
    ("input:2", Unit("input", 2)),
    ("conv2_1:7@max", Unit("conv2_1", 7, "max")), ("conv2_1:7@3,4", Unit("conv2_1", 7, (3, 4))),
    (Unit("fc8", 0, None, "goose"), Unit("fc8", 0, None, "goose")),
    ("conv2_1:7@", Unit("conv2_1", 7)), ("fc8:goose@max", Unit("fc8", 0, "max", "goose")),
    (Unit("conv2_1", 7, (3, 4)), Unit("conv2_1", 7, (3, 4))),
])  # fmt: skip
def test_every_way_to_name_a_unit(text, unit):
    got = parse_unit(NET, text)
    assert got == unit
    assert parse_unit(NET, str(got)) == got         # what is printed can be typed


@pytest.mark.parametrize("unit, text", [
    (Unit("fc8", 0, None, "goose"), "fc8:goose"), (Unit("conv2_1", 7), "conv2_1:7"),
    (Unit("conv2_1", 7, "max"), "conv2_1:7@max"), (Unit("conv2_1", 7, (3, 4)), "conv2_1:7@3,4"),
])  # fmt: skip
def test_how_a_unit_prints(unit, text):
    assert str(unit) == text


@pytest.mark.parametrize("text, kind, message", [
    ("goos", UnknownName, r"^no class named 'goos'; did you mean 'goose'\? Choose from: goose, cat, bus, owl, tro"),
    ("fc8:goos", UnknownName, "no class named 'goos'; did you mean 'goose'"),
    ("xyzzy", UnknownName, "no class named 'xyzzy'. Choose from: goose"),
    ("conv2_1", BadValue, "^'conv2_1' is a whole layer: name one of its units, for example 'conv2_1:0'$"),
    ("input", BadValue, "^'input' is a whole layer: name one of its units, for example 'input:0'$"),
    ("conv2_2:3", UnknownName, "^no layer named 'conv2_2'; did you mean 'conv2_1'"),
    ("conv2_1:8", BadValue, "^'conv2_1:8': conv2_1 has 8 channels, 0 to 7$"),
    ("fc8:5", BadValue, "^'fc8:5': fc8 has 5 channels, 0 to 4$"),
    ("5", BadValue, "^class 5: there are 5 classes, 0 to 4$"),
    ("-1", UnknownName, "no class named '-1'"),
    ("fc8:-1", BadValue, "^'fc8:-1': the colon must be followed by a number, as in 'fc8:0', not '-1'$"),
    ("conv2_1:one", BadValue, "^'conv2_1:one': the colon must be followed by a number, as in 'conv2_1:0', not 'one'$"),
    ("conv2_1:", BadValue, "the colon must be followed by a number, as in 'conv2_1:0', not ''"),
    ("conv2_1:1.5", BadValue, "the colon must be followed by a number, as in 'conv2_1:0', not '1.5'"),
    ("conv2_1:\N{SUPERSCRIPT TWO}", BadValue, "the colon must be followed by a number"),
    ("\N{SUPERSCRIPT TWO}", UnknownName, "no class named '\N{SUPERSCRIPT TWO}'"),
    ("conv2_1:" + "9" * 5000, BadValue, "the colon must be followed by a number"),
    ("9" * 5000, UnknownName, "no class named '99"),
    ("conv2_1:1@here", BadValue, "^'conv2_1:1@here': the @ must be followed by 'max' or 'row,column', not 'here'$"),
    ("conv2_1:1@3", BadValue, "the @ must be followed by 'max' or 'row,column', not '3'"),
    ("conv2_1:1@-1,0", BadValue, "the @ must be followed by 'max' or 'row,column', not '-1,0'"),
    ("fc8:goose@3,", BadValue, "the @ must be followed by 'max' or 'row,column', not '3,'"),
    ("", UnknownName, "no class named ''"), (":", UnknownName, "no layer named ''"),
    (Unit("conv2_1", 8), BadValue, "conv2_1 has 8 channels"), (Unit("conv2_1", -1), BadValue, "followed by a number"),
    (Unit("conv2_2", 1), UnknownName, "no layer named 'conv2_2'"),
])  # fmt: skip
def test_every_wrong_name_gets_its_sentence(text, kind, message):
    with pytest.raises(kind, match=message):
        parse_unit(NET, text)


def test_names_that_several_classes_share():
    names, aliases = ("crane", "cat", "Crane", "owl", "fish"), {"bird": 0, "Bird": 2, "cat": 4}
    net = replace(NET, class_names=names, class_aliases=aliases)
    with pytest.raises(UnknownName, match="2 classes are called 'crane': give the number of one, 0, 2"):
        parse_unit(net, "crane")
    with pytest.raises(UnknownName, match="2 classes are called 'bird': give the number of one, 0, 2"):
        parse_unit(net, "fc8:bird")
    assert parse_unit(net, "fc8:2") == Unit("fc8", 2) and parse_unit(net, "2").class_name == "Crane"
    assert parse_unit(net, "cat").channel == 1              # a name comes before an alias


def test_names_with_colons():
    """Unicode has such: "flag: Japan"."""
    net = replace(NET, class_names=("flag: Japan", "fc7: a class", "woman: red hair", "owl", "fish"))
    for text in ("flag: Japan", "fc8:flag: Japan", "flag: japan"):
        assert parse_unit(net, text) == Unit("fc8", 0, None, "flag: Japan")
    with pytest.raises(UnknownName, match="no class named 'flag: japn'; did you mean 'flag: Japan'"):
        parse_unit(net, "fc8:flag: japn")
    assert parse_unit(net, "fc8:fc7: a class").channel == 1


def test_class_numbers():
    assert [class_number(NET, name) for name in ("goose", "GoldFish", 3, "3")] == [0, 4, 3, 3]
    with pytest.raises(UnknownName, match="no class named 'dog'"):
        class_number(NET, "dog")


def test_a_net_without_class_names_or_classes():
    net = tiny_branches()
    assert parse_unit(net, "3") == Unit("fc", 3) and parse_unit(net, "concat:9") == Unit("concat", 9)
    with pytest.raises(UnknownName, match=r"no class named 'goose'\. There are none"):
        parse_unit(net, "goose")
    net.roles.update(logits=None, prob=None)
    for text in ("goose", "3"):
        with pytest.raises(UnknownName, match="this net has no layer for the role 'logits'; choose one from: input"):
            parse_unit(net, text)
    assert parse_unit(net, "fc:3") == Unit("fc", 3)
    few = replace(NET, class_names=("goose",))              # not what a file may hold, but no reason to fall over
    assert [parse_unit(few, text) for text in "012"] == [Unit("fc8", 0, None, "goose"), Unit("fc8", 1), Unit("fc8", 2)]


# --- seeds ---

@pytest.fixture(scope="module")
def acts():
    return NET.forward(np.random.default_rng(0).standard_normal((3, 16, 16, 3)))


def test_seed_of_a_channel_is_ones_over_its_map(acts):
    (layer, seed), = one_hot(acts, "conv2_1:5").items()
    assert layer == "conv2_1" and seed.shape == (3, 8, 8, 8) and seed.dtype == acts.dtype
    assert (seed[..., 5] == 1).all() and seed.sum() == 3 * 64
    assert mv.one_hot(acts, "conv2_1:5")["conv2_1"].sum() == 3 * 64


def test_seed_of_a_class(acts):
    np.testing.assert_array_equal(one_hot(acts, "goldfish")["fc8"], [[0, 0, 0, 0, 1]] * 3)
    np.testing.assert_array_equal(one_hot(acts, "prob:cat")["prob"], [[0, 1, 0, 0, 0]] * 3)


def test_seed_of_a_position(acts):
    seed = one_hot(acts, "conv2_1:5@2,7")["conv2_1"]
    assert seed.sum() == 3 and (seed[:, 2, 7, 5] == 1).all()


def test_seed_of_the_strongest_position_of_each_image(acts):
    seed = one_hot(acts, "conv2_1:5@max")["conv2_1"]
    assert seed.sum() == 3
    for n in range(3):
        (row,), (column,), (channel,) = np.nonzero(seed[n])
        assert channel == 5 and acts["conv2_1"][n, row, column, 5] == acts["conv2_1"][n, :, :, 5].max()
    rows, columns = unit_positions(acts, parse_unit(NET, "conv2_1:5@max"))
    assert rows.shape == columns.shape == (3,) and len({*zip(rows.tolist(), columns.tolist())}) > 1
    assert [a.tolist() for a in unit_positions(acts, Unit("conv2_1", 5, (2, 7)))] == [[2] * 3, [7] * 3]


@pytest.mark.parametrize("unit", ["goose", "conv2_1:5", "conv2_1:5@max", "conv2_1:5@2,7", "relu7:1", "input:0"])
def test_the_seed_is_the_gradient_of_the_value(acts, unit):
    values, (layer, seed) = unit_values(acts, unit), *one_hot(acts, unit).items()
    assert values.shape == (3,)
    channel = acts[layer][..., parse_unit(NET, unit).channel].reshape(3, -1)
    expected = {"max": lambda: channel.max(axis=1), "2,7": lambda: channel[:, 2 * 8 + 7]}
    np.testing.assert_allclose(values, expected.get(unit.partition("@")[2], lambda: channel.sum(axis=1))())
    bumped = type(acts)(acts.net, acts.mode)
    bumped.update(acts)
    bumped[layer] = acts[layer] + 1e-3 * seed
    np.testing.assert_allclose(unit_values(bumped, unit) - values, 1e-3 * seed.reshape(3, -1).sum(axis=1), rtol=1e-9)


def test_positions_where_there_are_none(acts):
    with pytest.raises(BadValue, match=r"fc8:goose@max: fc8 has no positions, its shape is \(5,\); leave out the @"):
        one_hot(acts, "fc8:goose@max")
    with pytest.raises(BadValue, match="conv2_1:5@8,0: rows go from 0 to 7 and columns from 0 to 7 here"):
        one_hot(acts, "conv2_1:5@8,0")
    with pytest.raises(BadValue, match="rows go from 0 to 7 and columns"):
        unit_values(acts, "conv2_1:5@0,8")
    with pytest.raises(UnknownName, match="the output of 'fc8' was not reached by this pass"):
        one_hot(NET.forward(np.zeros((1, 16, 16, 3)), until="pool2"), "goose")


@pytest.fixture
def by_hand(rng):
    """A net without a size of its own, with a fully connected layer that fixes one."""
    net = Network().add("conv", Conv2D(rng.standard_normal((3, 3, 1, 4)), padding=1)).add("relu", ReLU())
    return net.add("flat", Flatten()).add("fc", FullyConnected(rng.standard_normal((6 * 5 * 4, 3))))


def test_a_net_built_by_hand_needs_no_size_for_its_units(by_hand, rng):
    """The pass knows the shapes, and a first convolution knows the channels."""
    assert by_hand.input_channels == 1
    acts = by_hand.forward(rng.standard_normal((2, 6, 5, 1)))
    np.testing.assert_array_equal(one_hot(acts, "fc:2")["fc"], [[0, 0, 1]] * 2)
    np.testing.assert_array_equal(unit_values(acts, "fc:0"), acts["fc"][:, 0])
    np.testing.assert_array_equal(unit_values(acts, "relu:1@2,3"), acts["relu"][:, 2, 3, 1])
    for unit in ("fc:3", Unit("fc", 3)):
        with pytest.raises(BadValue, match="fc has 3 channels, 0 to 2"):
            one_hot(acts, unit)
    by_hand.roles["logits"] = "fc"
    assert one_hot(acts, 1)["fc"].sum() == 2
    with pytest.raises(BadValue, match="there are 3 classes, 0 to 2"):
        one_hot(acts, 3)
    assert parse_unit(by_hand, "fc:2") == Unit("fc", 2)         # before a pass, nothing says more


def test_a_net_with_a_preprocessing_has_its_channels(rng):
    layer = Conv2D(rng.standard_normal((3, 3, 1, 4)))
    grey = Preprocessing("grey", mean=(1,), scale=(1,))
    assert Network(preprocessing=grey).add("conv", layer).input_channels == 1
    assert Network(preprocessing=Preprocessing(mean=(1, 2, 3))).add("conv", layer).input_channels == 3
    assert Network().add("relu", ReLU()).input_channels == Network().input_channels == 3


def test_the_second_answer_of_one_output_is_no_unit_of_it():
    net = ended("one logit", names=["cat", "not cat"])
    assert parse_unit(net, "cat") == Unit("fc8", 0, None, "cat")
    with pytest.raises(BadValue, match="second answer of a net with one output, fc8"):
        parse_unit(net, "not cat")
    assert parse_unit(answering(net), "not cat") == Unit("answers", 1, None, "not cat")


def test_a_unit_before_its_relu_is_found_through_a_concat():
    net = squeezenet("1.1")
    for text, before in (
        ("relu_conv1:5", "conv1:5"), ("fire2/concat:3@1,2", "fire2/expand1x1:3@1,2"),
        ("fire9/concat:300@max", "fire9/expand3x3:44@max"), ("conv1:5", None), ("pool10:7", None), ("pool1:2", None),
    ):  # fmt: skip
        found = before_relu(net, parse_unit(net, text))
        assert (found and str(found)) == before
