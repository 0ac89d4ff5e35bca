"""Which channels of a picture, or of a map over its pixels, are drawn as red, green and blue.

A picture of one channel is grey and one of three is RGB, as they are. Of more channels the first three are drawn, and
of two the first as red and the second as green and blue, unless a choice such as (3, 2, 1) says otherwise: numbers of
channels from 1. One number draws that channel in grey.
"""

from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadValue

COLOURS = ("red", "green", "blue")


def shown(values: Any, show: Any = None) -> Any:
    """(..., C) -> (..., 3), or (..., 1) where one channel is drawn. ``show``: the choice, None for the default."""
    channels = values.shape[-1]
    if show is None and channels in (1, 3):
        return values
    show = default_show(channels) if show is None else check_show(show, channels)
    return values[..., [number - 1 for number in show]]


def rgb(values: Any, show: Any = None) -> Any:
    """What `shown` gives, always as three channels: grey is repeated."""
    drawn = shown(values, show)
    return drawn if drawn.shape[-1] == 3 else drawn.repeat(3, axis=-1)


def default_show(channels: int, names: Any = ()) -> Any:
    """What is drawn by default: the channels called red, green and blue if there are such, else the first."""
    known = [name.lower() for name in names]
    if all(name in known for name in COLOURS):
        return tuple(known.index(name) + 1 for name in COLOURS)
    return (1,) if channels == 1 else (1, 2, min(3, channels))


def check_show(show: Any, channels: int) -> Any:
    """A choice as a tuple; BadValue unless it is one or three numbers of channels, from 1."""
    try:
        numbers = tuple(int(number) for number in np.atleast_1d(show))
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) not in (1, 3) or not all(1 <= number <= channels for number in numbers):
        raise BadValue(f"channels to show are three numbers from 1 to {channels}, for red, green and blue, or one "
                       f"number, for grey; not {show!r}")
    return numbers


def of_others(wanted: Any, names: Any, channels: int | None) -> Any:
    """The BadValue about a picture of ``channels`` for a net of ``wanted`` (called ``names``), with what to do."""
    named = f" ({', '.join(names)})" if names else ""
    how = "" if wanted in (1, 3) else (
        "; give it as an array (H, W, C) in a .npy file, as a TIFF, or for 4 channels as a PNG with transparency")
    many = f"{wanted} channel{'s' * (wanted > 1)}"
    return BadValue(f"this net reads pictures of {many}{named}, and this one has {channels}{how}")


def is_list(values: Any) -> bool:
    return isinstance(values, (list, tuple, range, np.ndarray))


def check_names(names: Any, channels: int | None) -> Any:
    names = tuple(names) if is_list(names) else (names,)
    if not all(isinstance(name, str) and name for name in names) or len(names) not in (0, channels):
        raise BadValue(f"names of channels are {channels} strings, one for each channel, not {list(names)!r}")
    return names


def by_channels(image: Any, change: Any) -> Any:
    """What ``change``, from one picture of Pillow's to another, makes of uint8 (H, W, C): of RGB as a whole, else of
    each channel."""
    if image.shape[2] == 3:
        return np.array(change(Image.fromarray(np.ascontiguousarray(image))))
    return np.stack([np.array(change(Image.fromarray(np.ascontiguousarray(image[:, :, c]))))
                     for c in range(image.shape[2])], axis=2)
