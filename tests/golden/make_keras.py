"""Write the golden Keras files: one narrow VGG16 in every layout that Keras 3 still writes, and Keras' own outputs.

    pip install keras torch h5py
    KERAS_BACKEND=torch python tests/golden/make_keras.py

Run once, with Keras 3.15.1 and torch 2.13.0; no test imports either. The picture is a formula, so that no file of it
is needed: `picture` below, repeated in tests/weights/keras/test_reader.py.
"""

import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import keras
import numpy as np
from keras import layers

WIDTHS = (4, 5, 6, 7, 8)
CONVS = (2, 2, 3, 3, 3)
SIZE = 64                                       # so that fc1 sees 2 x 2 positions: a wrong order of its rows shows


def picture():
    y, x, c = np.mgrid[:SIZE, :SIZE, :3]
    return ((7 * y + 13 * x * x + 29 * c * y) % 256).astype(np.uint8)


def narrow_vgg16(*, top=True):
    """keras.applications' VGG16, layer by layer, with fewer channels."""
    x = inputs = layers.Input((SIZE, SIZE, 3) if top else (None, None, 3))
    for block, (width, convs) in enumerate(zip(WIDTHS, CONVS), start=1):
        for conv in range(1, convs + 1):
            x = layers.Conv2D(width, 3, activation="relu", padding="same", name=f"block{block}_conv{conv}")(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(11, activation="relu", name="fc1")(x)
        x = layers.Dense(10, activation="relu", name="fc2")(x)
        x = layers.Dense(9, activation="softmax", name="predictions")(x)
    model = keras.Model(inputs, x, name="vgg16")
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = (w.shape for w in layer.weights)
            scale = (2 / np.prod(kernel[:-1])) ** 0.5
            if layer.name == "predictions":
                scale *= 0.02                   # pixels reach to 150, and prob should not be all 0 and 1
            layer.set_weights([rng.normal(0, scale, kernel), rng.normal(0, 0.1, bias)])
    return model


def main(path):
    net, headless = narrow_vgg16(), narrow_vgg16(top=False)
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        net.save_weights(folder / "vgg16.weights.h5")
        net.save(folder / "vgg16.keras")
        net.save(folder / "whole.h5", include_optimizer=False)
        headless.save_weights(folder / "notop.weights.h5")
        with h5py.File(folder / "legacy.h5", "w") as file:
            keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(file, net)

        x = keras.applications.vgg16.preprocess_input(picture()[None].astype(np.float32))
        prob = net.predict(x, verbose=0)
        net.layers[-1].activation = keras.activations.linear
        logits = keras.Model(net.input, net.layers[-1](net.layers[-2].output)).predict(x, verbose=0)
        np.savez(folder / "outputs.npz", logits=logits, prob=prob, pool5=headless.predict(x, verbose=0))
        with zipfile.ZipFile(path, "w", compresslevel=9) as archive:            # mostly empty: 450 kB become 110
            for file in sorted(folder.iterdir()):
                archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("keras3.zip"))
