"""The table of measured numbers: complete, said in words, and what the code goes by."""

from dataclasses import FrozenInstanceError, fields

import pytest
from tuned import tune

from minivis.convolution import choose, tuning
from minivis.runtime.tuning import PRODUCTS


def test_every_number_says_in_which_unit_it_counts_and_when_it_was_set():
    for numbers in (tuning.TUNING, PRODUCTS):
        for field in fields(numbers):
            assert getattr(numbers, field.name) > 0 and field.metadata["unit"], field.name
            assert "Set on 20" in field.metadata["why"], field.name


def test_the_description_has_a_line_for_each_number(monkeypatch):
    tune(monkeypatch, band_bytes=1234567)
    lines = tuning.described()
    names = {field.name for numbers in (tuning.TUNING, PRODUCTS) for field in fields(numbers)}
    assert {line.split(" = ")[0] for line in lines} == names
    assert any(line.startswith("band_bytes = 1,234,567 bytes that a band reads") for line in lines)


def test_the_numbers_are_read_at_each_use_and_cannot_be_written(monkeypatch):
    with pytest.raises(FrozenInstanceError):
        tuning.TUNING.tiny = 1
    assert not choose.worth_sharing("blocked", 1000)
    tune(monkeypatch, share_products=1000, share_depthwise=2000, share_winograd=3000)
    sizes = {"blocked": 1000, "shifted": 1000, "pointwise": 1000, "depthwise": 2000, "winograd2": 3000,
             "winograd4": 3000}  # fmt: skip
    for algorithm, size in sizes.items():
        assert choose.worth_sharing(algorithm, size) and not choose.worth_sharing(algorithm, size - 1)
