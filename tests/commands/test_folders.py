"""The commands that look at many pictures, as a user types them."""

import json
import signal
import sys

import numpy as np
import pytest
from commandline import fill, scene
from processes import finish, process

from minivis.cli import main
from minivis.images.files import read_image, read_text, write_image
from minivis.models.tiny import tiny_vgg
from minivis.sweeps.codes_file import open_codes
from minivis.weights.native import save


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Nets, 12 pictures in photos/, one of them broken, and a file of codes of the whole ones."""
    folder = tmp_path_factory.mktemp("originals")
    fill(folder)
    (folder / "photos").mkdir()
    for i in range(11):
        write_image(folder / f"photos/{i:02d}.png", np.roll(scene(), 5 * i, axis=1)[:, :, :: (-1) ** i])
    (folder / "photos/broken.jpg").write_bytes(b"no picture")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["codes", "photos", "--net", "tiny.h5", "-q"]) == 0
    return folder


@pytest.fixture
def here(tmp_path, originals, monkeypatch):
    (tmp_path / "photos").mkdir()
    for file in [*originals.glob("*.*"), *originals.glob("photos/*")]:
        (tmp_path / file.relative_to(originals)).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


NET = ("--net", "tiny.h5")


@pytest.mark.parametrize("words, name", [
    (("patches", "photos", *NET, "--layer", "relu2_1", "--unit", "1", "--unit", "6", "--top", "4"),
     "photos-patches.png"),
    (("patches", "photos", *NET, "--beside", "none", "--per-picture", "2"), "photos-patches.png"),
    (("patches", "photo.png", *NET, "--layer", "pool1", "--beside", "guided"), "photo-patches.png"),
    (("patches", "photos", "--net", "branches.h5", "--size", "24", "--top", "2"), "photos-patches.png"),
    (("patches", "photos", *NET, "--all-layers", "--top", "4", "--beside", "deconv"), "photos-patches.png"),
    (("neighbours", "photo.png", "codes.h5", *NET, "--top", "5"), "photo-neighbours.png"),
    (("neighbours", "photos/03.png", "codes.h5", *NET, "--metric", "l2"), "03-neighbours.png"),
    (("tsne", "codes.h5", "--layout", "both", "--side", "128", "--seed", "4"), "codes-tsne.png"),
    (("tsne", "codes.h5", "--most", "8", "--perplexity", "2"), "codes-tsne.png"),
    (("neighbours", "photo.png", "photos", *NET, "--top", "3"), "photo-neighbours.png"),
    (("neighbours", "codes.h5", *NET), "goose-neighbours.png"),
    (("neighbours", "photo.png", "codes.h5", *NET, "--top", "3", "--pixels"), "photo-neighbours.png"),
    (("neighbours", "codes.h5", *NET, "--sheet", "--top", "2"), "goose-neighbours.png"),
    (("tsne", "photos", *NET, "--side", "128"), "photos-tsne.png"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")  # fmt: skip
def test_makes_a_picture_and_makes_it_again(run, here, words, name):
    code, out, err = run(*words, "--json")
    said = json.loads(out)
    assert (code, err) == (0, "") and said["files"] == [name]
    assert said["command"] == words[0] and said["numbers"]
    assert read_image(name).std() > 5
    code, out, err = run("rerun", name)
    again = name.replace(".png", "-rerun.png")
    assert (code, err) == (0, "") and "bit for bit" in out and out.endswith(f"wrote {again}\n")
    assert (here / again).read_bytes() == (here / name).read_bytes()


def test_what_could_not_be_read_is_told_and_not_fatal(run):
    code, out, _ = run("patches", "photos", *NET, "--unit", "0")
    assert code == 0 and "1 could not be read:\n  broken.jpg is not a picture" in out and "in 11 pictures" in out
    said = json.loads(run("codes", "photos", *NET, "-o", "b.h5", "--json")[1])
    assert said["numbers"]["pictures"] == 11 and said["numbers"]["unreadable"][0][0] == "broken.jpg"
    assert said["settings"]["layer"] == "fc7" and said["files"] == ["b.h5"]


def test_codes_appended(run, here):
    assert run("codes", "photos", *NET, "--append")[1].startswith("11 pictures, 0 of them new")
    write_image("photos/new.png", scene())
    assert run("codes", "photos", *NET, "--append")[1].startswith("12 pictures, 1 of them new")
    assert run("codes", "photos", *NET, "--layer", "relu2_1", "-f", "-q") == (0, "", "")
    with open_codes("codes.h5") as file:
        assert (file.layer, file.codes.shape) == ("relu2_1", (12, 512))


def test_a_folder_of_pictures_does_for_a_file_of_codes(run, here):
    by_codes = json.loads(run("neighbours", "photo.png", "codes.h5", *NET, "--json")[1])["numbers"]
    by_folder = json.loads(run("neighbours", "photo.png", "photos", *NET, "-f", "--json")[1])["numbers"]
    assert by_folder == {**by_codes, "neighbours": [
        {**one, "picture": str(here / one["picture"])} for one in by_codes["neighbours"]]}
    for source in ("codes.h5", "photos"):
        assert run("tsne", source, *NET, "--side", "128", "-q")[0] == 0
    assert (read_image("codes-tsne.png") == read_image("photos-tsne.png")).all()


def test_the_samples(run, here, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code, out, _ = run("patches", "samples", *NET, "--unit", "0", "--beside", "none")
    assert code == 0 and "in 200 pictures" in out and "could not" not in out
    assert run("rerun", "samples-patches.png")[0] == 0
    assert json.loads(run("codes", "samples", *NET, "-o", "s.h5", "--json")[1])["numbers"]["pictures"] == 200
    (here / "samples").mkdir()                          # now the user means that
    write_image("samples/own.png", scene())
    assert "in 1 pictures" in run("patches", "samples", *NET, "--unit", "0", "-f")[1]


def test_two_processes_write_the_same_picture(run, here):
    words = ("patches", "photos", *NET, "--top", "3")
    assert run(*words, "-o", "one.png")[0] == 0 and run(*words, "-o", "two.png", "--jobs", "2")[0] == 0
    assert (here / "one.png").read_bytes() == (here / "two.png").read_bytes()   # the record too


def test_the_record_holds_the_folder(run, refused, here):
    from minivis.images.collection import folder_hash

    run("patches", "photos", *NET, "--unit", "2", "--jobs", "1", "-q")
    record = json.loads(read_text("photos-patches.png")["minivis"])
    assert record["command"] == ["patches", "photos", "--unit", "2", *NET] and record["image"] is None
    assert record["inputs"] == {"folder": {"name": "photos", "sha256": folder_hash("photos")}}
    write_image("photos/new.png", scene())
    assert "the folder photos has changed since photos-patches.png was made" in refused("rerun", "photos-patches.png")
    for change in ({"inputs": {}}, {"inputs": {"folder": {"name": 3, "sha256": ""}}}, {"inputs": 3}, {"net": None}):
        write_image("bad.png", scene(), {"minivis": json.dumps({**record, **change})}, force=True)
        assert "damaged record" in refused("rerun", "bad.png")
    run("tsne", "codes.h5", "--side", "64", "-q")
    record = json.loads(read_text("codes-tsne.png")["minivis"])
    assert list(record["inputs"]) == ["codes"]
    run("codes", "photos", *NET, "--append", "-q")
    assert "the codes codes.h5 has changed" in refused("rerun", "codes-tsne.png")


@pytest.mark.parametrize("words, message", [
    (["patches"], "Missing argument 'FOLDER'"),
    (["patches", "nowhere"], "there is no folder nowhere"),
    (["patches", "void"], "there is no picture in the folder void"),
    (["patches", "text"], "none of the 1 pictures can be read; the first: a.png is not a picture"),
    (["patches", "photos", "--layer", "relu9"], "no layer named 'relu9'"),
    (["patches", "photos", "--unit", "8"], "unit 8: relu2_1 has 8 units, 0 to 7"),
    (["patches", "photos", "--unit", "-1"], "'--unit'"),
    (["patches", "photos", "--top", "0"], "'--top'"),
    (["patches", "photos", "--resume"], "there is no checkpoint photos-patches.png.checkpoint: nothing to resume"),
    (["patches", "photos", "--jobs", "0"], "'--jobs'"),
    (["patches", "photos", "--scheduler", "tcp://127.0.0.1:1"], "the backend dask and a scheduler need each other"),
    (["patches", "photos", "--backend", "dask"], "the backend dask and a scheduler need each other"),
    (["patches", "photos", "-o", "photo.png"], "exists and is kept"),
    (["codes", "void", "-o", "b.h5"], "there is no picture in the folder void"),
    (["codes", "text", "-o", "b.h5"], "none of the 1 pictures can be read"),
    (["codes", "photos"], "codes.h5 exists and is kept"),
    (["codes", "photos", "--append", "--layer", "fc6"], "codes.h5 holds codes of the layer fc7, not of fc6"),
    (["codes", "photos", "--append", "--net", "other.h5"], "codes.h5 holds codes of another net, tiny.h5"),
    (["codes", "photos", "-o", "tiny.h5", "--append"], "tiny.h5 is not a file of codes"),
    (["codes", "photos", "-o", "no/where.h5"], "the folder no does not exist"),
    (["patches", "photos", "--all-layers", "--unit", "1"], "--all-layers chooses layers and units itself"),
    (["neighbours"], "Missing argument 'CODES'"),
    (["neighbours", "photo.png"], "photo.png is not a file of codes"),
    (["neighbours", "photo.png", "nowhere.h5"], "there is no file nowhere.h5"),
    (["neighbours", "photo.png", "tiny.h5"], "tiny.h5 is not a file of codes"),
    (["neighbours", "photo.png", "codes.h5", "--net", "other.h5"], "codes.h5 holds codes of another net, tiny.h5"),
    (["neighbours", "photo.png", "codes.h5", "--sheet"], "--sheet draws pictures of CODES by cosine distance and by "
     "pixels: leave out IMAGE"),
    (["neighbours", "photo.png", "codes.h5", "--metric", "l1"], "'l1' is not one of 'cosine', 'l2'"),
    (["tsne", "photo.png"], "not a file of"),
    (["tsne", "few.h5"], "a map needs at least 4 pictures, and there are 2"),
    (["tsne", "codes.h5", "--perplexity", "0"], "'--perplexity'"),
    (["tsne", "digits", "--layout", "both"], "--layout and --most are for maps of pictures"),
    (["tsne", "codes.h5", "--layout", "circle"], "'circle' is not one of"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_mistakes(refused, run, here, words, message):
    (here / "void").mkdir()
    (here / "text").mkdir()
    (here / "text/a.png").write_text("I am no picture.")
    save(tiny_vgg(seed=1), "other.h5")
    if "few.h5" in words:
        (here / "two").mkdir()
        for name in ("a", "b"):
            write_image(f"two/{name}.png", scene())
        run("codes", "two", *NET, "-o", "few.h5", "-q")
    needs_net = words[0] != "tsne" and "--net" not in words
    assert message in refused(*words, *(NET if needs_net else []))


def test_a_perplexity_that_is_too_high_is_lowered_with_a_note(run):
    code, out, _ = run("tsne", "codes.h5", "--side", "64")
    assert code == 0 and "perplexity lowered from 50 to 3, for 11 pictures" in out


def test_without_dask(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = ("patches", "photos", *NET, "--backend", "dask", "--scheduler", "tcp://127.0.0.1:1")
    assert "pip install 'minivis[dask]'" in refused(*words)


# the command line with batches of two, which stops once it has kept the second
STOPS = """
import sys, os, signal, minivis.cli, minivis.sweeps.sweep as sweep
from minivis.sweeps.tally import Tally
from minivis.sweeps.codes_log import CodesLog
sweep.BATCH = 2
def stopping(keep, calls):
    def keeping(*args):
        calls.append(keep(*args))
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGNAL)
    return keeping
