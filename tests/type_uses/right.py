"""Right uses of the public interface: a type checker must find nothing in here. It is checked, never run."""

from pathlib import Path

import numpy as np

import minivis as mv

net = mv.load("emoji-vgg")
net = mv.load(Path("net.h5"), device="gpu")
image = mv.read_image(Path("photo.jpg"))
x = net.preprocess(net.fit(image))
acts = net.forward(x, keep=["conv1_1", "fc8"], grad="params", algorithm={"conv1_1": "winograd4"})
dacts, dparams = net.backward(acts, mv.one_hot(acts, "goose"), relu_rule="guided", param_grads=True)
norm = float(np.linalg.norm(dacts["input"])) + float(dparams["conv1_1"]["w"].sum())
figure: np.ndarray = mv.backprop(net, image, "goose", rules=("guided", "deconv")).picture()
mv.saliency(net, [image, image], ["goose", "owl"], kind="smoothgrad", samples=10)
mv.maximize(net, "goose", preset="lucid", steps=20, tv=1e-3)
mv.occlusion(net, image, window=8, stride=(2, 2), fill="blur")
mv.fool(net, image, to="owl", norm="L2", eps=2.5)
mv.style_transfer(net, image, [image], size=(64, 128), steps=100)
loss, gradient = net.image_gradient(x, mv.objectives.energy("conv3_1"), tile=512)
mv.optimize.optimize(mv.Problem(net, mv.objectives.energy("fc8"), mv.parameterize.pixels(net, (1, 64, 64, 3))), x,
                     method=mv.descent.Adam(0.05), steps=10)
net.add("again", mv.layers.ReLU())
mv.save(net, "copy.h5")
recipe = mv.train.Recipe(steps=100, batch=32, optimizer="adam")
conv = mv.layers.Conv2D(np.ones((3, 3, 1, 2)), padding="same", stride=(2, 1))
shape: tuple[int, ...] = conv.output_shape((1, 5, 6, 1))
window = mv.layers.MaxPool2D(3, stride=2, ceil=True).window((1, 5, 6, 1))
size: tuple[int, int] = window.kernel if window is not None else (1, 1)


class Doubled(mv.layers.Layer):
    """A layer of one's own, as layers/base.py describes it."""

    elementwise = True

    def forward(self, x: np.ndarray, *, mode: mv.layers.ForwardMode) -> tuple[np.ndarray, bool]:
        return 2 * x, True

    def backward(self, dout: np.ndarray, cache: bool, mode: mv.layers.BackwardMode) -> mv.layers.LayerGradients:
        return (2 * dout,), {}


net.add("doubled", Doubled())
total: float = mv.objectives.energy("fc8").evaluate(acts).loss
