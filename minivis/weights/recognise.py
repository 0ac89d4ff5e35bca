"""Which architecture a file of another program holds: the one with these names and with kernels of these sizes."""

import re

from minivis.errors import BadFile, UnknownName
from minivis.models.known import architectures
from minivis.weights.containers.open import spellings


def recognise(contents, path, arch=None):
    """The `Known` whose names and kernels these are, and the tensors under its names; or BadFile with the nearest."""
    known = architectures()
    if arch is not None:
        known = [k for k in known if k.name.lower() == str(arch).lower()]
        if not known:
            raise UnknownName.of("architecture", arch, dict.fromkeys(k.name for k in architectures()), listed=40)
    candidates, nearest = [], (-1, "", "")
    for tensors in spellings(contents.tensors):
        for one in known:
            difference, score = compare(one, tensors, contents.axes)
            if difference is None:
                candidates.append((one, tensors))
            elif score > nearest[0]:
                nearest = (score, one, difference)
        if candidates:
            return min(candidates, key=lambda found: disorder(*found, contents))
    shown = ", ".join(f"{name} {list(t.shape)}" for name, t in list(contents.tensors.items())[:4])
    more = f", ... ({len(contents.tensors)} in all)" if len(contents.tensors) > 4 else ""
    _, one, difference = nearest
    near = f"nearest is {one.name} ({one.program}'s names), but {difference}" if one else "it is empty"
    raise BadFile(
        f"{path} ({contents.container}) is of no architecture that minivis knows: {near}. It holds {shown or 'nothing'}"
        f"{more}; for a net of your own, describe its layers: --arch table.json"
    )


def compare(known, tensors, axes):
    """(None, 1) where these tensors are that architecture's, at any width; else (the first difference, how near)."""
    wanted = known.arrays
    there = [name for name in wanted if name in tensors]
    score = len(there) / max(len(wanted), len(tensors), 1)
    for name, (_, key, right) in wanted.items():
        if name not in tensors:
            return f"{name!r} is missing", score
        shape = tensors[name].shape
        if key == "w" and not same_kind(shape, right, axes):
            return f"{name!r} is {list(shape)}, where {file_shape(right, axes)} was expected", score - 0.01
    extra = [name for name in tensors if name not in wanted and not re.match(known.ignored, name)]
    return (f"{extra[0]!r} has no place in it", score) if extra else (None, 1)


def same_kind(shape, right, axes):
    """Whether a weight has the kernel size of ``right``, whatever its channels. An FC layer may be a convolution."""
    if len(right) == 2:
        return len(shape) in (2, 4)
    kernel = shape[2:] if axes == "OIHW" else shape[:2]
    return len(shape) == 4 and kernel == right[:2]


def file_shape(right, axes):
    """A shape of ours in the order of the file's axes."""
    if axes == "HWIO":
        return list(right)
    return list(right[::-1]) if len(right) == 2 else [right[3], right[2], *right[:2]]


def disorder(known, tensors, contents):
    """How badly the order of all layers, where the file has it, and the widths fit: tells CaffeNet from AlexNet."""
    ours = [name for name in known.net.nodes if name in contents.order]
    theirs = [name for name in contents.order if name in known.net.nodes]
    named = known.name.lower() in contents.title.lower().replace("_", "")
    return ours != list(dict.fromkeys(theirs)), not named, not has_published_widths(known, tensors, contents.axes)


def has_published_widths(known, tensors, axes):
    """Whether every kernel has the published net's shape: tells EfficientNet-Lite2 from Lite1, as deep but narrower."""
    return all(list(tensors[name].shape) == file_shape(right, axes)
               for name, (_, key, right) in known.arrays.items() if key == "w" and len(right) == 4)
