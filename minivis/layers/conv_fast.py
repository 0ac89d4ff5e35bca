"""Faster ways to convolve, shared out over threads, and the table that picks one. conv.py says what a convolution is.

    way          what it does                                                       best at
    im2col       conv.py's own: windows as rows, one matrix product                 tiny pictures; the GPU; as a measure
    blocked      the same for some lines at a time, shared out                      first layers, strides
    shifted      one matrix product for each kernel position, on a shifted view     5 x 5 and dilated kernels
    pointwise    1 x 1: the pixels are the rows already                             1 x 1
    depthwise    a filter for each channel: one sum of products along the lines    EfficientNet's
    winograd2/4  a quarter of the multiplications, see winograd.py                  3 x 3 at stride 1

Each fills its result band by band, from a source into a sink: see bands.py. At stride 1 the data gradient is a
convolution too, with the kernel turned by half a turn and its channel axes swapped, so that one function serves both.

Rounding in float32, relative to the largest output: 2e-6 for every way but winograd2 and 4; for these see winograd.py.
Every way gives the same bits for any number of threads.
"""

import math
from dataclasses import dataclass

import numpy as np

from minivis.errors import BadValue, UnknownName
from minivis.layers import winograd as wg
from minivis.layers.bands import Into, Rows, bands, flat, padded_rows
from minivis.layers.conv_weights import WINOGRAD, weight_grad
from minivis.layers.window import kernel_views, reach, windows
from minivis.threads import scratch, share_out, sharing

as_strided = np.lib.stride_tricks.as_strided

TINY = 2**18                            # multiplications
# Multiplications, done directly, from which a second thread pays. Each way's calls into NumPy are of other lengths
WORTH_SHARING = {"blocked": 2**23, "shifted": 2**23, "pointwise": 2**23, "depthwise": 2**21, "winograd2": 2**26,
                 "winograd4": 2**26}  # fmt: skip


# ---- which way ----


@dataclass(frozen=True)
class Case:
    """What is known of a convolution before it runs. ``made`` is the picture that comes out: (H, W) in ``direction``
    "input" (the data gradient), where ``channels`` and ``filters`` have changed places, and (OH, OW) in "forward"."""

    direction: str
    kernel: tuple
    stride: tuple
    dilation: tuple
    groups: int
    channels: int                       # that one group reads
    filters: int                        # that one group makes
    images: int
    made: tuple
    padded: bool

    @property
    def depthwise(self):
        return self.groups > 1 and self.channels == self.filters == 1

    @property
    def at_stride_1(self):
        return self.stride == (1, 1)

    @property
    def suits_winograd(self):
        return self.kernel == (3, 3) and self.at_stride_1 and self.dilation == (1, 1) and not self.depthwise

    @property
    def suits_pointwise(self):
        return self.kernel == (1, 1) and not self.padded and (self.at_stride_1 or self.direction != "input")

    @property
    def work(self):
        """Multiplications, done directly, of a result of this size."""
        return self.images * math.prod(self.made) * math.prod(self.kernel) * self.channels * self.filters * self.groups

    def __str__(self):
        shape = f"{self.kernel[0]}x{self.kernel[1]} at stride {self.stride}, dilation {self.dilation}"
        return f"{shape}, {self.channels} channels to {self.filters} in each of {self.groups} groups"


# way -> (where it can run, what it needs in words)
NEEDS = {
    "im2col": (lambda c: True, "nothing"),
    "blocked": (lambda c: not c.depthwise, "more than one channel a group"),
    "shifted": (lambda c: c.at_stride_1 and not c.depthwise, "stride 1, and more than one channel a group"),
    "pointwise": (lambda c: c.suits_pointwise, "a 1x1 kernel without padding, and stride 1 for the data gradient"),
    "depthwise": (lambda c: c.depthwise, "one channel and one filter in each of its groups"),
    "winograd2": (lambda c: c.suits_winograd, "a 3x3 kernel at stride 1 without dilation"),
    "winograd4": (lambda c: c.suits_winograd, "a 3x3 kernel at stride 1 without dilation"),
}

