"""Whole, small files of every kind that the program reads, for the fuzzer to damage."""

import contextlib
import gzip
import io
import json
import os
import pickle
import pickletools
import zipfile
from pathlib import Path

import keras_files
import keras_models
import numpy as np
import vgg_files
from commandline import scene
from emoji_sprites import sprites_of, square_sprite
from foreign_files import write_caffemodel, write_safetensors
from PIL import Image
from tiff_files import write_tiff
from vgg_nets import narrow_vgg

from minivis.cli import main
from minivis.engine.layer_table import describe
from minivis.engine.network import Network
from minivis.images.files import write_image
from minivis.images.preprocessing import Preprocessing
from minivis.layers import Conv2D, Flatten, FullyConnected, ReLU, Softmax
from minivis.models.tiny import tiny_branches, tiny_vgg
from minivis.sweeps.codes_file import open_codes
from minivis.sweeps.codes_log import Batch, CodesLog
from minivis.weights.native import save

PICTURES = ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "PPM", "ICO", "JPEG2000")
RUNS = {                                        # a picture that carries a record -> the command that makes it
    "saliency.png": ("saliency", "photo.png", "--map", "smoothgrad", "--samples", "2"),
    "occlude.jpg": ("occlude", "photo.png", "--window", "8,8", "--stride", "4"),
    "backprop.webp": ("backprop", "photo.png", "--unit", "conv1_1:2@3,4", "--rule", "guided"),
    "fool.png": ("fool", "photo.png", "--steps", "1", "--eps", "2", "--method", "bim"),
    "dream.tif": ("dream", "photo.png", "--steps", "1", "--octaves", "1", "--guide", "photo.jpg"),
    "patches.png": ("patches", "photos", "--unit", "1", "--beside", "none"),
}
KEPT = {                                        # a checkpoint -> the command that goes on from it
    "maximize.npz": ("maximize", "--steps", "2", "--width", "16"),
    "invert.npz": ("invert", "photo.png", "--steps", "2"),
    "dream.npz": ("dream", "photo.png", "--steps", "1", "--octaves", "1"),
    "texture.npz": ("texture", "photo.png", "--steps", "2", "--side", "16", "--layer", "conv1_1"),
    "evolve.npz": ("evolve", "--generations", "1", "--population", "2"),
}


