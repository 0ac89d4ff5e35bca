"""Every architecture that a file can be recognised as, and what each program calls its layers there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from typing import Any

from minivis.engine.network import Network
from minivis.images.preprocessing import CAFFE_VGG, TORCH
from minivis.layers import Conv2D, Flatten, GlobalAvgPool
from minivis.models import alexnet, densenet, efficientnet, googlenet, inception, mobilenet, resnet, squeezenet
from minivis.models.blank import batch_norm, blank
from minivis.models.vgg import BLOCKS, conv_names, vgg

AS_OURS = "Caffe"                               # whose names are ours
SUFFIXES = {                                    # what files call our parameters
    "Conv2D": {"w": "weight", "b": "bias"},
    "FullyConnected": {"w": "weight", "b": "bias"},
    "BatchNorm": {"gamma": "weight", "beta": "bias", "mean": "running_mean", "var": "running_var"},
    "PReLU": {"w": "weight"},
    "Scale": {"w": "weight", "b": "bias"},
    "ConvTranspose2D": {"w": "weight", "b": "bias"},
}


@cache
def built(build: Any) -> Any:
    """The net of a function, once for all that differ only in names."""
    return build()


@dataclass(frozen=True)
class Known:
    """One architecture in one program's names.

    ``names``: our layer -> the prefix of its arrays in a file; a layer that is not listed is called as here.
    ``ignored``: a pattern of the names in such files that the net for use does not need. ``ends``: the last layer of
    the body, behind which people put other heads; else what the first Flatten or global pool reads.
    """

    name: str
    program: str
    build: Callable[[], Network]
    names: dict
    ignored: str = r"$^"
    ends: str | None = None

    def prefix(self, layer: Any) -> Any:
        return self.names.get(layer, layer)

    @cached_property
    def net(self) -> Any:
        """The net without weights: to be asked, not changed."""
        return built(self.build)

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """Name in a file -> (layer, parameter, shape)."""
        return {
            f"{self.prefix(name)}.{SUFFIXES[type(layer).__name__][key]}": (name, key, array.shape)
            for name, layer in self.net.layers.items()
            for key, array in layer.params.items()
        }

    @cached_property
    def conv_biases(self) -> set[Any]:
        """Names of what an architecture with batch norms can do without: empty for others."""
        layers, arrays = self.net.layers, self.arrays.items()
        normed = any(key == "gamma" for _, (_, key, _) in arrays)
        return {name for name, (layer, key, _) in arrays if normed and key == "b" and isinstance(layers[layer], Conv2D)}

    @cached_property
    def body(self) -> Any:
        """The layers up to the head; none where there is no head to exchange."""
        names = list(self.net.nodes)
        ends = self.ends or next((inputs[0] for layer, inputs in self.net.nodes.values()
                                  if isinstance(layer, Flatten | GlobalAvgPool)), None)  # fmt: skip
        return names[: names.index(ends) + 1] if ends else []


def resnets_of(shapes: Any) -> Any:
    """The ResNets that these shapes (name -> shape) can be of: depth and groups are read from them.

    In an nn.Sequential of a ResNet's children they are numbered: conv1 0, bn1 1, layer1 4, layer2 5, ...
    """
    found = []
    for numbered in (False, True):
        named = {resnet.from_number(name): shape for name, shape in shapes.items()} if numbered else shapes
        if design := resnet.design_of(named):
            build, plain = partial(resnet.resnet, design), resnet.torch_names(design)
            theirs = [plain, resnet.torch_names(design, "shortcut")]
            if numbered:
                theirs = [{layer: resnet.to_number(name) for layer, name in names.items()} for names in theirs]
            found += [Known(design.name, "torchvision", build, names) for names in theirs]
    return found


@cache
def architectures() -> tuple[Any, ...]:
    """All of them."""
    found = [
        Known("AlexNet", AS_OURS, alexnet.alexnet, {}),
        Known("CaffeNet", AS_OURS, alexnet.caffenet, {}),
        Known("AlexNet", "torchvision", alexnet.torch_alexnet, alexnet.TORCH_NAMES),
        Known("GoogLeNet", AS_OURS, googlenet.googlenet, {}, r"loss[12]/"),
        Known("GoogLeNet", "torchvision", googlenet.torch_googlenet, googlenet.torch_names(), r"aux[12]\."),
    ]
    for version in squeezenet.VERSIONS:
        build = partial(squeezenet.squeezenet, version)
        found.append(Known(f"SqueezeNet {version}", "torchvision", build, squeezenet.torch_names(version),
                           ends="fire9/concat"))  # fmt: skip
        found.append(Known(f"SqueezeNet {version}", AS_OURS, partial(build, caffe=True), {}))
    found.append(Known("Inception-v3", "torchvision", inception.inception_v3, inception.torch_names(), inception.AUX))
    found.append(Known("MobileNetV2", "torchvision", mobilenet.mobilenet_v2, mobilenet.torch_names()))
    for name in densenet.DESIGNS:
        build = partial(densenet.densenet, name)
        for dotted in (False, True):
            found.append(Known(name, "torchvision", build, densenet.torch_names(name, dotted=dotted)))
    for name in resnet.DESIGNS:
        found.append(Known(name, "torchvision", partial(resnet.resnet, name), resnet.torch_names(name)))
    for name in efficientnet.SIZES:
        build = partial(efficientnet.efficientnet, name)
        found.append(Known(name, "TensorFlow, by efficientnet-lite-pytorch", build, efficientnet.torch_names(name)))
    for name in BLOCKS:
        for top in (True, False):
            build = partial(blank_vgg, name, top=top)
            found.append(Known(name, AS_OURS, build, {}))
            found.append(Known(name, "torchvision", partial(build, preprocessing=TORCH), vgg_names(name)))
            build = partial(blank_vgg, name, top=top, normed=True, preprocessing=TORCH)
            found.append(Known(f"{name}-BN", "torchvision", build, vgg_names(name, normed=True)))
        bare = {layer: prefix.removeprefix("features.") for layer, prefix in vgg_names(name).items()}
        found.append(Known(name, "torchvision", partial(blank_vgg, name, top=False, preprocessing=TORCH), bare))
        fcs = {"fc6": "pre_logits.fc1", "fc7": "pre_logits.fc2", "fc8": "head.fc"}
        for normed in (False, True):
            build = partial(blank_vgg, name, normed=normed, preprocessing=TORCH)
            names = {**vgg_names(name, normed=normed), **fcs}
            found.append(Known(name + ("-BN" if normed else ""), "timm", build, names))
    # what stands in a user's own module: the features only, without "features." before their names
    found += [replace(known, names={layer: name.removeprefix("features.") for layer, name in known.names.items()})
              for known in found if known.name.startswith(("AlexNet", "SqueezeNet", "MobileNet", "DenseNet"))
              and known.program == "torchvision"]  # fmt: skip
    found.append(Known("VGG16-CRAFT", "EasyOCR", craft, craft_names(), r"(basenet\.slice5|upconv\d|conv_cls)\."))
    return tuple(found)


def blank_vgg(name: str, *, top: bool = True, normed: bool = False, preprocessing: Any = CAFFE_VGG) -> Network:
    """A VGG at full width without weights; ``normed``: a batch norm bn1_1 after conv1_1, and so on."""
    widths, convs, channels = (64, 128, 256, 512, 512), [], 3
    for conv in conv_names(name):
        filters = widths[int(conv[4]) - 1]
        convs.append((blank(3, 3, channels, filters), blank(filters)))
        channels = filters
    dense = [(blank(*shape), blank(shape[1])) for shape in ((25088, 4096), (4096, 4096), (4096, 1000))]
    net = vgg(name, convs, dense if top else (), preprocessing=replace(preprocessing, size=(224, 224) if top else None))
    return with_batch_norms(net) if normed else net


def with_batch_norms(net: Network) -> Any:
    """A new net with a batch norm after every convolution."""
    new = replace(net, nodes={})
    for name, (layer, _) in net.nodes.items():          # a plain sequence: each reads the one before
        new.add(name, layer)
        if isinstance(layer, Conv2D):
            new.add(name.replace("conv", "bn"), batch_norm(layer.params["w"].shape[3]))
    return new


def vgg_names(name: str, *, normed: bool = False) -> Any:
    """Our layer -> torchvision's prefix: modules are numbered, ReLUs and pools too."""
    names, number = {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}, 0
    for block, count in enumerate(BLOCKS[name], 1):
        for i in range(1, count + 1):
            names[f"conv{block}_{i}"] = f"features.{number}"
            names[f"bn{block}_{i}"] = f"features.{number + 1}"
            number += 3 if normed else 2
        number += 1
    return names


# ---- the VGG16 inside CRAFT, a text detector (Baek et al. 2019): up to conv5_2 ----

CRAFT_SLICES = {"conv1": "1", "conv2": "1", "conv3_1": "2", "conv3_2": "2", "conv3_3": "3", "conv4_1": "3",
                "conv4_2": "3", "conv4_3": "4", "conv5": "4"}  # fmt: skip


def craft() -> Network:
    full = blank_vgg("VGG16", top=False, normed=True, preprocessing=TORCH)
    names = list(full.nodes)
    nodes = {name: full.nodes[name] for name in names[: names.index("bn5_2") + 1]}
    return replace(full, nodes=nodes)


def craft_names() -> Any:
    names = {}
    for layer, prefix in vgg_names("VGG16", normed=True).items():
        conv = layer.replace("bn", "conv")
        part = CRAFT_SLICES.get(conv) or CRAFT_SLICES.get(conv.split("_")[0])
        if part and layer != "conv5_3":
            names[layer] = f"basenet.slice{part}.{prefix.removeprefix('features.')}"
    return names

