"""Numbers with a unit and a reason."""

from dataclasses import dataclass, fields

from minivis.runtime.tuning import PRODUCTS, number


def test_a_number_carries_its_unit_and_reason():
    @dataclass(frozen=True)
    class Table:
        size: int = number(3, "eggs", "a nest holds so many. Set on 2026-01-02")

    (field,) = fields(Table)
    assert Table().size == 3 and Table(size=5).size == 5
    assert field.metadata == {"unit": "eggs", "why": "a nest holds so many. Set on 2026-01-02"}


def test_products_have_theirs():
    assert {field.name for field in fields(PRODUCTS)} >= {"alone", "small_product", "row_numbers"}