def make_all(folder):
    """Make every file, in ``folder``, and in folders below it for what is read from folders."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        nets()
        pictures()
        data_sets()
        runs()
    finally:
        os.chdir(before)


def nets():
    """Files of weights: our own, and those of each other program."""
    save(tiny_vgg(), "tiny.h5")
    save(tiny_branches(), "branches.h5")
    table = describe(tiny_vgg())
    tensors = {}
    for name, layer in tiny_vgg().layers.items():
        for key, array in layer.params.items():
            turned = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
            tensors[f"{name}.{'weight' if key == 'w' else 'bias'}"] = np.ascontiguousarray(turned)
    for row in table["layers"]:
        row.pop("parameters")
    table["preprocessing"]["size"] = [16, 16]
    table["classes"] = table.pop("class_names")
    Path("table.json").write_text(json.dumps(table))
    Path("classes.txt").write_text("\n".join(table["classes"]))
    Path("classes.json").write_text(json.dumps({"id2label": dict(enumerate(f"class {k}" for k in range(9)))}))
    write_safetensors(Path("tiny.safetensors"), tensors)
    np.savez("tiny.npz", **tensors)
    write_caffemodel(Path("odd.caffemodel"), [("conv1", "Convolution", [tensors["conv1_1.weight"]])])
    for name in ("model.safetensors", "v1.caffemodel", "v2.caffemodel", "frossard.npz", "compressed.npz", "new.mat",
                 "old.mat", "compressed.mat"):
        vgg_files.WRITERS[name](Path(name))
    for name in ("nets_vgg16.pth", "nets_squeezenet1_1.pth", "zip.pth", "protocol4.pth"):
        Path(name).write_bytes((vgg_files.GOLDEN / name).read_bytes())
    as_archive("nets_vgg16.pth", "archive.pth")
    save(of_five_channels(), "five.h5")
    described("described.h5", "described.keras")
    arrays = keras_files.arrays(narrow_vgg())
    keras_files.write_named("named.h5", arrays, text=str)
    keras_files.write_named("old_named.h5", arrays, whole=True)
    keras_files.write_numbered("numbered.weights.h5", arrays)
    keras_files.write_archive(Path("model.keras"), arrays, keras_files.config())
    with contextlib.suppress(ImportError):      # the package onnx is an extra
        import onnx_models

        onnx_models.everything().save(Path("net.onnx"))


def of_five_channels():
    rng = np.random.default_rng(0)
    net = Network(preprocessing=Preprocessing(mean=(120.0,) * 5, scale=(60.0,) * 5, size=(16, 16)))
    net.add("conv1", Conv2D(rng.standard_normal((3, 3, 5, 4)).astype("f4") / 4)).add("relu1", ReLU())
    net.add("flatten", Flatten()).add("fc2", FullyConnected(rng.standard_normal((784, 3)).astype("f4") / 20))
    net.add("prob", Softmax())
    net.roles.update(logits="fc2", prob="prob", content="relu1")
    return net


def described(h5, archive):
    """A small model that Keras describes in its file."""
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.standard_normal(shape).astype("f4") / 4  # noqa: E731
    net = keras_models.Keras((12, 12, 3))
    x = net.layer("Conv2D", net.input, {"kernel": draw(3, 3, 3, 4), "bias": draw(4)}, filters=4, kernel_size=[3, 3])
    x = net.layer("ReLU", x)
    x = net.layer("MaxPooling2D", x)
    x = net.layer("Flatten", x)
    x = net.layer("Dense", x, {"kernel": draw(100, 5), "bias": draw(5)}, units=5, activation="softmax")
    net.ends(x).h5(h5)
    net.archive(Path(archive))


def as_archive(stream, path):
    """A .pth in the form of before PyTorch 1.6, as the zip archive of today."""
    with open(stream, "rb") as raw:
        parts = []
        for _ in range(5):
            start = raw.tell()
            list(pickletools.genops(raw))
            end = raw.tell()
            raw.seek(start)
            parts.append(raw.read(end - start))
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", parts[3])
            itemsize = 2 if b"HalfStorage" in parts[3] else 4
            for key in pickle.loads(parts[4]):
                count = int.from_bytes(raw.read(8), "little")
                archive.writestr(f"archive/data/{key}", raw.read(itemsize * count))


def pictures():
    os.mkdir("photos")
    write_image("photo.png", scene())
    write_image("photo.jpg", scene())
    for i in range(5):
        write_image(f"photos/{i}.png", np.roll(scene(24, 32), 5 * i, axis=1))
    rgb = Image.fromarray(scene(24, 32))
    for format in PICTURES:
        with contextlib.suppress(KeyError, OSError):        # what this Pillow cannot write
            rgb.save(f"scene.{format.lower()}", format)
    rgb.convert("RGBA").save("rgba.png")
    rgb.convert("P").save("palette.png")
    rgb.convert("L").save("grey.webp")
    rgb.convert("CMYK").save("cmyk.jpg")
    rgb.convert("F").save("floats.tif")
    Image.fromarray(np.arange(768, dtype=np.uint16).reshape(24, 32) * 80).save("deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb.save("turned.jpg", exif=exif)
    rgb.save("lzw.tif", compression="tiff_lzw")
    five = np.random.default_rng(0).integers(0, 256, (18, 20, 5), np.uint8)
    np.save("five.npy", five)
    write_tiff(Path("five.tif"), [five], compression=8)
    rgb.save("film.gif", save_all=True, append_images=[rgb.rotate(90)])


def data_sets():
    rng = np.random.default_rng(0)
    os.mkdir("fashion")
    for stem, count in (("train", 20), ("t10k", 10)):
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        for part, array in (("images-idx3", images), ("labels-idx1", np.arange(count, dtype=np.uint8) % 10)):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            with gzip.open(f"fashion/{stem}-{part}-ubyte.gz", "wb") as file:
                file.write(head + array.tobytes())
    sprites = sprites_of(square_sprite((200, 100, 50)))
    sprites.save("sprites.npz")


def runs():
    """What commands leave: codes and their checkpoint, pictures with records, checkpoints."""
    def run(*words):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main(list(words))
        assert code in (0, 1), said.getvalue()

    net = ("--net", "tiny.h5")
    run("codes", "photos", *net, "-q")
    for picture, words in RUNS.items():
        run(*words, *net, "-q", "-o", picture)
    for kept, words in KEPT.items():
        run(*words, *net, "-q", "--checkpoint", kept, "-o", "out.png")
        os.unlink("out.png")
    codes_checkpoint()


def codes_checkpoint():
    """``half.h5.checkpoint``: what a run of `codes` that was stopped after two pictures leaves."""
    with open_codes("codes.h5") as file, CodesLog("half.h5.checkpoint", file.source) as log:
        for i in range(2):
            row = slice(i, i + 1)
            paths, hashes = ([text.decode() for text in part[row]] for part in (file.paths, file.hashes))
            log.append(Batch(paths, hashes, [], file.codes[row]))
