"""A unit that is switched off is 0 for all that read it."""

import numpy as np

from minivis.live.switched_off import switched_off
from minivis.models.tiny import tiny_branches, tiny_vgg


def test_what_reads_a_unit_sees_zeros_and_the_unit_itself_stays(rng):
    for make, layer in ((tiny_vgg, "relu1_2"), (tiny_vgg, "fc6"), (tiny_branches, None)):
        net = make()
        layer = layer or next(name for name in net.nodes if sum(name in n.inputs for n in net.nodes.values()) > 1)
        x = rng.standard_normal((1, *(net.input_size or (16, 16)), net.input_channels)).astype(net.dtype)
        own, off = net.forward(x), switched_off(net, [(layer, 1), (layer, 0)])
        acts = off.forward(x)
        np.testing.assert_array_equal(acts[layer], own[layer])
        masked = own[layer].copy()
        masked[..., [0, 1]] = 0
        after = net.forward(masked, start_after=layer) if make is tiny_vgg else None
        if after is not None:
            np.testing.assert_allclose(acts["fc8"], after["fc8"], rtol=1e-5, atol=1e-6)
        assert not np.array_equal(acts["fc8" if make is tiny_vgg else net.roles["logits"]], own[net.roles["logits"]])
        assert list(net.nodes) == list(make().nodes)                    # the net itself stays as it was


def test_nothing_switched_off_changes_nothing(rng):
    net = tiny_vgg()
    x = rng.standard_normal((1, 16, 16, 3)).astype(net.dtype)
    np.testing.assert_array_equal(switched_off(net, []).forward(x)["prob"], net.forward(x)["prob"])
