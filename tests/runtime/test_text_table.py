"""Tables as text: columns are straight, and a long table keeps its ends."""

from minivis.runtime.text_table import aligned, shortened


def test_columns_are_straight():
    assert aligned([("a", "1"), ("long", "234")], right=(1,)) == ["a       1", "long  234"]
    assert aligned([("a", ""), ("long", "x")]) == ["a", "long  x"]


def test_a_long_table_keeps_its_ends_and_says_what_is_left_out():
    lines = [str(k) for k in range(100)]
    short = shortened(lines, 7, "rows")
    assert short == ["0", "1", "2", "... 94 more rows ...", "97", "98", "99"]
    assert shortened(lines[:7], 7) == lines[:7]
