"""`minivis blocks` and `atlas` from the command line."""

import json

TINY = ("--net", "tiny.h5", "--steps", "2", "--side", "16", "--cells", "2", "-o", "out.png", "--json")


def said(found):
    code, out, _ = found
    assert code == 0
    return json.loads(out)


def test_blocks_writes_a_grid(run):
    found = said(run("blocks", "photo.png", "--layer", "relu2_1", *TINY))
    assert found["numbers"]["grid"] == [2, 2] and found["files"] == ["out.png"]


def test_atlas_reads_a_folder(run):
    found = said(run("atlas", ".", "--layer", "relu2_1", *TINY))
    assert found["numbers"]["pictures"] >= 1 and found["numbers"]["cells"] >= 1


def test_a_layer_without_places_is_named(refused):
    assert "fc6 has no places" in refused("blocks", "photo.png", "--layer", "fc6", *TINY[:2])
