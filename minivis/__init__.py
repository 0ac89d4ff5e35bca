"""minivis: see inside convolutional networks, with an engine written by hand on NumPy.

    import minivis as mv
    net = mv.load("emoji-vgg")
    x = net.preprocess(net.fit(mv.read_image("photo.jpg")))
    acts = net.forward(x)
    dacts, _ = net.backward(acts, mv.one_hot(acts, "goose"), relu_rule="guided")

Reading order: demos/06_backprop.py, network.py, layers/relu.py, layers/conv.py. Every name below is imported when it is
first used, so that ``import minivis`` costs nothing.
"""

import importlib

from minivis.version import __version__

_HOMES = {
    "minivis.network": ("Network", "Activations"),
    "minivis.images": ("read_image", "write_image"),
    "minivis.preprocessing": ("Preprocessing",),
    "minivis.methods.activations": ("activation_grid",),
    "minivis.methods.attacks": ("fgsm", "pgd"),
    "minivis.methods.backprop": ("backprop",),
    "minivis.methods.classify": ("classify",),
    "minivis.methods.codes": ("codes", "nearest", "write_codes"),
    "minivis.methods.curves": ("insertion_deletion",),
    "minivis.methods.deepfool": ("deepfool",),
    "minivis.methods.dream": ("dream", "make_step"),
    "minivis.methods.dream_more": ("dream_layers", "dream_zoom"),
    "minivis.methods.evolve": ("evolve",),
    "minivis.methods.filters": ("filter_grid",),
    "minivis.methods.fool": ("fool",),
    "minivis.methods.hog": ("hog_net", "hog_twin"),
    "minivis.methods.lecture_linear": ("lecture_linear",),
    "minivis.methods.linear": ("linear_fool",),
    "minivis.methods.invert": ("invert", "invert_layers"),
    "minivis.methods.maximize": ("maximize", "down_the_layers"),
    "minivis.methods.neighbours": ("neighbours",),
    "minivis.methods.occlusion": ("occlusion",),
    "minivis.methods.patches": ("top_patches",),
    "minivis.methods.dictionary": ("compare_filters",),
    "minivis.methods.receptive": ("effective_receptive_field",),
    "minivis.methods.segment": ("segment",),
    "minivis.methods.saliency": ("saliency", "saliency_kinds"),
    "minivis.methods.sanity": ("sanity_check",),
    "minivis.methods.szegedy": ("szegedy",),
    "minivis.methods.style": ("style_transfer", "texture"),
    "minivis.optimize": ("Problem", "Watch"),
    "minivis.methods.tsne": ("tsne_grid",),
    "minivis.units": ("one_hot", "parse_unit", "unit_values"),
    "minivis.weights.catalogue": ("load",),
    "minivis.weights.native": ("save",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = ("descent", "errors", "gradcheck", "image_priors", "layers", "live", "objectives", "optimize",
            "parameterize", "regularize", "train", "transforms")

__all__ = [*_HOME, *_MODULES, "__version__"]


def __getattr__(name):
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"minivis.{name}")
    raise AttributeError(f"module 'minivis' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
