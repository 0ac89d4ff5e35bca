"""DeepDream (Mordvintsev, Olah & Tyka 2015): a picture becomes more of what a net sees in it.

    x  <-  x + step * g / mean|g|,      g: the gradient at the pixels of |a|^2 / 2, with a the activations of a layer

The gradient that starts backward there is the activations themselves: "dx = x", says the lecture. The picture is
shifted at random before each step, and back after it. It is dreamt small first; what came up, the detail, is enlarged
and laid over the next larger octave. Steps and clipping are in levels 0..255, so they mean the same in every net.
Low layers give strokes, high layers the things that the net knows.
"""

from dataclasses import dataclass

import numpy as np

from minivis.backend import get_xp, to_cpu
from minivis.colours import luminance_transfer
from minivis.dream_losses import dream_loss, parse_wanted
from minivis.errors import BadValue, UnknownName
from minivis.memory import TILE, available, needed
from minivis.methods.result import Result, input_of
from minivis.models.variants import trunk
from minivis.preprocessing import to_uint8
from minivis.progress import bar
from minivis.resampling import linear
from minivis.watch import INTERRUPTED

WHITE = 99.98                                   # percentile that becomes 255 where nothing was clipped
COLOURS = ("free", "kept")


def make_step(net, pixels, loss, rng, *, step=1.5, jitter=32, clip=True, tile=None, workspace=None):
    """One step: (the loss before it, the next pixels). pixels: levels (N, H, W, C); loss: acts -> (loss, seeds)."""
    xp = get_xp(pixels)
    down, right = (int(s) for s in rng.integers(-jitter, jitter + 1, 2))
    pixels = xp.roll(pixels, (down, right), axis=(1, 2))
    value, dx = net.image_gradient(net.preprocess(pixels), loss, tile=tile, workspace=workspace)
    g = net.preprocess_adjoint(dx)
    pixels -= step / max(float(abs(g).mean()), 1e-30) * g
    if clip:
        xp.clip(pixels, 0, 255, out=pixels)
    return float(np.sum(value)), xp.roll(pixels, (-down, -right), axis=(1, 2))


@dataclass(frozen=True, eq=False)
class Dream(Result):
    """``pixels`` (H, W, C): the dream, levels. ``losses``: of each octave, from small to large, the first and last."""

    pixels: np.ndarray
    octaves: tuple                              # ((height, width), ...)
    losses: tuple

    def draw(self, i):
        picture = to_uint8(self.pixels)
        return picture if picture.shape[2] == 3 else picture.repeat(3, axis=2)

    @property
    def gains(self):
        """How many times what the net sees has grown, in each octave."""
        return [last / first if first else 1.0 for first, last in self.losses]

    def describe(self, i):
        return {"octaves": [{"size": [w, h], "loss_at_start": first, "loss": last}
                            for (h, w), (first, last) in zip(self.octaves, self.losses)]}

    def __str__(self):
        grown = ", ".join(f"{gain:.3g} times at {w} x {h}" for gain, (h, w) in zip(self.gains, self.octaves))
        tiles = f", in tiles of {self.settings['tile']} pixels" if self.settings["tile"] else ""
        ended = "" if self.stopped == "done" else f"; {self.stopped}"
        return f"{', '.join(self.settings['layers'])} sees more of it: {grown or 'no step was made'}{tiles}{ended}"


