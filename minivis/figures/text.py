"""Text as small pictures, in the font that comes with Pillow: Aileron, a sans-serif with little more than ASCII.

Probabilities and sizes become text here, too, so that all figures and messages write them in one form.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from minivis.types import Shape

INK, MUTED = (34, 34, 34), (110, 110, 110)
SMALLEST = 10                                           # pixels; smaller letters cannot be read
FINE = 4                                                # letters are drawn this many times larger
SPELLED = str.maketrans({"×": "x", "−": "-", "–": "-", "—": "-", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "·": ".",
                         "µ": "u", "μ": "u", "σ": "sigma", "∂": "d", "∇": "grad ", "ß": "ss", "ø": "o", "æ": "ae",
                         "\t": " "})
HAS = {chr(code) for code in range(32, 127)} | set("°±«»‘’“”…")


def text_picture(text: str, width: int | None = None, *, size: Any = 13, color: Any = INK, align: str = "left",
                 max_lines: Any = None) -> Any:
    """Draw ``text`` in dark letters on white, uint8 (h, width, 3); by default as wide as its longest line.

    Lines break at spaces. Text that needs more than ``max_lines``, or has a word wider than ``width``, gets smaller
    letters, down to 10 pixels; if it is still too long, it ends in an ellipsis.
    """
    lines = _plain(text).split("\n")
    if width is None:
        width = max(1, *(int(np.ceil(_length(line, size))) for line in lines))
    else:
        size, lines = _fit(lines, width, size, max_lines)
    return np.concatenate([_draw(line, width, size, color, align) for line in lines])


@lru_cache(512)
def _draw(line: str, width: int, size: Any, color: Any, align: Any) -> Any:
    """One line, uint8 (line height, width, 3), drawn large and then shrunk, which spaces small letters evenly.

    Figures draw the same numbers and names again and again.
    """
    height = round(size * 1.35)
    ink = Image.new("L", (width * FINE, height * FINE))
    room = width * FINE - _font(size).getlength(line)
    left = max(0, {"left": 0, "center": room / 2, "right": room}[align])
    ImageDraw.Draw(ink).text((left, height * FINE / 2), line, 255, _font(size), anchor="lm")
    cover = np.asarray(ink.resize((width, height), Image.Resampling.LANCZOS))[:, :, None] / 255
    return np.rint(255 - cover * (255 - np.array(color))).astype(np.uint8)


@lru_cache
def _font(size: Any) -> Any:
    return ImageFont.load_default(size=size * FINE)


@lru_cache(4096)
def _length(text: str, size: Any) -> Any:
    """The width of a line in pixels."""
    return _font(size).getlength(text) / FINE


def _plain(text: str) -> str:
    """Replace letters that the font lacks: drop accents, spell some signs, and use a question mark for the others."""
    text = unicodedata.normalize("NFKD", str(text).translate(SPELLED))
    text = "".join(c for c in text if not unicodedata.combining(c))
    return "".join(c if c in HAS or c == "\n" else "?" for c in text)


def _fit(paragraphs: Any, width: int | None, size: Any, max_lines: Any) -> tuple[Any, Any]:
    for smaller in range(size, min(size, SMALLEST) - 1, -1):
        wrapped = [_wrap(paragraph, width, smaller) for paragraph in paragraphs]
        lines = [line for lines, _ in wrapped for line in lines]
        if (max_lines is None or len(lines) <= max_lines) and not any(broken for _, broken in wrapped):
            return smaller, lines
    if max_lines is not None and len(lines) > max_lines:
        lines = lines[:max_lines]
        while lines[-1] and _length(lines[-1] + "…", smaller) > width:
            lines[-1] = lines[-1][:-1]
        lines[-1] = lines[-1].rstrip() + "…"
    return smaller, lines


def _wrap(paragraph: Any, width: int | None, size: Any) -> tuple[Any, Any]:
    """Lines no wider than ``width``, and whether a word had to be broken."""
    lines, broken = [""], False
    for word in paragraph.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if _length(joined, size) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for piece in _pieces(word, width, size):        # a word wider than the line breaks after a / or _ if possible
            if lines[-1] and _length(lines[-1] + piece, size) > width:
                lines.append("")
                broken = True
            lines[-1] += piece
    return lines, broken


def _pieces(word: Any, width: int | None, size: Any) -> Any:
    pieces = re.findall(r"[^/_-]*[/_-]|[^/_-]+", word)
    return pieces if all(_length(piece, size) <= width for piece in pieces) else list(word)


def percent(p: Any) -> Any:
    """A share as text, such as 98.2 %; between 0 and 1 it is never written as 0.0 % or 100.0 %."""
    return chance(p) if 0 < p < 1 else f"{100 * p:.1f} %"


def chance(p: Any) -> Any:
    """A net's probability as text. What float32 rounds to 0 or 1 is neither: no softmax is that sure."""
    return "<0.1 %" if p < 0.0005 else ">99.9 %" if p >= 0.9995 else f"{100 * p:.1f} %"


def size_in_words(shape: Shape) -> Any:
    """The size of pictures (N, H, W, C) as text: 640 x 480 pixels, or 3 times 640 x 480 pixels."""
    N, H, W, _ = shape
    return f"{N} times {W} x {H} pixels" if N > 1 else f"{W} x {H} pixels"
