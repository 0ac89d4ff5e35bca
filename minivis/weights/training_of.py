"""Whose training a recognised net has, and what follows from it: preprocessing, classes and licence."""

from dataclasses import replace
from typing import Any

import numpy as np

from minivis.data.imagenet import imagenet_classes
from minivis.engine.ending import name_classes
from minivis.engine.network import Network
from minivis.errors import BadFile
from minivis.images.preprocessing import CAFFE_VGG, PREPROCESSINGS
from minivis.models.known import AS_OURS
from minivis.weights import oxford


def finish(net: Network, known: Any, contents: Any) -> Network:
    """Whose training it is, and what follows from that."""
    about = {"format": contents.container, "architecture": f"{known.name} ({known.program}'s)"}
    if "conv1_1" in net.nodes:
        net, training = vgg_training(net, known, contents.container)
    else:
        assumed = f"{known.program}'s for {known.name}: assumed from the names, the file does not say"
        training = {"training": "unknown", "licence": "unknown", "preprocessing": assumed}
    net.about.update(about, **training)
    logits = net.roles["logits"]
    count = net.shapes()[logits][-1] if logits else 0
    if contents.class_names and len(contents.class_names) == count:
        name_classes(net, contents.class_names)
    elif count == 1000:
        net.class_names, net.class_aliases = imagenet_classes()
    return net


def vgg_training(net: Network, known: Any, container: str) -> tuple[Network, dict[Any, Any]]:
    """(net, what is known of its training): Oxford's numbers are recognised, and turned to BGR where they are RGB."""
    layer = net.layers["conv1_1"]
    w, b = layer.params["w"], layer.params.get("b", np.zeros(1))
    turned = w
    first = oxford.recognise(w, b)
    if first.net is None:                               # MATLAB's axes: in doubt, formats differ
        swapped = oxford.recognise(w.transpose(1, 0, 2, 3), b)
        if swapped.net:
            raise BadFile("the kernels' rows and columns are swapped, as in no file that is known: please report it")
    origin = {"origin": "Visual Geometry Group, Oxford; Simonyan & Zisserman 2014, Very Deep Convolutional Networks"}
    if first.net:
        turned = np.ascontiguousarray(oxford.oriented(w, rotated=first.rotated, rgb=first.rgb))
        node = net.nodes["conv1_1"]
        net.nodes["conv1_1"] = node._replace(layer=layer.with_params(w=turned, b=b))
        net.preprocessing = replace(CAFFE_VGG, size=net.preprocessing.size)
        training, licence = oxford.whose(first.net, known.name, net.layers)
        return net, {"training": training, "licence": licence,
                     "preprocessing": "BGR minus Oxford's mean (fingerprint)", **origin}  # fmt: skip
    if normalised := oxford_times(w):
        net.preprocessing = replace(CAFFE_VGG, size=net.preprocessing.size)
        return net, {"training": f"Oxford {normalised}, normalised (fingerprint: proportional)", "licence": "unknown",
                     "preprocessing": "BGR minus Oxford's mean (fingerprint)", **origin}  # fmt: skip
    assumed = "Oxford's" if known.program == AS_OURS else "torchvision's"
    if container in ("MatConvNet .mat", ".npz") and known.program == AS_OURS:
        net.preprocessing = replace(PREPROCESSINGS["matconvnet"], size=net.preprocessing.size)
        assumed = "Oxford's, RGB as MatConvNet has it,"
    return net, {"training": "unknown", "licence": "unknown",
                 "preprocessing": f"{assumed} for VGG: assumed from the names, the file does not say"}  # fmt: skip


def oxford_times(w: Any) -> Any:
    """"VGG16" or "VGG19" where conv1_1's first filter is Oxford's times a factor: Gatys' normalised weights."""
    for name, values in oxford.KERNELS.items():
        places = [place for place in values if place[3] == 0]
        if w.shape[:3] != (3, 3, 3) or not w.size:
            continue
        ours, theirs = np.array([w[place] for place in places]), np.array([values[place] for place in places])
        factor = ours @ theirs / (theirs @ theirs)
        if factor > 0 and np.allclose(ours, factor * theirs, rtol=0, atol=1e-3 * factor):
            return name
    return None
