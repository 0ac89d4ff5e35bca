"""Small nets of any number of channels, and pictures for them."""

import numpy as np

from minivis.engine.network import Network
from minivis.engine.roles import name_roles
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Flatten, MaxPool2D, ReLU, Softmax
from minivis.models.tiny import Weights


def channel_net(channels, dtype=np.float32, **settings):
    """Two convolutions and two FC layers over pictures of 16 x 16; ``settings`` of its preprocessing."""
    weights = Weights(0, dtype)
    preprocessing = Preprocessing(mean=(120,) * channels, scale=(60,) * channels, size=(16, 16), **settings)
    net = Network(preprocessing=preprocessing, class_names=("cat", "dog", "owl"))
    net.add("conv1", weights.conv(3, 3, channels, 5, padding=1)).add("relu1", ReLU()).add("pool1", MaxPool2D(2))
    net.add("conv2", weights.conv(3, 3, 5, 6, padding=1)).add("relu2", ReLU()).add("pool2", MaxPool2D(2))
    net.add("flatten", Flatten()).add("fc3", weights.fc(6 * 16, 7)).add("relu3", ReLU())
    net.add("fc4", weights.fc(7, 3)).add("prob", Softmax())
    name_roles(net)
    return net


def channel_picture(channels, height=20, width=24, seed=0):
    """uint8 (height, width, channels), in coarse squares."""
    coarse = np.random.default_rng(seed).integers(0, 256, (-(-height // 4), -(-width // 4), channels), np.uint8)
    return np.kron(coarse, np.ones((4, 4, 1), np.uint8))[:height, :width]
