"""Another head on a known body: what its names and shapes say, and what they leave open."""

from types import SimpleNamespace

import pytest

from minivis.weights.heads import NoHead, gap_between, head_of, heads_of, natural

FLATTEN = [{"name": "flatten", "type": "Flatten", "inputs": ["pool5"], "parameters": []}]
GAP = [{"name": "pool", "type": "GlobalAvgPool", "inputs": ["last"], "parameters": []}]


def tensors(**shapes):
    """Modules' tensors: a shape of two is a Linear's weight, a number a BatchNorm's channels or ("p", n) a PReLU's."""
    found = {}
    for key, shape in shapes.items():
        prefix = key.replace("_at_", ".")
        if isinstance(shape, int):
            for suffix in ("weight", "bias", "running_mean", "running_var"):
                found[f"{prefix}.{suffix}"] = SimpleNamespace(shape=(shape,))
        elif shape[0] == "p":
            found[f"{prefix}.weight"] = SimpleNamespace(shape=shape[1:])
        else:
            found[f"{prefix}.weight"] = SimpleNamespace(shape=shape)
            found[f"{prefix}.bias"] = SimpleNamespace(shape=shape[:1])
    return found


def kinds(rest, channels=8, pooling=GAP, **more):
    head = head_of(rest, channels, "last", pooling, **more)
    short = {"FullyConnected": "fc", "BatchNorm": "bn", "ReLU": "relu", "Softmax": "prob", "PReLU": "prelu"}
    return [short.get(row["type"], row["type"]) for row in head.rows]


@pytest.mark.parametrize("modules, wanted", [
    ({"fc": (5, 8)}, "fc"),
    ({"fc_at_1": (5, 8)}, "fc"),                                        # behind a Dropout
    ({"fc_at_0": (6, 8), "fc_at_1": (5, 6)}, "fc fc"),                  # side by side: nothing between
    ({"fc_at_0": (6, 8), "fc_at_2": (5, 6)}, "fc relu fc"),
    ({"fc_at_0": (6, 8), "fc_at_3": (5, 6)}, "fc relu fc"),             # a ReLU and a Dropout
    ({"fc_at_0": (6, 8), "fc_at_1": 6, "fc_at_3": (5, 6)}, "fc bn relu fc"),
    ({"fc_at_0": (6, 8), "fc_at_2": 6, "fc_at_4": (5, 6)}, "fc relu bn fc"),     # ReLU, batch norm, Dropout
    ({"fc_at_0": 8, "fc_at_2": (6, 8), "fc_at_4": 6, "fc_at_6": (5, 6)}, "bn fc relu bn fc"),
    ({"fc_at_0": (6, 8), "fc_at_1": ("p", 6), "fc_at_2": (5, 6)}, "fc prelu fc"),
    ({"fc_at_0": (6, 8), "fc_at_1": ("p", 1), "fc_at_2": (5, 6)}, "fc prelu fc"),
    ({"fc1": (6, 8), "bn1": 6, "fc2": (5, 6)}, "fc bn relu fc"),        # names of one's own
    ({"head_at_net_at_0": (6, 8), "head_at_net_at_2": (5, 6)}, "fc relu fc"),
    ({"c_at_0": (6, 8), "c_at_3": (7, 6), "c_at_6_at_0": (6, 7), "c_at_6_at_3": (5, 6)}, "fc relu fc relu fc relu fc"),
    ({"a_at_0": (6, 8), "b_at_0": (5, 6)}, "fc relu fc"),               # two Sequentials: no number tells
])  # fmt: skip
def test_modules_and_the_gaps_between_them(modules, wanted):
    assert kinds(tensors(**modules)) == ["GlobalAvgPool", *wanted.split(), "prob"]


def test_what_stands_between_is_said():
    head = head_of(tensors(fc_at_0=(6, 8), fc_at_3=(5, 6)), 8, "last", GAP)
    assert head.said == "fc.0 (8 to 6), ReLU, fc.3 (6 to 5); each ReLU is assumed, where modules without weights stand"
    assert head.roles == {"logits": "fc.3", "prob": "prob", "code": "fc.0_relu"}
    assert head.prefixes == {"fc.0": "fc.0", "fc.3": "fc.3"}
    assert head_of(tensors(fc=(5, 8)), 8, "last", GAP).said == "fc (8 to 5)"
    assert head_of(tensors(fc_at_0=8, fc_at_1=(5, 8)), 8, "last", GAP).said == "fc.0 (batch norm), fc.1 (8 to 5)"