# The first rule that holds picks the way. The numbers are measured: `minivis bench conv` shows them for a net.
RULES = [
    ("depthwise", lambda c: c.depthwise),
    ("im2col", lambda c: c.work < TINY),                                # sharing out would cost more than it gains
    ("pointwise", lambda c: c.suits_pointwise),
    ("winograd4", lambda c: c.suits_winograd and min(c.channels, c.filters) >= 12 and max(c.made) > 2),
    ("shifted", lambda c: c.at_stride_1 and min(c.channels, c.filters) >= 24),
    ("blocked", lambda c: True),
]


def choose(case, algorithm="auto"):
    """The name of the way to go: the one that was named, if it fits, or what the rules say."""
    if algorithm == "auto":
        return next(way for way, holds in RULES if holds(case))
    fits, needs = NEEDS[algorithm]
    if not fits(case):
        raise BadValue(
            f"{algorithm} needs {needs}; this convolution is {case}. Name it for the layers that it fits: "
            f"algorithm={{'conv2': '{algorithm}'}}"
        )
    return algorithm


def check_algorithm(name):
    if name != "auto" and name not in NEEDS:
        raise UnknownName.of("algorithm", name, ["auto", *NEEDS])


# ---- the ways: fill a sink from a source ----
# w (KH, KW, C, F); lead: zeros before the first line and column (what comes after follows from the sizes).


def blocked(source, w, bias, sink, lead, stride, dilation):
    """im2col and a matrix product, band by band."""
    kernel, F = w.shape[:2], w.shape[3]
    (sh, sw), (rh, rw), OW = stride, reach(kernel, dilation), sink.shape[2]
    w_rows = np.ascontiguousarray(w).reshape(-1, F)
    width = (OW - 1) * sw + rw

    def band(where):
        images, first, last = where
        x = padded_rows(source, images, first * sh - lead[0], (last - 1) * sh + rh - lead[0], lead[1], width)
        seen = windows(x, kernel, (last - first, OW), stride, dilation)         # (n, lines, OW, KH, KW, C)
        cols = scratch("cols", seen.shape, x.dtype)
        np.copyto(cols, seen)
        y = sink.open(images, first, last)
        np.matmul(cols.reshape(len(x), -1, len(w_rows)), w_rows, out=flat(y))
        if bias is not None:
            y += bias
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, OW * (len(w_rows) + F) * w.itemsize, sink.lines))


def shifted(source, w, bias, sink, lead, stride, dilation):
    """One product for each kernel position: what it meets, in the flattened picture, is the picture from there on.

    A line's windows run over its end into the next: those sums mean nothing and are left behind.
    """
    (KH, KW, C, F), OW = w.shape, sink.shape[2]
    rh, rw = reach((KH, KW), dilation)
    width = OW + rw - 1
    w = np.ascontiguousarray(w)

    def band(where):
        images, first, last = where
        x = np.ascontiguousarray(padded_rows(source, images, first - lead[0], last + rh - 1 - lead[0], lead[1], width))
        n, lines, pixel = len(x), x.shape[1], C * x.itemsize
        count = n * lines * width - (rh - 1) * width - (rw - 1)                 # windows that begin in x and end there
        steps = (dilation[0] * width * pixel, dilation[1] * pixel, pixel, x.itemsize)
        parts = scratch("parts", (KH * KW, count, F), x.dtype)
        met = as_strided(x, (KH, KW, count, C), steps)                          # by each kernel position
        np.matmul(met, w, out=parts.reshape(KH, KW, count, F))
        total = scratch("total", (n * lines * width, F), x.dtype)
        np.add.reduce(parts, axis=0, out=total[:count])
        y = sink.open(images, first, last)
        y[...] = total.reshape(n, lines, width, F)[:, : last - first, :OW]
        if bias is not None:
            y += bias
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, width * (KH * KW + 2) * F * w.itemsize, sink.lines))


def pointwise(source, w, bias, sink, lead, stride, dilation):
    """Every pixel's channels times one matrix."""
    C, F = w.shape[2:]
    w, (sh, sw) = w.reshape(C, F), stride

    def band(where):
        images, first, last = where
        x = source.rows(images, first * sh - lead[0], (last - 1) * sh + 1 - lead[0])
        if stride != (1, 1):
            x = np.ascontiguousarray(x[:, ::sh, ::sw])
        y = sink.open(images, first, last)
        np.matmul(flat(x), w, out=flat(y))
        if bias is not None:
            y += bias
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, sink.shape[2] * (C + F) * w.itemsize, sink.lines))


