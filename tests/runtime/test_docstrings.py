"""The section "Parameters" of public functions: own words first, then settings, then what is the same everywhere."""

from minivis.runtime.docstrings import RAISES, SHARED, complete, parted, raising, row

TEXT = """Bake.

    Long story.

    Parameters
    ----------
    flour : float
        How much.

        And of what.
    salt : int

    Returns
    -------
    int
        The loaf.
    """


def test_parameters_stand_in_the_order_of_the_signature():
    made = complete(TEXT, ["seed", "salt", "heat", "flour"], {"heat": ["heat : int", "    Hot."], "salt": ["no"]})
    head, _, rest = made.partition("----------\n")
    assert head == "Bake.\n\nLong story.\n\nParameters\n"
    rows, _, returns = rest.partition("\n\nReturns\n-------\n")
    assert rows.split("\n") == [*row("seed", *SHARED["seed"]), "salt : int", "heat : int", "    Hot.", "flour : float",
                                "    How much.", "", "    And of what."]
    assert returns == f"int\n    The loaf.\n\nRaises\n------\n{RAISES}\n"
    assert complete(made, ["seed", "salt", "heat", "flour"], {}) == made           # twice is once


def test_a_text_without_sections_stays_as_it_is():
    assert complete("One line.", ["net"], {}) == "One line." and complete(None, ["net"], {}) is None
    assert complete("One.\n\nReturns\n-------\nint", ["seed"], {}).startswith("One.\n\nParameters\n----------\nseed : ")
    assert complete("One.", ["x"], {"x": ["x : int"]}) == "One.\n\nParameters\n----------\nx : int\n"


def test_parts():
    before, own, after = parted("A.\n\nRaises\n------\nBadValue\n    No.")
    assert (before, own, after) == ("A.", {}, "Raises\n------\nBadValue\n    No.")


def test_what_every_function_raises_stands_before_its_own():
    own = "Returns\n-------\nint\n\nRaises\n------\nBadFile\n    No file.\n\nExamples\n--------\n>>> 1\n1"
    made = raising(own)
    assert made.index("Raises") < made.index("BadValue") < made.index("BadFile") < made.index("Examples")
    assert raising(made) == made and raising("Examples\n--------\n") == "Examples\n--------\n"
