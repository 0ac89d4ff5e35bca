"""What every command that makes a picture does: names, files, records."""

import json

import numpy as np
import pytest
from channel_nets import channel_net, channel_picture
from PIL import Image

from minivis.commands.registry import COMMANDS
from minivis.images.files import read_image, read_text
from minivis.methods.attribution.kinds import KINDS
from minivis.weights.native import save


@pytest.mark.parametrize("words, name", [
    (("saliency", "photo.png"), "photo-saliency.png"),
    (("occlude", "photo.jpg", "--window", "8,6", "--stride", "5"), "photo-occlude.png"),
    (("filters",), "tiny-filters.png"),
])
def test_names_by_default(run, here, words, name):
    code, out, _ = run(*words, "--net", "tiny.h5")
    assert code == 0 and f"wrote {name}\n" in out and (here / name).is_file()


def test_quiet_says_nothing_but_what_was_asked(run):
    assert run("saliency", "photo.png", "--net", "tiny.h5", "-q") == (0, "", "")
    code, out, err = run("classify", "photo.png", "--net", "tiny.h5", "-q")
    assert code == 0 and "%" in out and err == ""


def test_other_formats(run, here):
    for suffix in (".jpg", ".webp", ".tif"):
        assert run("saliency", "photo.png", "--net", "tiny.h5", "-o", f"a{suffix}")[0] == 0
        assert read_text(f"a{suffix}")["minivis"]


@pytest.mark.parametrize("words, shape", [
    (("saliency", "photo.png"), (16, 16)), (("backprop", "photo.png", "--rule", "guided"), (16, 16, 3)),
    (("backprop", "photo.png"), (3, 16, 16, 3)), (("activations", "photo.png", "--layer", "conv1_1"), (16, 16, 6)),
    (("activations", "photo.png", "--layer", "fc7"), (7,)), (("occlude", "photo.png", "--stride", "5"), (16, 16)),
    (("filters",), (6, 3, 3, 3)), (("saliency", "photo.png", "--map", "all"), (len(KINDS), 16, 16)),
], ids=str)
def test_numbers_out(run, here, words, shape):
    """A name in .npy, .npz or .tiff gets the numbers behind the picture, with their record."""
    for suffix in (".npy", ".npz", ".tiff"):
        code, out, _ = run(*words, "--net", "tiny.h5", "-o", f"a{suffix}")
        assert code == 0 and f"wrote a{suffix}" in out
    assert np.load("a.npy").shape == shape and np.load("a.npy").dtype.kind == "f"
    with np.load("a.npz") as found:
        names = [name for name in found.files if name != "record"]
        np.testing.assert_array_equal(np.stack([found[name] for name in names]).reshape(shape), np.load("a.npy"))
    for suffix in (".npz", ".tiff"):
        assert run("rerun", f"a{suffix}", "-q", "-o", f"again{suffix}")[0] == 0
        assert (here / f"again{suffix}").read_bytes() == (here / f"a{suffix}").read_bytes()


def test_numbers_that_cannot_be_made(run, here, refused):
    assert "x.npy: a picture's name must end in" in refused("invert", "photo.png", "--net", "tiny.h5", "-o", "x.npy")
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.npy", "-q")
    run("saliency", "photo.png", "--net", "tiny.h5", "-o", "a.npz", "-q")
    assert "a.npy is only an array, with no record" in refused("rerun", "a.npy")
    assert "a.npz holds numbers" in refused("rerun", "a.npz", "-o", "a.png")


def test_an_existing_file_is_kept_unless_forced(run, here):
    (here / "photo-saliency.png").write_text("mine")
    code, _, err = run("saliency", "photo.png", "--net", "tiny.h5")
    assert code == 2 and "photo-saliency.png exists and is kept" in err
    assert (here / "photo-saliency.png").read_text() == "mine"
    assert run("saliency", "photo.png", "--net", "tiny.h5", "--force")[0] == 0
    assert read_image("photo-saliency.png").shape[2] == 3


def test_the_record_has_all_that_matters_and_no_times(run, here):
    import hashlib

    run("saliency", "photo.png", "--net", "tiny.h5", "--unit", "goose", "--threads", "1", "-o", "a.png", "-q")
    record = json.loads(read_text("a.png")["minivis"])
    assert record["command"] == ["saliency", "photo.png", "--unit", "goose", "--net", "tiny.h5"]
    assert record["net"] == {"name": "tiny.h5", "sha256": hashlib.sha256((here / "tiny.h5").read_bytes()).hexdigest()}
    assert record["image"]["sha256"] == hashlib.sha256((here / "photo.png").read_bytes()).hexdigest()
    assert record["seed"] == 0 and record["threads"] == 1
    assert set(record["versions"]) == {"minivis", "numpy", "pillow", "python", "scipy"}
    assert set(record) == {"command", "net", "image", "seed", "threads", "versions"}
    assert str(here) not in json.dumps(record)