Tally.add, CodesLog.append = stopping(Tally.add, []), stopping(CodesLog.append, [])
sys.exit(minivis.cli.main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send to oneself")
@pytest.mark.parametrize("words, out, stop", [
    (("patches", "photos", *NET), "photos-patches.png", signal.SIGINT),
    (("codes", "photos", *NET, "-o", "new.h5"), "new.h5", signal.SIGTERM),
])
def test_ctrl_c_and_sigterm_leave_what_resume_needs(run, refused, here, words, out, stop, monkeypatch):
    monkeypatch.setattr("minivis.sweeps.sweep.BATCH", 2)
    assert run(*words, *(["-o", "whole.png"] if words[0] == "patches" else []))[0] == 0
    whole = here / ("whole.png" if words[0] == "patches" else "new.h5")
    kept = whole.read_bytes()
    if words[0] == "codes":
        whole.rename("whole.h5")
    with process("-c", STOPS.replace("SIGNAL", stop.name), *words) as child:
        _, err = child.communicate(timeout=60)
    assert child.returncode == stop + 128 and "minivis: stopped" in err, err
    assert f"{out}.checkpoint holds the results so far; --resume continues from there" in err
    assert not (here / out).exists()
    assert f"{out}.checkpoint holds an unfinished run: --resume continues it, --force starts over" in refused(*words)
    code, said, err = run(*words, "--resume")
    assert (code, err) == (0, "") and not (here / f"{out}.checkpoint").exists()
    if words[0] == "patches":
        assert (here / out).read_bytes() == kept
    else:
        assert said.startswith("11 pictures, 7 of them new")
        with open_codes("whole.h5") as a, open_codes(out) as b:
            np.testing.assert_array_equal(a.codes[:], b.codes[:])
            assert a.paths[:].tolist() == b.paths[:].tolist()


def test_as_a_module_with_two_jobs(here):
    code, out, err = finish("-m", "minivis", "codes", "photos", *NET, "-o", "b.h5", "--jobs", "2")
    assert (code, err) == (0, "") and out.startswith("11 pictures, 11 of them new")
    with open_codes("b.h5") as b, open_codes("codes.h5") as a:
        np.testing.assert_array_equal(a.codes[:], b.codes[:])


def test_the_digits_are_mapped_by_pixels_and_by_the_codes_of_their_own_net(run, here, monkeypatch):
    from minivis.data import digits

    every = digits.every_digit()
    monkeypatch.setattr(digits, "every_digit", lambda: tuple(part[1440:1560] for part in every))
    code, out, err = run("tsne", "digits", "--side", "128")
    assert (code, err) == (0, "") and "120 pictures of 10 classes" in out and "map of fc3: 9" in out
    assert "of the 60 new pictures" in out and out.endswith("wrote digits-tsne.png\n")
    record = json.loads(read_text("digits-tsne.png")["minivis"])
    assert record["command"] == ["tsne", "digits", "--side", "128", "--net", "digits-net"]
    assert "bit for bit" in run("rerun", "digits-tsne.png")[1]


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_codes_for_other_programs(run, here, suffix):
    """The ending chooses the format, and what is written serves neighbours and tsne as the HDF5 file does."""
    assert run("codes", "photos", *NET, "-o", f"c{suffix}", "-q") == (0, "", "")
    by_file = [json.loads(run("neighbours", "photo.png", file, *NET, "--json", "-o", f"{i}.png")[1])["numbers"]
               for i, file in enumerate(("codes.h5", f"c{suffix}"))]
    assert by_file[0] == by_file[1]
    assert run("tsne", f"c{suffix}", "--side", "64", "-q")[0] == 0
    run("tsne", "codes.h5", "--side", "64", "-q")
    assert (read_image("codes-tsne.png") == read_image("c-tsne.png")).all()


def test_codes_of_others(run, here, refused):
    with open_codes("codes.h5") as file:
        np.save("mine.npy", file.codes[:])
    assert run("tsne", "mine.npy", "--side", "128", "-q") == (0, "", "")
    said = json.loads(run("neighbours", "photo.png", "mine.npy", *NET, "--top", "2", "--json")[1])
    assert all(one["picture"].isdecimal() for one in said["numbers"]["neighbours"])
    np.save("narrow.npy", np.eye(5))
    assert "narrow.npy holds codes of 5 numbers" in refused("neighbours", "photo.png", "narrow.npy", *NET, "-f")
    run("codes", "photos", *NET, "-o", "c.csv", "-q")
    assert "does not say of which net" in refused("codes", "photos", *NET, "-o", "c.csv", "--append")
    assert "c.txt: the name of a file of codes must end in one of" in refused("codes", "photos", *NET, "-o", "c.txt")


def test_a_map_as_a_page(run, here, refused):
    assert "wrote map.html, a page to explore" in run("tsne", "codes.h5", "--side", "64", "--html", "map.html")[1]
    text = (here / "map.html").read_text()
    assert "11 pictures" in text and "03.png" in text
    record = json.loads(read_text("codes-tsne.png")["minivis"])
    assert "--html" not in record["command"]
    assert "map.txt: the name of a page must end in" in refused("tsne", "codes.h5", "--html", "map.txt", "-f")
