"""AlexNet's shapes, as the paper and the two programs have them."""

from minivis.models.alexnet import alexnet, caffenet, torch_alexnet


def layers_at(net, *names):
    shapes = net.shapes()
    return [shapes[name][1:] for name in names]


def test_caffes_maps_shrink_from_227_to_6():
    convs = layers_at(alexnet(), "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6", "prob")
    assert convs == [(55, 55, 96), (27, 27, 96), (27, 27, 256), (13, 13, 256), (13, 13, 384), (13, 13, 384),
                     (13, 13, 256), (6, 6, 256), (4096,), (1000,)]  # fmt: skip


def test_layers_2_4_and_5_have_two_groups_in_caffes_net_and_one_in_torchvisions():
    groups = {name: layer.groups for name, layer in alexnet().layers.items() if name.startswith("conv")}
    assert groups == {"conv1": 1, "conv2": 2, "conv3": 1, "conv4": 2, "conv5": 2}
    assert {layer.groups for name, layer in torch_alexnet().layers.items() if name.startswith("conv")} == {1}


def test_alexnet_normalises_before_it_pools_and_caffenet_after():
    assert list(alexnet().nodes)[:8] == ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2"]
    assert list(caffenet().nodes)[:8] == ["conv1", "relu1", "pool1", "norm1", "conv2", "relu2", "pool2", "norm2"]


def test_torchvisions_maps_shrink_from_224_to_6():
    assert layers_at(torch_alexnet(classes=7), "conv1", "pool1", "conv2", "pool2", "conv5", "pool5", "fc8") == [
        (55, 55, 64), (27, 27, 64), (27, 27, 192), (13, 13, 192), (13, 13, 256), (6, 6, 256), (7,)]  # fmt: skip