def test_the_words_of_a_record_leave_out_what_changes_no_bits():
    kept = ["occlude", "./-odd.png", "--unit", "owl", "--unit", "cat", "--window", "8,6", "--fill", "mean"]
    command = COMMANDS["occlude"]
    given = [*kept, "--threads", "2", "--force", "-q", "-o", "out.png"]
    net = ["--net", "emoji-vgg"]                        # of a picture, it hangs on what was installed
    assert command.words(command.parse(given)) == kept + net
    short = ["occlude", "a.png"]
    assert command.words(command.parse([*short, "--seed", "0", "--fill", "grey"])) == short + net
    assert command.words(command.parse(["occlude", "--seed", "0"])) == ["occlude"]


@pytest.fixture
def channels(request, here):
    """A net of so many channels, n.h5, two pictures for it, a.npy and b.npy, and a folder of four."""
    save(channel_net(request.param), "n.h5")
    (here / "many").mkdir()
    for k in range(4):
        np.save(here / "many" / f"{k}.npy", channel_picture(request.param, seed=k))
    np.save("a.npy", channel_picture(request.param))
    np.save("b.npy", channel_picture(request.param, seed=9))
    return request.param


@pytest.mark.parametrize("channels", [1, 4, 13], indirect=True)
@pytest.mark.parametrize("words", [
    ("classify", "a.npy", "-o", "x.png"), ("activations", "a.npy"), ("filters",), ("backprop", "a.npy"),
    ("occlude", "a.npy", "--fill", "blur", "--stride", "5"), ("backprop", "a.npy", "--display", "absolute"),
    ("saliency", "a.npy"),
    ("saliency", "a.npy", "--map", "integrated"), ("patches", "many", "--unit", "1"), ("neighbours", "a.npy", "many"),
    ("maximize", "--steps", "2"), ("invert", "a.npy", "--steps", "2"), ("dream", "a.npy", "--steps", "1", "--sheet"),
    ("style", "a.npy", "b.npy", "--steps", "1"), ("texture", "a.npy", "--steps", "1"),
    ("evolve", "--generations", "1", "--population", "4"), ("explain", "a.npy"), ("receptive-field", "--data", "many"),
], ids=" ".join)  # fmt: skip
def test_a_net_of_any_number_of_channels(run, channels, words):
    code, _, err = run(*words, "--net", "n.h5", *(() if "-o" in words or words[0] == "explain" else ("-o", "x.png")))
    assert (code, err) == (0, "")
    assert words[0] == "explain" or read_image("x.png").shape[2] == 3


@pytest.mark.parametrize("channels", [2, 4], indirect=True)
def test_what_fools_a_net_of_other_channels_is_written_whole(run, here, channels):
    code, out, _ = run("fool", "a.npy", "--eps", "9", "--steps", "3", "--net", "n.h5", "-o", "x.png", "--json")
    assert code in (0, 1)                               # fooled or not, the picture is there
    made = "x-picture.png" if channels == 4 else "x-picture.npy"
    assert read_image(made, channels=channels).shape == (16, 16, channels)
    said = json.loads(run("classify", made, "--net", "n.h5", "--json")[1])["numbers"]["top"]
    assert said[0]["class"] == json.loads(out)["numbers"]["answer"]


@pytest.mark.parametrize("channels", [4], indirect=True)
def test_three_channels_are_shown_by_choice(run, here, channels):
    """The net's own picture is drawn in these channels, and a record makes the same again."""
    Image.fromarray(channel_picture(4)).save("a.png")
    drawn = {}
    for show in ("1,2,3", "3,2,1", "4", None):
        words = ("classify", "a.png", "--net", "n.h5", "-o", f"{show}.png", *(("--show", show) if show else ()))
        assert run(*words)[0] == 0
        drawn[show] = read_image(f"{show}.png")
    np.testing.assert_array_equal(drawn[None], drawn["1,2,3"])
    np.testing.assert_array_equal(drawn["3,2,1"] != drawn["1,2,3"], (drawn["3,2,1"] != drawn["1,2,3"])[..., ::-1])
    assert (drawn["3,2,1"] != drawn["1,2,3"]).any() and (drawn["4"] != drawn["1,2,3"]).any()
    code, out, _ = run("rerun", "3,2,1.png")
    assert code == 0 and "bit for bit" in out
    assert "three numbers from 1 to 4" in run("classify", "a.png", "--net", "n.h5", "--show", "3,2,5")[2]
    assert "is not a choice of channels; give three" in run("classify", "a.png", "--net", "n.h5", "--show", "red")[2]
    code, _, err = run("segment", "a.png", "--net", "n.h5", "--show", "outline")
    assert code == 2 and "is not one of 'figure', 'mask', 'cut-out', and is not a choice of channels" in err


@pytest.mark.parametrize("channels", [4], indirect=True)
@pytest.mark.parametrize("words, message", [
    (("classify",), "this net reads pictures of 4 channels, and this one has 3; give it as an array"),
    (("classify", "photo.png"), "this net reads pictures of 4 channels, and this one has 3"),
    (("dream", "a.npy", "--colours", "kept"), "only pictures of red, green and blue have a brightness"),
    (("filters", "--compare"), "conv1 reads 4 channels; only filters of colours compare"),
    (("receptive-field",), "the net reads pictures of 4 channels, and these have 3: name a folder"),
])  # fmt: skip
def test_what_has_no_meaning_for_other_channels_is_said(run, channels, words, message):
    code, _, err = run(*words, "--net", "n.h5")
    assert code == 2 and message in err