@pytest.mark.parametrize("reads, pooling, wanted", [
    (8, GAP, "GlobalAvgPool"), (8, FLATTEN, "GlobalAvgPool"), (8 * 9, FLATTEN, "Flatten"), (8 * 9, GAP, "Flatten"),
    (16, GAP, "GlobalMaxPool GlobalAvgPool Concat"),
])  # fmt: skip
def test_the_width_of_the_first_layer_tells_how_maps_become_a_row(reads, pooling, wanted):
    assert kinds(tensors(fc=(5, reads)), pooling=pooling) == [*wanted.split(), "fc", "prob"]


def test_files_that_are_sorted_by_name_are_read_in_the_order_of_the_numbers():
    rest = tensors(fc_at_10=(5, 6), fc_at_2=(7, 8), fc_at_6=(6, 7))
    assert list(head_of(rest, 8, "last", GAP).prefixes) == ["fc.2", "fc.6", "fc.10"]


def test_names_without_numbers_are_put_in_the_only_order_that_fits():
    rest = tensors(out=(5, 6), squeeze=(6, 8))
    assert list(head_of(rest, 8, "last", GAP).prefixes) == ["squeeze", "out"]


def test_layers_that_the_architecture_has_keep_its_names():
    head = head_of(tensors(classifier_at_0=(6, 72), classifier_at_3=(5, 6)), 8, "pool5", FLATTEN,
                   {"classifier.0": "fc6"})  # fmt: skip
    assert [row["name"] for row in head.rows] == ["flatten", "fc6", "fc6_relu", "classifier.3", "prob"]
    assert head.prefixes == {"fc6": "classifier.0", "classifier.3": "classifier.3"}


def test_without_a_head_the_net_ends_with_the_body():
    assert kinds({}) == ["GlobalAvgPool"] and kinds({}, pooling=FLATTEN) == []
    assert head_of({}, 8, "last", GAP).roles == {"logits": None, "prob": None, "code": "pool"}


@pytest.mark.parametrize("names", [("age", "sex"), ("heads_at_age", "heads_at_sex"), ("age_at_0", "sex_at_0")])
def test_several_heads_stand_side_by_side_and_the_first_answers(names):
    head = heads_of(tensors(**dict(zip(names, [(5, 8), (2, 8)]))), 8, "last", GAP)
    first, second = (name.replace("_at_", ".") for name in names)
    assert [(row["name"], row["inputs"]) for row in head.rows] == [
        ("pool", ["last"]), (second, ["pool"]), (first, ["pool"]), ("prob", [first])]  # fmt: skip
    assert head.outputs == {"age": first, "sex": second} and head.roles["logits"] == first
    assert "beside it" in head.said
    with pytest.raises(NoHead):
        heads_of(tensors(fc_at_0=(5, 8), fc_at_2=(2, 8)), 8, "last", GAP)


@pytest.mark.parametrize("modules, message", [
    ({"fc_at_0": (6, 8), "fc_at_2": (5, 7)}, "'fc.2' reads 7 numbers, and 6 come in"),
    ({"age": (5, 8), "sex": (2, 8)}, "'sex' reads 8 numbers, and 5 come in"),
    ({"fc": (5, 9)}, "'fc' reads 9 numbers, and the body gives maps of 8 channels"),
    ({"fc_at_0": 8}, "'fc.0' is the last of it"),
])  # fmt: skip
def test_what_is_no_head_says_why(modules, message):
    with pytest.raises(NoHead, match=message):
        head_of(tensors(**modules), 8, "last", GAP)
    with pytest.raises(NoHead, match=r"'norm' \(bias \[8\], weight \[8\]\) is none of Linear"):
        head_of({f"norm.{key}": SimpleNamespace(shape=(8,)) for key in ("weight", "bias")}, 8, "last", GAP)


@pytest.mark.parametrize("first, second, gap", [
    ("fc.0", "fc.3", 2), ("fc.0", "fc.1", 0), ("a.6", "a.7.2", 2), ("a.6.0", "a.7", None), ("a.6.0", "a.8", 1),
    ("fc1", "fc2", None), ("a.0", "b.0", None), ("fc", "fc.0", None), ("3", "5", 1), ("0.fc", "2", 1),
])  # fmt: skip
def test_numbers_of_a_sequential_tell_how_many_stand_between(first, second, gap):
    assert gap_between(first, second) == gap


def test_numbers_in_names_are_counted_not_spelled():
    ordered = ["2.a", "10.a", "fc2", "fc9.1", "fc10.0", "fc10.bias_3", "fc10.bias_12", "fc.weight"]
    assert sorted(sorted(ordered), key=natural) == ordered
