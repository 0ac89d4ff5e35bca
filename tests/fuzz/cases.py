"""What the fuzzer does in case number n of a seed: the words of a command line, and the damaged files that it reads."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import click
from every_command import commands
from fuzz.mutations import mutated
from fuzz.originals import KEPT, RUNS

NET = ("--net", "tiny.h5")
BASES = {                                       # a command -> words with which it ends within a second
    ("classify",): ("photo.png", *NET),
    ("activations",): ("photo.png", *NET),
    ("filters",): NET,
    ("receptive-field",): (*NET, "--pictures", "2", "--data", "photos"),
    ("occlude",): ("photo.png", *NET, "--window", "8", "--stride", "8"),
    ("backprop",): ("photo.png", *NET),
    ("saliency",): ("photo.png", *NET, "--samples", "2", "--steps", "2"),
    ("segment",): ("photo.png", *NET),
    ("patches",): ("photos", *NET, "--top", "2", "--beside", "none"),
    ("codes",): ("photos", *NET, "-o", "new.h5"),
    ("neighbours",): ("photo.png", "codes.h5", *NET),
    ("tsne",): ("codes.h5", *NET),
    ("maximize",): (*NET, "--steps", "1", "--width", "16"),
    ("invert",): ("photo.png", *NET, "--steps", "1"),
    ("dream",): ("photo.png", *NET, "--steps", "1", "--octaves", "1", "--side", "24"),
    ("style",): ("photo.png", "photo.jpg", *NET, "--steps", "1", "--side", "24"),
    ("texture",): ("photo.png", *NET, "--steps", "1", "--side", "24"),
    ("fool",): ("photo.png", *NET, "--steps", "1", "--eps", "1"),
    ("evolve",): (*NET, "--generations", "1", "--population", "2"),
    ("linear",): (*NET, "--on", "wine"),
    ("hog",): ("photo.png", "--steps", "1", "--size", "24"),
    ("weights", "list"): (),
    ("weights", "inspect"): ("tiny.h5",),
    ("weights", "fetch"): ("nowhere", "--offline"),
    ("weights", "import"): ("nets_vgg16.pth", "-o", "new.h5"),
    ("weights", "normalize"): ("tiny.h5", "photo.png", "-o", "new.h5"),
    ("inspect",): ("tiny.h5",),
    ("gradcheck",): NET,
    ("train", "emoji"): ("--sprites", "sprites.npz", "--steps", "1", "-o", "new.h5"),
    ("train", "fashion"): ("--data", "fashion", "--steps", "1", "-o", "new.h5"),
    ("bench", "conv"): (*NET, "--repeats", "1", "--size", "16"),
    ("bench", "tune"): (*NET, "--minutes", "0.01"),
    ("live",): (*NET, "--no-browser"),
    ("gallery",): ("photo.png", *NET),
    ("rerun",): ("saliency.png",),
    ("explain",): ("photo.png", *NET),
    ("weights", "table"): ("zip.pth", "-o", "new.json"),
    ("train", "digits"): ("--steps", "2", "-o", "new.h5"),
    ("train", "vowels"): ("--steps", "2", "-o", "new.h5"),
    ("directions",): ("photo.png", *NET, "--count", "2"),
    ("robustness",): ("--count", "2", "--steps", "1"),
    ("blocks",): ("photo.png", *NET, "--steps", "1", "--cells", "2", "--side", "8"),
    ("exercise", "check"): ("relu",),
    ("exercise", "hint"): ("relu",),
    ("exercise", "solution"): ("relu",),
    ("exercise", "start"): ("relu",),
}
SLOW = (("train", "emoji"), ("train", "digits"), ("gallery",), ("linear",), ("gradcheck",), ("exercise", "check"),
        ("robustness",), ("sound",), ("blocks",), ("atlas",))

ODD = ("-1", "0", "-0", "9" * 30, "-" + "9" * 30, "1" * 5000, "nan", "-nan", "inf", "-inf", "1e400", "1e-400", "5e-324",
       "1e308", "0x10", "1.5", "-1.5", "1_0", "٣", "½", "", " ", "\t", "\n", "x" * 5000, "gose", "鵝 Ω≈ç", "\u202e",
       "\x1b[31m", "\udcff", "-", "--", ".", "home", "/dev/null", "/dev/zero", "nowhere", "no/where.png",
       "photos", "photos/",
       "photo.png", "tiny.h5", "codes.h5", "table.json", "classes.txt", "maximize.npz", "out.png", "out.jpg", "Ω.webp",
       "out.gif", "new.h5", ".png", "1,2", "0,0", "-1,-1", "1,2,3", "1x1", ",", "255,0,0", "256,0,0", "a=b=c", "=", ":",
       "@", "@max", "conv1_1", "relu2_1", "pool1", "fc7", "fc8", "prob", "input", "conv9_9", "goose", "fc8:-1",
       "fc8:99", "fc8:" + "9" * 30, "conv1_1:0", "conv1_1:0@-1,-1", "conv1_1:0@3,4", "conv1_1:0@max,1", "conv1_1:0@",
       "conv1_1:x",
       "relu1_1=nan", "relu1_1=-1", "relu1_1=1e400", "relu1_1=", "=2", "input=1", "prob=1", "relu1_1:2=0.5", "%s%n",
       "{unit}", "$HOME", "~", "*", "4GB", "1MB", "-1GB", "1e30GB", "noise", "none", "all", "both", "samples", "vgg15")
PLAUSIBLE = ("1", "2", "3", "8", "0.5", "0.01", "16", "goose", "conv1_1:2", "conv2_1", "photo.jpg", "out.png")
WEIGHTS = ("tiny.h5", "branches.h5", "model.safetensors", "v1.caffemodel", "v2.caffemodel", "frossard.npz",
           "compressed.npz", "new.mat", "old.mat", "compressed.mat", "nets_vgg16.pth", "nets_squeezenet1_1.pth",
           "archive.pth", "zip.pth", "protocol4.pth", "named.h5", "old_named.h5", "numbered.weights.h5", "model.keras",
           "net.onnx", "described.h5", "described.keras", "tiny.safetensors", "tiny.npz", "odd.caffemodel")


@dataclass
class Case:
    """``kind`` is for the counts. ``files``: path in the folder -> what it holds instead of what the original holds."""

    kind: str
    words: tuple
    files: dict = field(default_factory=dict)


def case(seed, number, originals):
    """Case ``number``; ``originals``: {path: bytes} of the folder that the case is in."""
    rng = random.Random(f"{seed}:{number}")
    makers = (options, options, options, options, weights, weights, weights, tables, pictures, pictures, codes,
              checkpoints, records, data_sets)
    return makers[number % len(makers)](rng, originals)


# ---- odd options ----

EVERY = dict(commands())


def options(rng, originals):
    """A command with one to three of its options, or its arguments, at odd values."""
    words = rng.choice(list(EVERY))
    if words in SLOW and rng.random() < 0.8:
        words = rng.choice([other for other in EVERY if other not in SLOW])
    line = list(BASES.get(words, ()))
    if rng.random() < 0.15:                     # an argument, or the value of an option that is there
        line = [rng.choice(ODD) if rng.random() < 0.4 else word for word in line]
    if rng.random() < 0.05:
        line.append(rng.choice(ODD))
    params = [p for p in EVERY[words].params if isinstance(p, click.Option)]
    for option in rng.choices(params, k=rng.choice((1, 1, 1, 2, 3))):
        name = rng.choice(option.opts + option.secondary_opts)
        if option.is_flag:
            line.append(name)
        else:
            value = odd_value(rng, option)
            line += [name, value] if rng.random() < 0.8 or not name.startswith("--") else [f"{name}={value}"]
    return Case("options", (*words, *line))


def odd_value(rng, option):
    kind = rng.random()
    if isinstance(option.type, click.Choice) and kind < 0.4:
        return rng.choice(list(option.type.choices))
    value = rng.choice(PLAUSIBLE if kind < 0.2 else ODD)
    many = option.name in ("jobs", "threads") and is_whole(value) and 2 < int(value) < 10_000
    long = option.name == "minutes" and is_number(value) and 0.01 < float(value) <= 600
    return "0" if many or long else value       # so many processes or threads, or so long, would be what was asked for


def is_whole(word):
    try:
        return len(word) < 10 and bool(int(word) + 1)
    except ValueError:
        return False


def is_number(word):
    try:
        return float(word) == float(word)
    except ValueError:
        return False


# ---- damaged files ----

def changed(rng, originals, name, new=None):
    """{path: bytes} of a damaged original."""
    data = mutated(rng, name, originals[name])
    if rng.random() < 0.2:
        data = mutated(rng, name, data)
    return {new or name: data}


def weights(rng, originals):
    name = rng.choice([name for name in WEIGHTS if name in originals])
    words = rng.choice((
        ("weights", "inspect", name), ("inspect", name), ("classify", "photo.png", "--net", name),
        ("weights", "import", name, "-o", "new.h5"), ("filters", "--net", name),
    ))
    if name in ("tiny.safetensors", "tiny.npz") and words[0] in ("weights", "inspect"):
        words += ("--arch", "table.json")
    elif name in ("zip.pth", "protocol4.pth") and rng.random() < 0.5:
        words = ("weights", "table", name, "-o", "new.json")
    return Case(Path(name).suffix, words, changed(rng, originals, name))


def tables(rng, originals):
    """A layer table, or a file of class names."""
    if rng.random() < 0.2:
        name = rng.choice(("classes.txt", "classes.json"))
        return Case("class names", ("weights", "inspect", "nets_vgg16.pth", "--classes", name),
                    changed(rng, originals, name))
    words = rng.choice((
        ("inspect", "tiny.safetensors"), ("weights", "import", "tiny.safetensors", "-o", "new.h5"),
        ("weights", "inspect", "tiny.npz"),
    ))
    return Case("layer table", (*words, "--arch", "table.json"), changed(rng, originals, "table.json"))


def pictures(rng, originals):
    name = rng.choice([n for n in originals if n.startswith(("scene.", "rgba", "palette", "grey.webp", "cmyk", "floats",
                                                             "deep", "turned", "lzw", "film", "photo."))])
    if rng.random() < 0.15:
        name = rng.choice(("five.npy", "five.tif"))
        return Case(f"picture {Path(name).suffix}", (rng.choice(("classify", "backprop")), name, "--net", "five.h5"),
                    changed(rng, originals, name))
    near = "photo.jpg" if name == "photo.png" else "photo.png"
    words = rng.choice((
        ("classify", name, *NET), ("classify", name, *NET, "--size", "9"),
        ("activations", name, *NET, "--channels", "1"),
        ("dream", near, *NET, "--steps", "1", "--octaves", "1", "--side", "24", "--guide", name),
        ("style", near, name, *NET, "--steps", "1", "--side", "24"), ("codes", ".", *NET, "-o", "new.h5"),
        ("style", near, near, *NET, "--steps", "1", "--side", "24", "--mask", name),
        ("hog", near, name, "--steps", "1", "--size", "24"), ("patches", name, *NET, "--beside", "none"),
        ("weights", "normalize", "tiny.h5", name, "-o", "new.h5"), ("rerun", name),
        ("maximize", *NET, "--start", name, "--steps", "1"), ("fool", name, *NET, "--steps", "1", "--eps", "1"),
    ))
    return Case(f"picture {Path(name).suffix}", words, changed(rng, originals, name))


def codes(rng, originals):
    """A file of codes, or the checkpoint of one."""
    if rng.random() < 0.35:
        words = ("codes", "photos", *NET, "-o", "half.h5", "--resume")
        return Case("codes' checkpoint", words, changed(rng, originals, "half.h5.checkpoint"))
    words = rng.choice((
        ("neighbours", "photo.png", "codes.h5", *NET, "--top", "2"), ("tsne", "codes.h5", *NET, "--side", "64"),
        ("codes", "photos", *NET, "-o", "codes.h5", "--append"),
    ))
    return Case("codes", words, changed(rng, originals, "codes.h5"))


def checkpoints(rng, originals):
    name = rng.choice(list(KEPT))
    words = KEPT[name]
    more = tuple(str(int(word) + 1) if before in ("--steps", "--generations") else word
                 for before, word in zip(("", *words), words))
    return Case("checkpoint", (*more, *NET, "--checkpoint", name, "--resume", "-o", "out.png"),
                changed(rng, originals, name))


def records(rng, originals):
    name = rng.choice(list(RUNS))
    return Case("record", ("rerun", name, "-o", rng.choice(("out.png", "out.jpg", "out.webp"))),
                changed(rng, originals, name))


def data_sets(rng, originals):
    if rng.random() < 0.2:
        words = ("train", "emoji", "--sprites", "sprites.npz", "--steps", "1", "-o", "new.h5")
        return Case("sprites", words, changed(rng, originals, "sprites.npz"))
    if rng.random() < 0.1:
        name = rng.choice(("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"))
        words = ("train", "fashion", "--data", "fashion", "--steps", "1", "-o", "new.h5")
    else:
        name = rng.choice(("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"))
        words = ("linear", "--on", "fashion", "--data", "fashion", *NET)
    return Case("idx.gz", words, changed(rng, originals, f"fashion/{name}"))
