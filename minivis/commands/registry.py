"""Every command, under its heading in `minivis --help`: a new command is one entry here.

The gallery and `minivis rerun` look up the commands that make a picture in ``COMMANDS``; both are added in cli.py.
"""

from minivis.commands import (
    bench,
    building,
    exercises,
    explaining,
    folders,
    fooling,
    live,
    nets,
    optimizing,
    painting,
    pictures,
    training,
    weights,
)  # fmt: skip
from minivis.commands.picture_command import PictureCommand

HEADINGS = {
    "Live": (live.live,),
    "What a net answers, and what its layers do": (
        pictures.classify, pictures.activations, pictures.filters, pictures.receptive_field,
    ),
    "Which pixels matter": (pictures.occlude, pictures.backprop, pictures.saliency, pictures.segment),
    "Many pictures": (folders.patches, folders.codes, folders.neighbours, folders.tsne),
    "Pictures made by a net": (
        optimizing.maximize, optimizing.invert, building.blocks, building.atlas, painting.dream, painting.style,
        painting.texture,
    ),
    "Fooling classifiers": (fooling.fool, fooling.evolve, fooling.directions, fooling.linear, fooling.hog,
                            fooling.sound, fooling.robustness),
    "Learning": (exercises.exercise, explaining.explain),
    "Nets": (weights.weights, nets.inspect, nets.gradcheck, training.train, bench.bench),
}  # fmt: skip
COMMANDS = {
    command.name: command
    for commands in HEADINGS.values() for command in commands if isinstance(command, PictureCommand)
}  # fmt: skip
