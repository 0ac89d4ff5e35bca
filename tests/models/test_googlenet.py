"""GoogLeNet's nine modules, against table 1 of its paper."""

from minivis.models.googlenet import googlenet, torch_googlenet, torch_names

TABLE = {"3a": (28, 256), "3b": (28, 480), "4a": (14, 512), "4b": (14, 512), "4c": (14, 512), "4d": (14, 528),
         "4e": (14, 832), "5a": (7, 832), "5b": (7, 1024)}  # fmt: skip


def test_both_programs_nets_have_the_papers_sizes_and_channels():
    for net in (googlenet(), torch_googlenet()):
        shapes = net.shapes()
        for module, (side, channels) in TABLE.items():
            assert shapes[f"inception_{module}/output"] == (1, side, side, channels), module
        assert shapes[net.roles["code"]][-1] == 1024 and shapes["prob"] == (1, 1000)


def test_four_branches_read_the_modules_input_and_meet_in_their_order():
    net = googlenet()
    reads = {name: net.nodes[f"inception_3b/{name}"].inputs for name in ("1x1", "3x3_reduce", "5x5_reduce", "pool")}
    assert set(reads.values()) == {("inception_3a/output",)}
    branches = ("1x1", "3x3", "5x5", "pool_proj")
    assert net.nodes["inception_3b/output"].inputs == tuple(f"inception_3b/relu_{branch}" for branch in branches)
    shapes = net.shapes()
    assert [shapes[f"inception_3b/{branch}"][-1] for branch in branches] == [128, 192, 96, 64]


def test_torchvisions_five_by_five_is_three_by_three_and_normed():
    ours, theirs = googlenet().layers, torch_googlenet().layers
    assert ours["inception_4a/5x5"].params["w"].shape == (5, 5, 16, 48)
    assert theirs["inception_4a/5x5"].params["w"].shape == (3, 3, 16, 48)
    assert "b" in ours["inception_4a/5x5"].params and "b" not in theirs["inception_4a/5x5"].params
    assert "inception_4a/5x5/bn" in theirs


def test_names_of_torchvision():
    names = torch_names()
    assert names["inception_4c/5x5"] == "inception4c.branch3.1.conv"
    assert names["inception_4c/3x3_reduce/bn"] == "inception4c.branch2.0.bn"
    assert len(names) == 2 * (3 + 9 * 6) + 1
