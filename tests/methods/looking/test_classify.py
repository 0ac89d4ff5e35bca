"""Classes: what is shown is what the net computed."""

from dataclasses import replace

import numpy as np
import pytest
from ended_nets import ENDS, ended

from minivis.errors import BadValue, UnknownName
from minivis.methods.looking.classify import classify


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (16, 16, 3), np.uint8)


def test_classify(vgg, picture):
    acts = vgg.forward(vgg.preprocess(picture))
    result = classify(vgg, picture, top=3)
    order = np.argsort(-acts["prob"][0])[:3]
    assert [row["class"] for row in result.numbers["top"]] == [vgg.class_names[k] for k in order]
    np.testing.assert_allclose([row["probability"] for row in result.numbers["top"]], acts["prob"][0][order])
    np.testing.assert_allclose([row["score"] for row in result.numbers["top"]], acts["fc8"][0][order])
    assert str(result).count("\n") == 2 and vgg.class_names[order[0]] in str(result).splitlines()[0]
    assert result.picture().dtype == np.uint8


def test_classify_a_batch_and_more_classes_than_there_are(vgg, rng):
    pictures = [rng.integers(0, 256, shape, np.uint8) for shape in ((30, 20, 3), (30, 20, 3), (9, 40, 1))]
    result = classify(vgg, pictures, top=99)
    assert result.classes.shape == (3, 5) and result.settings == {"top": 5}
    np.testing.assert_allclose(result.probs.sum(axis=1), 1)
    alone = classify(vgg, pictures[2])
    np.testing.assert_allclose(result.scores[2], alone.scores[0], rtol=1e-9)


def test_classify_without_names_or_classes(vgg, picture):
    assert classify(replace(vgg, class_names=()), picture).numbers["top"][0]["class"].startswith("class ")
    with pytest.raises(UnknownName, match="no classes"):
        classify(replace(vgg, roles={**vgg.roles, "logits": None}), picture)
    with pytest.raises(BadValue, match="top must be a whole number of at least 1"):
        classify(vgg, picture, top=0)


@pytest.mark.parametrize("end", ENDS)
def test_every_end(end, picture):
    net = ended(end, names=["cat"] if end.startswith("one") else ["cat", "dog", "owl"])
    z = net.forward(net.preprocess(picture), grad=None)["fc8"][0].astype(float)
    result = classify(net, picture)
    found = {row["class"]: row["probability"] for row in result.numbers["top"]}
    if end.startswith("one"):
        p = 1 / (1 + np.exp(-z[0]))
        wanted = {"cat": p, "not cat": 1 - p}
    else:
        p = 1 / (1 + np.exp(-z)) if end == "sigmoids" else np.exp(z) / np.exp(z).sum()
        wanted = dict(zip(["cat", "dog", "owl"], p))
    assert found == pytest.approx(wanted, rel=1e-5)
    assert list(found) == sorted(wanted, key=wanted.get, reverse=True)
    assert ("by itself" in str(result)) == result.numbers.get("independent", False) == (end == "sigmoids")
    assert result.picture().ndim == 3
