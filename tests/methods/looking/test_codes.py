"""Codes in memory and in a file that grows; the nearest of them, by hand."""

import errno

import h5py
import numpy as np
import pytest
from commandline import contents

import minivis as mv
from minivis.errors import BadFile, BadValue, MinivisError, UnknownName
from minivis.images.files import write_image
from minivis.methods.looking.codes import codes, nearest, write_codes
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.runtime import block_log, files
from minivis.runtime.block_log import blocks
from minivis.sweeps import codes_log
from minivis.sweeps import sweep as sweeping
from minivis.sweeps.codes_file import open_codes
from minivis.sweeps.codes_log import CodesLog
from minivis.weights.containers import hdf5_write


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 4)


@pytest.fixture
def folder(tmp_path, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for i in range(10):
        write_image(f"pictures/{i}.png", rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    (tmp_path / "pictures/5x.png").write_bytes(b"broken")
    return tmp_path


def read(path):
    with open_codes(path) as file:
        return file.codes[:], [file.picture(i) for i in range(len(file))], [h.decode() for h in file.hashes[:]]


def test_are_the_layer_s_activations(folder):
    net = tiny_vgg()
    found = codes(net, "pictures")
    assert found.layer == "fc7" and found.values.shape == (10, 7) and [n for n, _ in found.unreadable] == ["5x.png"]
    for name, code in zip(found.names, found.values):
        x = net.preprocess(mv.read_image(f"pictures/{name}"))
        np.testing.assert_allclose(code, net.forward(x)["fc7"][0], rtol=1e-5, atol=1e-5)
    maps = codes(net, "pictures", "relu2_1").values
    x = net.preprocess(mv.read_image("pictures/0.png"))
    np.testing.assert_allclose(maps[0], net.forward(x)["relu2_1"].ravel(), rtol=1e-4, atol=1e-5)


def test_the_file_holds_the_same(folder):
    from minivis.runtime.files import file_hash

    net = tiny_vgg()
    done = write_codes(net, "pictures", "codes.h5", net_name="tiny")
    values, paths, hashes = read("codes.h5")
    assert (done.pictures, done.new, done.width, len(done.unreadable)) == (10, 10, 7, 1)
    np.testing.assert_array_equal(values, codes(net, "pictures").values)
    assert paths == [f"pictures/{i}.png" for i in range(10)] and hashes == [file_hash(path) for path in paths]
    assert not (folder / "codes.h5.checkpoint").exists()


def test_the_file_may_lie_elsewhere(folder):
    (folder / "results").mkdir()
    write_codes(tiny_vgg(), folder / "pictures", "results/codes.h5")
    assert read("results/codes.h5")[1][0] == "pictures/0.png"


class Stop(BaseException):
    pass


def stop_at(monkeypatch, number, error=Stop):
    """Stop the run before batch ``number`` is kept; return the names of the pictures of each batch, as it comes."""
    append, calls = CodesLog.append, []

    def stopping(self, batch):
        calls.append([path.rpartition("/")[2] for path in batch.paths])
        if len(calls) == number:
            raise error
        append(self, batch)

    monkeypatch.setattr(CodesLog, "append", stopping)
    return calls


def test_stopped_and_continued_is_the_same_to_the_bit(folder, monkeypatch):
    """The unreadable 5x.png, too, so that every batch has the pictures that it has in an unbroken run."""
    (folder / "pictures/00.png").write_bytes(b"broken, and early in the folder")
    net = tiny_vgg()
    whole = write_codes(net, "pictures", "whole.h5")
    calls = stop_at(monkeypatch, 2)
    with pytest.raises(Stop):
        write_codes(net, "pictures", "codes.h5")
    assert [path.name for path in sorted(folder.glob("codes.h5*"))] == ["codes.h5.checkpoint"]
    done = write_codes(net, "pictures", "codes.h5", resume=True)
    assert calls == [["0.png", "1.png", "2.png"], ["3.png", "4.png", "5.png"],
                     ["3.png", "4.png", "5.png"], ["6.png", "7.png", "8.png", "9.png"]]    # no batch is made twice
    for a, b in zip(read("codes.h5"), read("whole.h5")):
        np.testing.assert_array_equal(a, b)
    assert (done.pictures, done.new, done.unreadable) == (10, 7, whole.unreadable)
    assert [name for name, _ in done.unreadable] == ["00.png", "5x.png"]
    assert [path.name for path in sorted(folder.glob("codes.h5*"))] == ["codes.h5"]


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_checkpoint_that_is_cut_short_anywhere_is_continued(folder, monkeypatch, cut):
    net = tiny_vgg()
    write_codes(net, "pictures", "whole.h5")
    stop_at(monkeypatch, 3)
    with pytest.raises(Stop):
        write_codes(net, "pictures", "codes.h5")
    data = (folder / "codes.h5.checkpoint").read_bytes()
    (folder / "codes.h5.checkpoint").write_bytes(data[:-cut])
    write_codes(net, "pictures", "codes.h5", resume=True)
    for a, b in zip(read("codes.h5"), read("whole.h5")):
        np.testing.assert_array_equal(a, b)


def test_a_picture_that_could_not_be_read_is_tried_again_by_a_later_run(folder, rng):
    net = tiny_vgg()
    write_codes(net, "pictures", "codes.h5")
    write_image("pictures/5x.png", rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), force=True)
    assert write_codes(net, "pictures", "codes.h5", resume=True).new == 1


@pytest.mark.parametrize("settings, message", [
    ({"jobs": 0}, "jobs must be at least 1"), ({"scheduler": "tcp://127.0.0.1:1"}, "need each other"),
    ({"layer": "fc9"}, "no layer named 'fc9'"), ({"size": 8}, "--size None, not 8"),
])
def test_a_wrong_setting_leaves_no_checkpoint_and_takes_none_away(folder, monkeypatch, settings, message):
    net = tiny_vgg()
    for path in ("new.h5", "codes.h5", "begun.h5"):
        if path == "codes.h5":
            write_codes(net, "pictures", path)
        if path == "begun.h5":
            stop_at(monkeypatch, 2)
            with pytest.raises(Stop):
                write_codes(net, "pictures", path)
        before = contents(folder)
        if path != "new.h5" or "size" not in settings:
            with pytest.raises(MinivisError, match=message):
                write_codes(net, "pictures", path, resume=True, **settings)
        assert contents(folder) == before


def test_nobody_deletes_what_another_run_makes(folder):
    """Not with --append, not with --force, and not a file that was made meanwhile."""
    net, states = tiny_vgg(), []

    def second(settings):
        before = contents(folder)
        with pytest.raises(BadValue, match=r"codes\.h5 is being written by another minivis: wait until"):
            write_codes(net, "pictures", "codes.h5", **settings)
        states.append(contents(folder) == before)

    with pytest.MonkeyPatch.context() as patch:
        append = CodesLog.append
        patch.setattr(CodesLog, "append", lambda self, batch: (
            append(self, batch), second({"resume": True}), second({"force": True})))
        write_codes(net, "pictures", "codes.h5")
    assert states == [True] * 6 and len(read("codes.h5")[0]) == 10
    assert not (folder / "codes.h5.lock").exists()


@pytest.mark.parametrize("block, rows", [(0, 0), (1, 0), (2, 4), (3, 7), (4, 10)])
def test_a_full_disk_keeps_whole_batches_and_resume_makes_the_rest(folder, monkeypatch, block, rows):
    """It is full 10 bytes into that block of the checkpoint: its header, its batches, or the file after them."""
    net, ends = tiny_vgg(), [0]
    with monkeypatch.context() as patch:
        close = CodesLog.close
        patch.setattr(CodesLog, "close", lambda log: (close(log), ends.extend(end for end, _ in blocks(log.path))))
        write_codes(net, "pictures", "whole.h5")
    left, write = [ends[block] + 10], files.write_all

    def write_all(descriptor, data):
        size = memoryview(data).nbytes
        if left[0] < size:
            write(descriptor, memoryview(data).cast("B")[: left[0]])
            left[0] = 0
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= size
        write(descriptor, data)

    with monkeypatch.context() as patch:
        for module in (block_log, hdf5_write):
            patch.setattr(module, "write_all", write_all)
        with pytest.raises(BadFile, match=r"codes\.h5.* cannot be written: the disk at .* is full"):
            write_codes(net, "pictures", "codes.h5")
    assert sorted(path.name for path in folder.glob("*codes*")) == ["codes.h5.checkpoint"] * bool(rows)
    assert len(ends) == 5
    if rows:
        source = codes_log.source_of("codes.h5.checkpoint")
        assert CodesLog("codes.h5.checkpoint", source, resume=True).rows == rows
    write_codes(net, "pictures", "codes.h5", resume=True)
    for a, b in zip(read("codes.h5"), read("whole.h5")):
        np.testing.assert_array_equal(a, b)


def test_rows_whose_writing_was_cut_off_are_made_again(folder):
    net = tiny_vgg()
    write_codes(net, "pictures", "codes.h5")
    before = read("codes.h5")
    with h5py.File("codes.h5", "r+") as file:
        file["paths"].resize(6, axis=0)
    assert write_codes(net, "pictures", "codes.h5", resume=True).new == 4
    for a, b in zip(read("codes.h5"), before):
        np.testing.assert_allclose(a, b, rtol=1e-5) if a is before[0] else None
        assert len(a) == len(b) == 10


def test_grows(folder, rng):
    net = tiny_vgg()
    write_codes(net, "pictures", "codes.h5")
    (folder / "more").mkdir()
    write_image("more/a.png", rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    done = write_codes(net, "more", "codes.h5", resume=True)
    assert (done.pictures, done.new) == (11, 1) and read("codes.h5")[1][-1] == "more/a.png"
    assert write_codes(net, "more", "codes.h5", resume=True).new == 0


def test_a_failure_keeps_the_file_that_is_there(folder, monkeypatch):
    net = tiny_vgg()
    write_codes(net, "pictures", "codes.h5")
    before = (folder / "codes.h5").read_bytes()
    with pytest.raises(BadValue, match="exists and is kept"):
        write_codes(net, "pictures", "codes.h5")
    for i in range(10):
        (folder / f"pictures/{i}.png").write_bytes(b"broken too")
    with pytest.raises(BadFile, match=r"none of the 11 pictures can be read; the first: 0\.png is not a picture"):
        write_codes(net, "pictures", "codes.h5", force=True)
    assert (folder / "codes.h5").read_bytes() == before and not (folder / "codes.h5.checkpoint").exists()


@pytest.mark.parametrize("net, settings, message", [
    (tiny_vgg(seed=1), {}, "codes.h5 holds codes of another net, tiny"),
    (tiny_vgg(), {"layer": "fc6"}, "codes.h5 holds codes of the layer fc7, not of fc6"),
    (tiny_vgg(), {"size": 8}, "codes.h5 holds codes of pictures of --size None, not 8"),
])
def test_what_does_not_belong_together(folder, net, settings, message):
    write_codes(tiny_vgg(), "pictures", "codes.h5", net_name="tiny")
    before = (folder / "codes.h5").read_bytes()
    with pytest.raises(BadFile, match=message):
        write_codes(net, "pictures", "codes.h5", resume=True, **settings)
    assert (folder / "codes.h5").read_bytes() == before and not (folder / "codes.h5.checkpoint").exists()


def test_files_that_are_no_codes(folder):
    mv.save(tiny_vgg(), "net.h5")
    write_codes(tiny_vgg(), "pictures", "codes.h5")
    (folder / "cut.h5").write_bytes((folder / "codes.h5").read_bytes()[:3000])
    with h5py.File("lacks.h5", "w") as file, h5py.File("codes.h5") as whole:
        file.attrs.update(whole.attrs)
        whole.copy("codes", file)
    for path, message in (("net.h5", "is not a file of codes; minivis codes FOLDER"), ("cut.h5", "damaged"),
                          ("lacks.h5", "lacks a part"), ("nowhere.h5", "there is no file"),
                          ("pictures/0.png", "is not a file of")):  # fmt: skip
        with pytest.raises(BadFile, match=message), open_codes(path):
            pass


def test_a_net_without_a_code_layer(folder):
    net = tiny_branches()
    net.roles["code"] = None
    with pytest.raises(UnknownName, match="no layer for the role 'code'"):
        codes(net, "pictures")


# ---- the nearest ----

ROWS = np.array([[3.0, 4.0], [0.0, 2.0], [-3.0, -4.0], [6.0, 8.0], [0.0, 0.0], [4.0, 3.0]])


@pytest.mark.parametrize("metric, numbers, distances", [
    ("cosine", [0, 3, 5, 1], [0, 0, 1 - 24 / 25, 1 - 4 / 5]),
    ("l2", [0, 5, 1, 3], [0, 2**0.5, 13**0.5, 5]),
])
def test_nearest_by_hand(metric, numbers, distances):
    found, far = nearest(ROWS, [3, 4], 4, metric=metric)
    assert found.tolist() == numbers
    np.testing.assert_allclose(far, distances, atol=1e-12)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_block_by_block_is_the_same(folder, rng, monkeypatch, metric):
    write_codes(tiny_vgg(), "pictures", "codes.h5")
    values = read("codes.h5")[0]
    monkeypatch.setattr("minivis.sweeps.codes_file.ROWS", 3)
    with open_codes("codes.h5") as file:
        for expected, got in zip(*(nearest(codes, values[4], 5, metric=metric) for codes in (values, file))):
            np.testing.assert_allclose(got, expected, atol=1e-12)


def test_nearest_refuses():
    with pytest.raises(BadValue, match="the code has 3 numbers, but the other codes have 2"):
        nearest(ROWS, [1, 2, 3])
    with pytest.raises(UnknownName, match="no metric named 'cosin'; did you mean 'cosine'"):
        nearest(ROWS, [1, 2], metric="cosin")


def test_paths_are_read_in_blocks_and_little_of_the_file_is_kept(folder, monkeypatch):
    """A path takes 4096 bytes in the file; HDF5 2 would keep 8 MB of each part."""
    write_codes(tiny_vgg(), "pictures", "codes.h5")
    monkeypatch.setattr("minivis.sweeps.codes_file.PATHS", 3)
    with open_codes("codes.h5") as file:
        assert list(file.names()) == [f"pictures/{i}.png" for i in range(10)]
    caches = []
    with monkeypatch.context() as patch:
        patch.setattr(hdf5_write.Sink, "check", lambda self: None)
        make = h5py.File.create_dataset
        patch.setattr(h5py.File, "create_dataset", lambda file, *args, **kwargs: (
            caches.append(file.id.get_access_plist().get_cache()[2]), make(file, *args, **kwargs))[1])
        write_codes(tiny_vgg(), "pictures", "more.h5")
    assert caches == [2**20] * 3
