"""Every command that makes a picture, in the order of --help: what the gallery and `minivis rerun` can call by name."""

from minivis.commands import folders, fooling, optimizing, painting, pictures

COMMANDS = {
    command.name: command
    for command in (
        pictures.classify, pictures.activations, pictures.filters, pictures.occlude, pictures.backprop,
        pictures.saliency, pictures.segment, pictures.receptive_field, folders.patches, folders.neighbours,
        folders.tsne, fooling.fool, fooling.evolve, fooling.linear, fooling.hog, optimizing.maximize,
        optimizing.invert, painting.dream, painting.style, painting.texture,
    )
}  # fmt: skip
