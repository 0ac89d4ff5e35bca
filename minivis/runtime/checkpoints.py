"""A run on disk, so that it can go on: arrays, and a JSON of the rest, in one .npz that appears whole or not at all."""

import json
import os
import zipfile

import numpy as np

from minivis.errors import BadFile, BadValue
from minivis.runtime.files import atomic_write

FORMAT = 1


def write(path, identity, arrays, plain):
    """``arrays``: {name: array, or a dict of arrays}; ``plain``: what JSON can hold."""
    flat = {}
    for name, value in arrays.items():
        flat.update({f"{name}.{key}": v for key, v in value.items()} if isinstance(value, dict) else {name: value})
    about = json.dumps({"format": FORMAT, "identity": identity, **plain})
    with atomic_write(path, force=True) as temporary, open(temporary, "wb") as file:
        np.savez(file, about=np.array(about), **flat)


def read(path, identity, names=("z", "best", "best_losses")):
    """What ``write`` wrote, as one dict: the arrays ``names``, and the rest.

    BadFile where it is no checkpoint, or one of another run.
    """
    if not os.path.isfile(path):
        raise BadFile(f"there is no checkpoint {path} to go on from: leave out --resume for a new run")
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            found = {"memory": {key[7:]: file[key] for key in file.files if key.startswith("memory.")},
                     **{key: file[key] for key in names}}
        if about.pop("format") != FORMAT:
            raise ValueError
        theirs = about.pop("identity")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        raise BadFile(f"{path} is no checkpoint of minivis', or a damaged one") from None
    if theirs != identity:
        raise BadFile(f"{path} is the checkpoint of another run: net, pictures, objective, method and seed must be the "
                      "same to go on; more steps may be asked")
    return {**about, **found}


def check_unfinished(path, force):
    """Raise BadValue if an earlier run has left a checkpoint and nobody has said what to do with it."""
    if os.path.lexists(path) and not force:
        raise BadValue(f"{path} holds an unfinished run: --resume continues it, --force starts over")
