"""From a picture to a net's input, in two steps: geometry (``fit_image``) and values (``preprocess``).

    values = (pixels[net's channel order] - mean) / scale           pixels 0..255, mean and scale in pixels too

The values are an affine function of the pixels, so ``deprocess`` inverts it exactly, without rounding or clipping, and
``preprocess_adjoint`` (the transpose of its linear part) carries a gradient at the net's input back to pixels. The
geometry has no inverse; it returns the Box of the original that the net sees, so that maps can be drawn onto it.

For a colour net, a grey picture is repeated over the channels. For a grey net, a colour picture becomes luma (Rec. 601,
0.299 R + 0.587 G + 0.114 B), so ``deprocess`` returns the grey picture. A net may also read another number of channels,
in the order of the picture ("as given"); a picture must then have just those.
"""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadValue, UnknownName
from minivis.images.channels import by_channels, check_names, check_show, default_show, is_list, of_others, rgb, shown
from minivis.runtime.backend import constant, get_xp
from minivis.runtime.files import read_json
from minivis.types import Array, Picture

CHANNEL_ORDERS = {"RGB": 3, "BGR": 3, "grey": 1, "as given": None}
GEOMETRIES = ("crop", "squash", "pad")
INTERPOLATIONS = {name: Image.Resampling[name.upper()] for name in ("bilinear", "bicubic", "nearest")}
LUMA = (0.299, 0.587, 0.114)                            # Rec. ITU-R BT.601, of R, G, B