def dream(
    net, image, layers=None, *, guide=None, octaves=4, octave_scale=1.4, steps=10, step=1.5, jitter=32, clip=True,
    colours="free", tile=None, seed=0, progress=False, watch=None,
):  # fmt: skip
    """Dream on a picture, uint8 (H, W, C), of any size. The defaults are those of 2015.

    layers: a layer; a channel, as "conv4_1:12"; or several as {name: weight}. guide: a picture, whose features are
    sought instead of the layer's own. ``steps`` in each of ``octaves``. clip: to 0..255 after each step; without it,
    the contrast is set at the end. colours: "free", or "kept" as they are in the picture. tile: see `image_gradient`.
    """
    check_settings(octaves, octave_scale, steps, step, jitter, colours)
    wanted = parse_wanted(net, layers)
    body = trunk(net, {text.partition(":")[0] for text in wanted})
    base = levels(body, image)
    sizes = octave_sizes(body, base.shape, octaves, octave_scale)
    if tile is None and needed(body, base.shape) > available(net):
        tile = TILE
    loss = dream_loss(body, body.preprocess(base), wanted, None if guide is None else input_of(body, guide))
    found, losses, stopped = by_octaves(body, base, sizes, loss, steps, np.random.default_rng(seed), progress,
                                        watch, step=step, jitter=jitter, clip=clip, tile=tile)
    if not clip:
        found = found * (255 / max(1.0, float(get_xp(found).percentile(found, WHITE))))
    if colours == "kept":
        found = luminance_transfer(found, base)
    return Dream(to_cpu(found)[0], tuple(sizes), tuple(losses), stopped=stopped, settings={
        "layers": wanted, "guided": guide is not None, "octaves": len(sizes), "octave_scale": octave_scale,
        "steps": steps, "step": step, "jitter": jitter, "clip": clip, "colours": colours, "tile": tile,
    })  # fmt: skip


def by_octaves(net, base, sizes, loss, steps, rng, progress=False, watch=None, **how):
    """Dream on base (1, H, W, C), levels, at each of ``sizes``: (dream, [(first loss, last loss)], why it ended)."""
    pyramid, losses, stopped = [base], [], "done"
    for size in sizes[-2::-1]:
        pyramid.append(linear(pyramid[-1], size))
    detail = get_xp(base).zeros_like(pyramid[-1])
    shown = bar(steps * len(sizes), progress, "dream")
    try:
        for octave in reversed(pyramid):
            detail = linear(detail, octave.shape[1:3])
            pixels, space, values = octave + detail, net.workspace(), []
            for _ in range(steps):
                value, pixels = make_step(net, pixels, loss, rng, workspace=space, **how)
                values.append(value)
                shown.set_postfix_str(f"{octave.shape[2]} x {octave.shape[1]}, loss {value:.4g}", refresh=False)
                shown.update()
                if watch is not None and watch.film:
                    watch.frames.append(to_cpu(to_uint8(linear(pixels, base.shape[1:3]))))
                    del watch.frames[: -watch.film]
            detail = pixels - octave
            losses += [(values[0], values[-1])] if values else []
    except KeyboardInterrupt:
        stopped = INTERRUPTED
        if watch is not None:
            watch.interrupted = True
        pixels = base + linear(pixels - octave, base.shape[1:3])
    finally:
        shown.close()
    return pixels, losses, stopped


def octave_sizes(net, shape, octaves, scale):
    """[(height, width)] from small to large; without those that are too small for the net, or not its own size."""
    net.shapes(shape)                                               # raises BadValue where not even this one fits
    sizes = [tuple(shape[1:3])]
    while len(sizes) < octaves:
        smaller = tuple(max(1, round(side / scale)) for side in sizes[-1])
        try:
            net.shapes((1, *smaller, shape[3]))
        except BadValue:
            break
        sizes.append(smaller)
    return sizes[::-1]


def levels(net, image):
    """A picture uint8 (H, W, C) as the net sees it, levels (1, H, W, the net's channels), on its device."""
    if np.ndim(image) != 3:
        raise BadValue(f"a dream starts from one picture, uint8 (H, W, C), not from {np.shape(image)}")
    return net.deprocess(input_of(net, image))


def check_settings(octaves, octave_scale, steps, step, jitter, colours):
    for name, value, least in (("octaves", octaves, 1), ("steps", steps, 0), ("jitter", jitter, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise BadValue(f"{name} is a whole number from {least} up, not {value!r}")
    if not (1 < octave_scale < np.inf and 0 < step < np.inf):
        raise BadValue(f"octave_scale is above 1 and step above 0, not {octave_scale} and {step}")
    if colours not in COLOURS:
        raise UnknownName.of("way of colours", colours, COLOURS)