def depthwise(source, w, bias, sink, lead, stride, dilation):
    """out[c] = sum over kernel positions of the shifted channel c times one number: a sum of products along lines.

    At stride 1 the inner loop goes over several pixels at once, with the filters repeated for each of them.
    """
    (KH, KW, _, C), OW = w.shape, sink.shape[2]
    (sh, sw), (dh, dw), (rh, rw) = stride, dilation, reach((KH, KW), dilation)
    width = (OW - 1) * sw + rw
    together = pixels_together(OW, C) if sw == 1 else 1
    w = np.tile(w.reshape(KH, KW, C), together)                                 # (KH, KW, together*C)

    def band(where):
        images, first, last = where
        x = padded_rows(source, images, first * sh - lead[0], (last - 1) * sh + rh - lead[0], lead[1], width)
        y = sink.open(images, first, last)
        n, line, pixel, number = x.strides
        shape = (len(x), last - first, OW // together, KH, KW, w.shape[2])
        seen = as_strided(x, shape, (n, sh * line, together * sw * pixel, dh * line, dw * pixel, number))
        np.einsum("nlpuvc,uvc->nlpc", seen, w, out=y.reshape(*shape[:3], -1))   # a view: whole lines of an array
        if bias is not None:
            y += bias
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, OW * C * w.itemsize * (1 + sh * sw), sink.lines))


def pixels_together(OW, C):
    """How many pixels of a line to take as one: a part of the line of some thousand numbers, or else all of it."""
    most = max(n for n in range(1, OW + 1) if OW % n == 0 and n * C <= max(C, 4096))
    return most if most * C >= 256 else OW


DIRECT = {"blocked": blocked, "shifted": shifted, "pointwise": pointwise, "depthwise": depthwise}
KEEP_TILES = 1000                       # with more tiles weights are transformed anew each time: under 5 % of the work


def forward(layer, way, source, sink, *, lead, keep_weights=True):
    """Fill ``sink`` with the layer's convolution of ``source``."""
    for g, part, into in group_parts(layer, way, source, sink):
        w, b = group_weights(layer, way, g), layer.params.get("b")
        if b is not None and way != "depthwise":
            b = b[g * w.shape[3] : (g + 1) * w.shape[3]]
        run(layer, way, ("forward", g), w, b, part, into, lead, keep_weights)