@dataclass(frozen=True)
class Box:
    """The part of the original picture that the net sees, in pixels; with "pad" it extends beyond the edges."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Preprocessing:
    """The input that a net expects. ``mean`` and ``scale`` are per channel, in the net's order, in levels.
    Where they have neither one nor three numbers, the channels are those of the picture, as given.

    Examples
    --------
    >>> import minivis as mv, numpy as np
    >>> mv.Preprocessing("BGR", mean=(104, 117, 123)).preprocess(np.full((1, 1, 3), 200)).tolist()
    [[[[96.0, 83.0, 77.0]]]]
    """

    channel_order: str = ""                             # "RGB", "BGR" (Caffe), "grey", "as given"; "": by the numbers
    mean: tuple[float, ...] = ()                        # (): 0 for each channel
    scale: tuple[float, ...] = ()                       # (): 1 for each channel
    how: str = "crop"                                   # or "squash", "pad": see fit_image
    crop_fraction: float = 0.875                        # of the shorter side: 224 of 256
    interpolation: str = "bilinear"                     # or "bicubic", "nearest"
    size: tuple[int, int] | None = None                 # (h, w) of the input; None: any
    names: tuple[str, ...] = ()                         # of the channels of a picture, in its order
    show: tuple[int, ...] = ()                          # channels that are drawn, see channels.py; (): the default

    def __post_init__(self) -> None:
        given = next((len(values) for values in (self.mean, self.scale) if is_list(values) and len(values)), 3)
        if self.channel_order == "":
            object.__setattr__(self, "channel_order", {1: "grey", 3: "RGB"}.get(given, "as given"))
        _check_name("channel order", self.channel_order, CHANNEL_ORDERS)
        channels = CHANNEL_ORDERS[self.channel_order] or given
        for name, value in (("mean", 0.0), ("scale", 1.0)):
            if is_list(getattr(self, name)) and not len(getattr(self, name)):
                object.__setattr__(self, name, (value,) * channels)
        _check_name("fit", self.how, GEOMETRIES)
        _check_name("interpolation", self.interpolation, INTERPOLATIONS)
        object.__setattr__(self, "mean", _per_channel("mean", self.mean, channels))
        object.__setattr__(self, "scale", _per_channel("scale", self.scale, channels))
        if 0 in self.scale:
            raise BadValue(f"scale must not hold a zero, but is {self.scale}")
        if not (isinstance(self.crop_fraction, (int, float)) and 0 < self.crop_fraction <= 1):
            raise BadValue(f"crop_fraction is above 0 and at most 1, not {self.crop_fraction!r}")
        if self.size is not None:
            object.__setattr__(self, "size", _check_size(self.size))
        object.__setattr__(self, "names", check_names(self.names, channels))
        object.__setattr__(self, "show", check_show(self.show, channels) if self.show else ())

    @property
    def channels(self) -> int:
        return len(self.mean)

    def takes(self, channels: int | None) -> bool:
        """Whether the net can read a picture of this many channels: its own number, or grey for RGB and vice versa."""
        return channels == self.channels or ({channels, self.channels} == {1, 3} and self.channel_order != "as given")

    def shown(self, values: Any) -> Any:
        """What is drawn of pixels or of a map over them: (..., C) -> (..., 3 or 1), see channels.py."""
        if values.shape[-1] != self.channels:           # a picture in colours for a grey net
            return shown(values)
        return shown(values, self.show or (default_show(self.channels, self.names) if self.names else None))

    def rgb(self, values: Any) -> Any:
        """The same, always as three channels."""
        return rgb(self.shown(values))

    def of_channels(self, channels: int) -> "Preprocessing":
        """The same for a net that reads another number of channels, where all of them are treated alike."""
        if channels == self.channels:
            return self
        if len(set(self.mean)) > 1 or len(set(self.scale)) > 1:
            raise BadValue(f"this preprocessing is for {self.channels} channels, and the net reads {channels}: name "
                           f"{channels} means and scales in a .json file, as weights/README.md shows")
        return replace(self, channel_order="", mean=self.mean[:1] * channels, scale=self.scale[:1] * channels, names=(),
                       show=())

    def preprocess(self, image: Any, dtype: Any = np.float32) -> Array:
        """Pixels (H, W, C) or (N, H, W, C), any real numbers in 0..255 -> values (N, H, W, channels)."""
        if np.dtype(dtype).kind != "f":
            raise BadValue(f"a net's input must be floats, not {np.dtype(dtype)}")
        pixels = self._check_pixels(image)
        x = (pixels[..., ::-1] if self.channel_order == "BGR" else pixels).astype(dtype, order="C")
        if self.channels == 1 and x.shape[3] == 3:
            x = (x * self._row(LUMA, x)).sum(axis=3, keepdims=True)
        elif self.channels == 3 and x.shape[3] == 1:
            x = x.repeat(3, axis=3)
        x -= self._row(self.mean, x)                    # in place: allocating memory would cost more than all the rest
        x /= self._row(self.scale, x)
        return x

    def deprocess(self, x: Array) -> Array:
        """Values (N, H, W, channels) -> pixels of the same dtype and shape, neither rounded nor clipped."""
        x = self._check_values(x)
        pixels = x * self._row(self.scale, x) + self._row(self.mean, x)
        return get_xp(x).ascontiguousarray(pixels[..., ::-1] if self.channel_order == "BGR" else pixels)

    def preprocess_adjoint(self, dx: Array, channels: int | None = None) -> Array:
        """A gradient at the values -> the gradient at the pixels of a picture of ``channels`` (default: the net's)."""
        dx = self._check_values(dx)
        dpixels = dx / self._row(self.scale, dx)
        channels = self.channels if channels is None else channels
        self._check_channels(channels)
        if channels == 1 and self.channels == 3:        # the forward direction repeats, so its adjoint sums
            dpixels = dpixels.sum(axis=3, keepdims=True)
        elif channels == 3 and self.channels == 1:
            dpixels = dpixels * self._row(LUMA, dx)
        elif self.channel_order == "BGR":
            dpixels = dpixels[..., ::-1]
        return get_xp(dx).ascontiguousarray(dpixels)

    def fit_image(self, image: Any, size: Any = None, how: Any = None) -> tuple[Any, Box]:
        """Bring a uint8 picture (H, W, C) to ``size`` (default: the net's). Return ``fitted, box``.

        A picture that has the size already is returned unchanged. Otherwise

        "crop"      the largest centred part of that shape, times ``crop_fraction``, is resized
        "squash"    the whole picture is resized without regard to its proportions
        "pad"       the whole picture is resized in proportion and centred on the mean colour
        """
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim != 3 or image.size == 0:
            raise BadValue(f"a picture must be uint8 (H, W, C), not {image.dtype} {image.shape}")
        self._check_channels(image.shape[2])
        how = self.how if how is None else how
        _check_name("fit", how, GEOMETRIES)
        H, W = image.shape[:2]
        h, w = _check_size(size) if size is not None else self.size or (H, W)
        if (h, w) == (H, W):
            return image, Box(0, 0, H, W)
        if how == "squash":
            return self._resize(image, h, w), Box(0, 0, H, W)
        if how == "crop":                               # TensorFlow's EfficientNet: sides round down, offsets up
            height = max(1, math.floor(self.crop_fraction * min(H, W * h / w) + 1e-9))
            width = max(1, math.floor(self.crop_fraction * min(W, H * w / h) + 1e-9))
            top, left = (H - height + 1) // 2, (W - width + 1) // 2
            return self._resize(image[top:top + height, left:left + width], h, w), Box(top, left, height, width)
        inner_h, inner_w = max(1, min(h, round(H * w / W))), max(1, min(w, round(W * h / H)))
        top, left = (h - inner_h) // 2, (w - inner_w) // 2
        fitted = np.empty((h, w, image.shape[2]), np.uint8)
        fitted[:] = to_uint8(self._mean_color(image.shape[2]))
        fitted[top:top + inner_h, left:left + inner_w] = self._resize(image, inner_h, inner_w)
        per_row, per_column = H / inner_h, W / inner_w  # pixels of the original per pixel of the fitted picture
        return fitted, Box(-round(top * per_row), -round(left * per_column), round(h * per_row), round(w * per_column))

    def as_dict(self) -> dict[Any, Any]:
        """The settings as plain values for JSON, names and a choice to show only if given; ``from_dict`` reads them."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
                if value != () or key not in ("names", "show")}

    @classmethod
    def named(cls, name: str) -> "Preprocessing":
        """The preprocessing with this name in `PREPROCESSINGS`, or in the file of this name if it ends in .json.

        The file holds what ``as_dict`` gives: {"mean": [...], "scale": [...]} in levels, and any other setting. A
        `Preprocessing` is returned as it is.
        """
        if isinstance(name, cls):
            return name
        if str(name).endswith(".json"):
            return cls.from_dict(read_json(name, "a preprocessing"))
        _check_name("preprocessing", name, PREPROCESSINGS)
        return PREPROCESSINGS[name]

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "Preprocessing":
        """The inverse of ``as_dict``, for a dict from an untrusted file. Raise BadValue or UnknownName."""
        if not isinstance(settings, dict):
            raise BadValue(f"preprocessing must be a dict of settings, not {settings!r}")
        known = [field.name for field in fields(cls)]
        for key in settings:
            if key not in known:
                raise UnknownName.of("setting of preprocessing", key, known)
        missing = [key for key in ("mean", "scale") if key not in settings]
        if missing:
            raise BadValue(f"preprocessing lacks {', '.join(missing)}")
        return cls(**settings)

    def _mean_color(self, channels: int | None) -> Any:
        mean = np.array(self.mean[::-1] if self.channel_order == "BGR" else self.mean)
        return mean if len(mean) == channels else np.dot(LUMA, mean) if channels == 1 else np.repeat(mean, 3)

    def _resize(self, image: Any, h: Any, w: Any) -> Any:
        if image.shape[:2] == (h, w):
            return image
        return by_channels(image, lambda picture: picture.resize((w, h), INTERPOLATIONS[self.interpolation]))

    @staticmethod
    def _row(values: Any, like: Any) -> Any:
        """``values``, one per channel, repeated for every pixel of a row: NumPy's inner loop is as long as a row."""
        return constant((tuple(values),) * like.shape[2], like)     # in the array's dtype, so float32 stays float32

    def _check_values(self, x: Array) -> Any:
        x = x[None] if x.ndim == 3 else x
        if x.dtype.kind != "f" or x.ndim != 4 or x.shape[3] != self.channels:
            raise BadValue(f"this net's input must be floats (N, H, W, {self.channels}), not {x.dtype} {x.shape}")
        return x

    def _check_pixels(self, image: Any) -> Any:
        """As (N, H, W, C); BadValue for anything but real, finite pixels of channels that the net can read."""
        xp = get_xp(image)
        x = xp.asarray(image)
        x = x[None] if x.ndim == 3 else x
        if x.ndim != 4 or x.size == 0:
            raise BadValue(f"pixels must be (H, W, C) or (N, H, W, C), not {x.shape}")
        self._check_channels(x.shape[3])
        if x.dtype.kind not in "uif":
            raise BadValue(f"pixels must be numbers in 0..255, not {x.dtype}")
        if x.dtype.kind == "f" and not xp.isfinite(x).all():
            raise BadValue("some pixels are infinite or NaN")
        return x

    def _check_channels(self, channels: int | None) -> None:
        if not self.takes(channels):
            raise of_others(self.channels, self.names, channels)


def to_uint8(pixels: Any) -> Picture:
    """Round pixels of any real dtype and clip them to 0..255."""
    xp = get_xp(pixels)
    pixels = xp.asarray(pixels)
    if pixels.dtype.kind not in "uif" or xp.isnan(pixels).any():
        raise BadValue(f"pixels must be real numbers, without NaN, not {pixels.dtype}")
    return xp.clip(xp.rint(pixels), 0, 255).astype(np.uint8)


def _check_size(size: Any) -> tuple[int, int]:
    try:
        h, w = (size, size) if isinstance(size, (int, np.integer)) else size
        if isinstance(h, bool) or int(h) != h or int(w) != w or h < 1 or w < 1:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise BadValue(f"a size must be two whole numbers (h, w) of at least 1, not {size!r}") from None
    return int(h), int(w)


def _check_name(kind: Any, name: str, known: Any) -> None:
    if name not in known:
        raise UnknownName.of(kind, name, known)


def _per_channel(kind: Any, values: Any, channels: int) -> Any:
    try:
        numbers = tuple(float(v) for v in values)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != channels or not np.isfinite(numbers).all():
        raise BadValue(f"{kind} must be {channels} finite number{'s' * (channels > 1)}, one per channel, not "
                       f"{values!r}")
    return numbers


IDENTITY = Preprocessing(crop_fraction=1.0)             # the net reads pixels
UNIT = replace(IDENTITY, scale=(255.0,) * 3)            # 0..1
CAFFE_VGG = Preprocessing("BGR", mean=(103.939, 116.779, 123.68))               # Oxford's VGG, Keras' mode "caffe"
TORCH = Preprocessing("RGB", mean=tuple(255 * m for m in (0.485, 0.456, 0.406)),    # torchvision, ImageNet statistics
                      scale=tuple(255 * s for s in (0.229, 0.224, 0.225)))
EFFICIENTNET_LITE = Preprocessing("RGB", mean=(127.0,) * 3, scale=(128.0,) * 3, interpolation="bicubic")
PREPROCESSINGS = {                                      # the names of `Preprocessing.named`
    "caffe": CAFFE_VGG, "torch": TORCH, "tensorflow": Preprocessing("RGB", (127.5,) * 3, (127.5,) * 3),
    "efficientnet-lite": EFFICIENTNET_LITE, "unit": UNIT, "none": IDENTITY,
    "matconvnet": Preprocessing("RGB", mean=CAFFE_VGG.mean[::-1]),
}  # fmt: skip
