"""The types of options: what they make of words, and the one sentence for a word that they refuse."""

import click
import pytest

from minivis.commands.types import BYTES, COUNTS, PIXELS, START, WEIGHTS, real, whole

LONG = "1" * 5000


@pytest.mark.parametrize("kind, word, value", [
    (BYTES, "4GB", 4 * 10**9), (BYTES, "4gib", 2**32), (BYTES, "0.5 MB", 500_000), (BYTES, "1000", 1000),
    (PIXELS, "12", (12, 12)), (PIXELS, "12,8", (12, 8)), (PIXELS, "12x8", (12, 8)), (PIXELS, (3, 4), (3, 4)),
    (START, "noise", "noise"), (START, "200,30,0", (200, 30, 0)),
    (COUNTS, "0", (0,)), (COUNTS, "256, 512", (256, 512)), (WEIGHTS, "0.5,2", (0.5, 2.0)),
    (whole(), "1000000", 10**6), (whole(0), "0", 0), (whole(1, 7), "7", 7), (real(), "1e9", 1e9),
    (real(0, 1), ".5", 0.5),
])
def test_what_is_taken(kind, word, value):
    assert kind.convert(word, None, None) == value


@pytest.mark.parametrize("kind, word, message", [
    (BYTES, "4XB", "'4XB' is not an amount of memory; give one as 4GB or 500MB"), (BYTES, "-1", "amount of memory"),
    (BYTES, "nan", "amount of memory"), (BYTES, "inf", "amount of memory"), (BYTES, "1e30GB", "amount of memory"),
    (BYTES, LONG, "'1{40}'\\.\\.\\. is not"), (BYTES, "0", "amount of memory"),
    (PIXELS, "0", "'0' is not a size; give pixels, as 12, or rows and columns, as 12,8"), (PIXELS, "1,2,3", "size"),
    (PIXELS, "1" * 30, "from 1 to 1000000"), (PIXELS, LONG, "not a size"), (PIXELS, "1e3", "not a size"),
    (START, "red", "'red' is not a start; give noise"), (START, "1,2,256", "not a start"), (START, LONG, "not a start"),
    (COUNTS, "1,x", "'x' is not a valid integer"), (COUNTS, "-1", "not in the range"), (COUNTS, "", "not a valid"),
    (WEIGHTS, "1,nan", "nan"), (WEIGHTS, "inf", "inf"), (WEIGHTS, "-1", "not in the range"),
    (whole(), "0", "0 is not in the range"), (whole(), "1000001", "not in the range"), (whole(), "1.5", "integer"),
    (whole(), LONG, "a number of 5000 characters, 111111111111..., is too long"), (whole(), "nan", "valid integer"),
    (real(), "nan", "nan is not a finite number"), (real(-1, 1), "inf", "not in the range"), (real(), LONG, "too long"),
    (real(0, 1, max_open=True), "1", "not in the range"), (real(), "-1e-9", "not in the range"),
])  # fmt: skip
def test_what_is_refused(kind, word, message):
    with pytest.raises(click.BadParameter, match=message) as caught:
        kind.convert(word, None, None)
    assert len(caught.value.message) < 200