def input_grad(layer, way, source, sink, *, lead, keep_weights=True):
    """Fill ``sink`` with dx; ``source`` is dout."""
    turned = tuple(r - 1 - before for r, before in zip(reach(layer.params["w"].shape[:2], layer.dilation), lead))
    for g, part, into in group_parts(layer, way, source, sink):
        w = group_weights(layer, way, g)
        if way == "blocked" or layer.stride != (1, 1):
            with sharing(math.prod(part.shape) * w.size // w.shape[3] >= WORTH_SHARING[way]):
                scattered(part, w, into, lead, layer.stride, layer.dilation)
        else:
            w = w[::-1, ::-1] if way == "depthwise" else w[::-1, ::-1].swapaxes(2, 3)
            run(layer, way, ("input", g), w, None, part, into, turned, keep_weights)


def param_grads(layer, way, x, dout, *, lead):
    """dw (KH, KW, C/groups, F)."""
    if layer.groups == 1 or way == "depthwise":
        return weight_grad(way, x, dout, layer.params["w"].shape, lead, layer.stride, layer.dilation)
    parts = []
    for g in range(layer.groups):
        shape = group_weights(layer, way, g).shape
        cs, fs = (slice(g * size, (g + 1) * size) for size in shape[2:])
        x_g, dout_g = (np.ascontiguousarray(a[..., some]) for a, some in ((x, cs), (dout, fs)))
        parts.append(weight_grad(way, x_g, dout_g, shape, lead, layer.stride, layer.dilation))
    return np.concatenate(parts, axis=3)


def run(layer, way, key, w, b, source, sink, lead, keep_weights):
    with sharing(math.prod(sink.shape) * w.size // w.shape[3] >= WORTH_SHARING[way]):
        if way in DIRECT:
            return DIRECT[way](source, w, b, sink, lead, layer.stride, layer.dilation)
        tiles, (N, OH, OW, _) = WINOGRAD[way], sink.shape
        if keep_weights and N * OH * OW / tiles.m**2 <= KEEP_TILES:
            U = layer.derive((way, *key, w.dtype.name), lambda: wg.transform_weights(w, tiles))
        else:
            U = wg.transform_weights(w, tiles)
        return wg.winograd(source, U, b, sink, lead, tiles)


def group_parts(layer, way, source, sink):
    """(number, source, sink) of each group; depthwise takes its groups all at once."""
    if layer.groups == 1 or way == "depthwise":
        return [(0, source, sink)]
    size, made = source.shape[3] // layer.groups, sink.shape[3] // layer.groups
    return [
        (g, Rows(source.x, slice(g * size, (g + 1) * size)), Into(sink.out, slice(g * made, (g + 1) * made)))
        for g in range(layer.groups)
    ]


def group_weights(layer, way, g):
    w = layer.params["w"]
    if layer.groups == 1 or way == "depthwise":
        return w
    F = w.shape[3] // layer.groups
    return w[..., g * F : (g + 1) * F]


# ---- the data gradient where it is no convolution: strides, and the few channels of a picture ----


def scattered(source, w, sink, lead, stride, dilation):
    """dx: every window that reaches into a band gives back its filter times dout; where they overlap, they add.

    Depthwise weights have one channel and a filter for each channel of dx.
    """
    kernel, (sh, sw), (rh, rw) = w.shape[:2], stride, reach(w.shape[:2], dilation)
    (_, OH, OW, F), (_, _, W, C) = source.shape, sink.shape
    width = max((OW - 1) * sw + rw, lead[1] + W)
    columns = slice(lead[1], lead[1] + W)
    give = _give_each_channel if w.shape[2] < C else _give_planes if C < 16 else _give_rows
    w = np.ascontiguousarray(w)

    def band(where):
        images, first, last = where
        y = sink.open(images, first, last)
        begin, end = first + lead[0], last + lead[0]                            # in lines of the padded picture
        low = max(0, -(-(begin - rh + 1) // sh))                                # outputs whose windows reach the band
        high = max(low, min(OH, (end - 1) // sh + 1))
        start = min(begin, low * sh)
        lines = max(end - start, low * sh - start + (high - low - 1) * sh + rh)
        if give is _give_planes:
            total = scratch("total", (len(y), C, lines, width), w.dtype).transpose(0, 2, 3, 1)
        else:
            total = scratch("total", (len(y), lines, width, C), w.dtype)
        total[...] = 0
        if high > low:
            views = kernel_views(total[:, low * sh - start :], kernel, (high - low, OW), stride, dilation)
            give(source.rows(images, low, high), w, views)
        y[...] = total[:, begin - start : end - start, columns]
        sink.close(images, first, last, y)

    share_out(band, bands(sink.shape, (width * C * 2 + OW * (w.size // F + F) // sh) * w.itemsize, max(sh, 8)))


def _give_rows(dout, w, views):
    C, F = w.shape[2:]
    g = flat(dout)
    parts = scratch("parts", (*g.shape[:2], w.size // F), g.dtype)
    np.matmul(g, w.reshape(-1, F).T, out=parts)
    for part, view in zip(np.moveaxis(parts.reshape(*dout.shape[:3], -1, C), 3, 0), views):
        view += part


def _give_planes(dout, w, views):
    """For few channels: a plane for each, so that adding goes along whole lines and not along three numbers."""
    C, F = w.shape[2:]
    parts = scratch("parts", (len(dout), w.size // F, dout.shape[1] * dout.shape[2]), dout.dtype)
    np.matmul(w.reshape(-1, F), flat(dout).swapaxes(1, 2), out=parts)
    for part, view in zip(parts.reshape(len(dout), -1, C, *dout.shape[1:3]).transpose(1, 0, 3, 4, 2), views):
        view += part


def _give_each_channel(dout, w, views):
    term = scratch("term", dout.shape, dout.dtype)
    for w_k, view in zip(w.reshape(-1, w.shape[3]), views):
        view += np.multiply(dout, w_k, out=term)
