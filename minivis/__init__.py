"""minivis: see inside convolutional networks, with an engine written by hand on NumPy.

    import minivis as mv
    net = mv.load("emoji-vgg")
    x = net.preprocess(net.fit(mv.read_image("photo.jpg")))
    acts = net.forward(x)
    dacts, _ = net.backward(acts, mv.one_hot(acts, "goose"), relu_rule="guided")

Reading order: demos/06_backprop.py, layers/base.py, engine/network.py, layers/relu.py, layers/conv.py. Every name
below is imported when it is first used, so that ``import minivis`` costs nothing.
"""

import importlib

from minivis.version import __version__

_HOMES = {
    "minivis.engine.network": ("Network", "Activations"),
    "minivis.images.files": ("read_image", "write_image"),
    "minivis.images.preprocessing": ("Preprocessing",),
    "minivis.methods.looking.activations": ("activation_grid",),
    "minivis.methods.adversarial.attacks": ("fgsm", "pgd"),
    "minivis.methods.attribution.backprop": ("backprop",),
    "minivis.methods.looking.classify": ("classify",),
    "minivis.methods.looking.codes": ("codes", "nearest", "write_codes"),
    "minivis.methods.attribution.curves": ("insertion_deletion",),
    "minivis.methods.adversarial.deepfool": ("deepfool",),
    "minivis.methods.synthesis.dream": ("dream", "make_step"),
    "minivis.methods.synthesis.dream_films": ("dream_layers", "dream_zoom"),
    "minivis.methods.adversarial.evolve": ("evolve",),
    "minivis.methods.looking.filters": ("filter_grid",),
    "minivis.methods.adversarial.fool": ("fool",),
    "minivis.methods.adversarial.hog": ("hog_net", "hog_twin"),
    "minivis.methods.adversarial.lecture_linear": ("lecture_linear",),
    "minivis.methods.adversarial.linear": ("linear_fool",),
    "minivis.methods.synthesis.invert": ("invert", "invert_layers"),
    "minivis.methods.synthesis.maximize": ("maximize",),
    "minivis.methods.synthesis.maximize_layers": ("down_the_layers",),
    "minivis.methods.looking.neighbours": ("neighbours",),
    "minivis.methods.attribution.occlusion": ("occlusion",),
    "minivis.methods.looking.patches": ("top_patches",),
    "minivis.methods.looking.dictionary": ("compare_filters",),
    "minivis.methods.looking.receptive": ("effective_receptive_field",),
    "minivis.methods.attribution.segment": ("segment",),
    "minivis.methods.attribution.saliency": ("saliency", "saliency_kinds"),
    "minivis.methods.attribution.sanity": ("sanity_check",),
    "minivis.methods.adversarial.szegedy": ("szegedy",),
    "minivis.methods.synthesis.style": ("style_transfer", "texture"),
    "minivis.optimize.problem": ("Problem",),
    "minivis.optimize.watch": ("Watch",),
    "minivis.methods.looking.tsne": ("tsne_grid",),
    "minivis.engine.units": ("one_hot", "parse_unit", "unit_values"),
    "minivis.weights.catalogue": ("load",),
    "minivis.weights.native": ("save",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = {
    "descent": "minivis.optimize.update_rules",
    "errors": "minivis.errors",
    "exercises": "minivis.exercises",
    "gradcheck": "minivis.engine.gradcheck",
    "image_priors": "minivis.objectives.priors",
    "layers": "minivis.layers",
    "live": "minivis.live",
    "objectives": "minivis.objectives",
    "optimize": "minivis.optimize",
    "parameterize": "minivis.optimize.parameterize",
    "regularize": "minivis.optimize.regularize",
    "train": "minivis.training.trainer",
    "transforms": "minivis.optimize.transforms",
}

__all__ = [*_HOME, *_MODULES, "__version__"]


def __getattr__(name):
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'minivis' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
