"""Chapters of the gallery, as plain data: some sections again, with further nets and on photographs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """More sections, with another net: a bundled one, or one from a package (imagenet, pretrained)."""

    title: str
    sentence: str
    net: str
    keys: tuple[str, ...]                       # of SECTIONS
    photograph: str | None = "cat"              # of PHOTOGRAPHS; None: the bundled goose


# name -> (package, file): the first that is installed
PHOTOGRAPHS = {
    "cat": (("skimage", "data/chelsea.png"), ("sklearn", "datasets/images/china.jpg")),         # or a temple
    "coffee": (("skimage", "data/coffee.png"),),
}
CHAPTERS = (                                    # for a page without IMAGE and --net, if the packages are installed
    Chapter(
        "The same net, trained to resist attacks",
        "emoji-vgg-robust learned from pictures that were attacked in every step. Its answers are a little less "
        "accurate, but its gradients look far more like pictures.",
        "emoji-vgg-robust", ("classify", "saliency", "backprop", "maximize"), photograph=None,
    ),
    Chapter(
        "A photograph and a net with a thousand classes",
        "SqueezeNet learned from ImageNet’s photographs. The methods and the code are the same; the net is twice as "
        "deep, and dreams of eyes.",
        "squeezenet", ("classify", "backprop", "saliency", "occlude", "dream"),
    ),
    Chapter(
        "An object to cut out",
        "For its answer SqueezeNet sees a square of the picture. It takes pictures of any size, so to cut out what it "
        "names it sees all of this one.",
        "squeezenet", ("classify", "segment", "fool"), photograph="coffee",
    ),
    Chapter(
        "Dreams and style from a VGG",
        "These convolutions come from a VGG-16 that was first trained on ImageNet and then to find text. VGG’s "
        "features are still the best choice for making pictures; this net dreams of letters.",
        "vgg16-craft", ("dream", "style"),
    ),
)  # fmt: skip
