"""The measured numbers by which convolutions and fused steps are cut and shared out; none changes a result's meaning.

`minivis bench tune` tries other values for some of them, and keeps those that are faster on the machine at hand in a
file (runtime/tuned.py). To retune by hand, change one and look at `minivis bench conv`, which prints them all. Code
reads `TUNING` at each use, so that a test can replace it. Products and sums have three more numbers, which modules
below this one need: runtime/tuning.py.

The dates are those on which a number was set. Which machine it was measured on was not written down; the tables of
benchmarks/README.md were measured with these numbers, on two cores of an AMD EPYC (Zen 4).
"""

from dataclasses import dataclass, fields

from minivis.runtime import tuned
from minivis.runtime.tuning import PRODUCTS, number


@dataclass(frozen=True)
class Tuning:
    __hash__ = object.__hash__          # as a key it takes no time; equal tables that are two objects are two keys

    # ---- which algorithm (choose.py) ----
    tiny: int = number(2**18, "multiplications", "with fewer, im2col: sharing out costs more than it gains. Set on "
                       "2026-11-24")
    winograd_channels: int = number(12, "channels or filters", "with fewer, Winograd's transforms cost more than its "
                                    "products save. Set on 2026-11-24")
    winograd_side: int = number(3, "lines or columns", "of an output that is smaller, most of a tile would be thrown "
                                "away. Set on 2026-11-24")
    few_tiles: int = number(4, "tiles of 4 x 4", "up to here winograd2, whose weights take half the memory: 512 "
                            "channels of 7 x 7 took 1.2 ms instead of 1.45 on two threads, 1.77 instead of 1.6 on one. "
                            "Set on 2026-11-30")
    packed_few_tiles: int = number(16, "tiles of 4 x 4", "the same where every product packs its factors (AVX2): 512 "
                                   "channels of 7 x 7 took 4.4 ms instead of 5.6, of 14 x 14 9.3 instead of 9.8; "
                                   "ResNet-18's forward 0.84 of the time. Set on 2026-11-29")
    few_tiles_channels: int = number(96, "channels or filters", "that few tiles need for it. Set on 2026-11-29")
    shifted_channels: int = number(24, "channels or filters", "with fewer, products by kernel position are too thin. "
                                   "Set on 2026-11-24")
    share_products: int = number(2**23, "multiplications", "from here on a second thread pays for blocked, shifted and "
                                 "pointwise: emoji-vgg on 64 x 64, forward and gradient, took 7.7 ms with one "
                                 "thread, 12.6 with two, 7.4 with this limit. Set on 2026-11-24")
    share_depthwise: int = number(2**21, "multiplications", "the same for depthwise. Set on 2026-11-25")
    share_pool: int = number(2**19, "numbers of a max pool's input", "the same for it. Set on 2026-11-30")
    share_winograd: int = number(2**26, "multiplications, counted as done directly", "the same for Winograd, which "
                                 "makes more and shorter calls. Set on 2026-11-24")

    # ---- how convolutions are cut (bands.py, direct.py, winograd.py, layers/conv.py, cuda.py) ----
    block_bytes: int = number(2**21, "bytes of im2col rows", "still in cache when they are multiplied. Set on "
                              "2026-11-24")
    band_bytes: int = number(2**21, "bytes that a band reads and writes in its inner step", "half of it is as fast for "
                             "one thread, but two threads then wait four times as often for Python's lock: "
                             "emoji-vgg, 64 pictures, 53 ms against 46. Set on 2026-11-28")
    scatter_bytes: int = number(2**23, "bytes of a band of a data gradient at a stride", "outputs whose windows reach "
                                "two bands are multiplied twice, so bands are larger: ResNet's first layer took 4.4 "
                                "ms with two bands, 5.9 with eight. Set on 2026-11-30")
    planes_channels: int = number(16, "channels", "a data gradient with fewer adds plane by plane, along whole lines. "
                                  "Set on 2026-11-24")
    keep_rows: int = number(1000, "pixels or tiles", "with more, preparing the weights again takes under 5 % of the "
                            "work, so they are not kept. Set on 2026-11-25")
    block_tiles: int = number(224, "tiles of up to 128 channels, half as many of more", "as band_bytes: half of it is "
                              "as fast for one thread and waits more with several. Set on 2026-11-28")
    packed_block_bytes: int = number(3 * 2**20, "bytes of V and M", "of a block where every product packs its factors "
                                     "(AVX2): VGG16's conv1_2 took 12.5 ms with three rows of tiles at a time, 13.1 "
                                     "with two, 14.2 with one. Set on 2026-11-30")
    phase_bytes: int = number(2**24, "bytes of V and M of whole pictures", "when Winograd runs in phases, pictures at "
                              "a time. Set on 2026-11-24")
    weights_a_block: float = number(2.0, "times", "as large as V and M as the transformed weights must be for phases, "
                                    "where no product packs its factors. Set on 2026-11-24")
    packed_weights_a_block: float = number(0.5, "times", "the same where every product does (AVX2): VGG16's forward on "
                                           "two threads took 0.93 of the time with 2. Set on 2026-11-29")
    small_phase: int = number(2**21, "bytes of V or M", "below this, one thread is as fast as two. Set on 2026-11-24")
    phase_products: int = number(2**22, "multiplications", "the least a thread takes at a time. Set on "
                                 "2026-11-24")
    device_rows_bytes: int = number(2**28, "bytes of im2col rows on a GPU", "at a time. Set on 2026-11-24")
    device_tile_channels: int = number(16, "channels or filters on a GPU", "with fewer, Winograd's tiles cost more "
                                       "than they save. Set on 2026-11-24")

    # ---- fused steps (engine/fusion) ----
    bits_from: int = number(2**23, "elements of a ReLU in a fused step", "from this size the mask takes a bit each "
                            "instead of a byte: an eighth of the memory. One thread writes 0.23 ns an element "
                            "instead of 0.05 and applies it in 0.50 instead of 0.33 (2026-11-29). Set on 2026-11-24")
    held_whole: int = number(2**24, "numbers between two convolutions", "up to here they are held whole, beyond in "
                             "stripes. Set on 2026-11-24")
    stripe: int = number(2**22, "numbers between two convolutions", "in a stripe, about. Set on 2026-11-24")
    few_lines: int = number(16, "lines of a block's result", "with fewer its channels are shared out, else its lines. "
                            "Set on 2026-11-25")
    share_channels: int = number(96, "channels", "that a thread's share of a block has at least. Set on 2026-11-25")
    share_lines: int = number(8, "lines", "that a thread's share of a block has at least: lines next to another's are "
                              "expanded twice. Set on 2026-11-25")
    share_numbers: int = number(2**20, "numbers between a block's expansion and its filter", "in a share of lines, "
                                "about. With these four EfficientNet-Lite0's forward took 15.4 ms instead of "
                                "20.6 on two threads. Set on 2026-11-25")


TUNING = tuned.applied(Tuning())


def described() -> list[str]:
    """A line for each number, those of runtime/tuning.py included: its name, value, unit, and what was measured."""
    found = []
    for numbers in (TUNING, PRODUCTS):
        for field in fields(numbers):
            value = getattr(numbers, field.name)
            default = "" if value == field.default else f" (tuned for this machine; by default {field.default:,})"
            found.append(f"{field.name} = {value:,} {field.metadata['unit']}{default}: {field.metadata['why']}")
    return found
