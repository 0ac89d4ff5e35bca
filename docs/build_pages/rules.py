"""The rules of a backward pass and the kinds of map, from their registries."""

from build_pages.api import title
from build_pages.commands import code
from build_pages.docstrings import escaped

PAGE = "reference/rules.rst"


def pages():
    from minivis.layers.rules import RULES
    from minivis.methods.attribution.kinds import KINDS

    lines = [*title("Rules and maps"), *title("Rules of a backward pass", "-"),
             "``minivis backprop --rule NAME``, or ``net.backward(acts, seeds, rule=NAME)``. Those of the ReLU send a "
             "gradient, with dout what arrives; those of LRP share a score out.", ""]
    lines += table(("rule", "what it does", "formula", "source"),
                   [(f"``{name}``", plain(rule.meaning), f"``{rule.formula}``", plain(rule.source))
                    for name, rule in RULES.items()])
    lines += [*title("Kinds of map", "-"),
              "``minivis saliency --map NAME``, or ``mv.saliency(net, image, kind=NAME)``.", ""]
    lines += table(("map", "title", "what it shows"),
                   [(f"``{name}``", plain(kind.title), plain(kind.meaning.replace("{name}", "the unit")))
                    for name, kind in KINDS.items()])
    return {PAGE: "\n".join(lines)}


def table(head, rows):
    lines = [".. list-table::", "   :header-rows: 1", "   :class: rules", ""]
    for row in (head, *rows):
        lines += [("   * - " if i == 0 else "     - ") + (cell or "\\ ") for i, cell in enumerate(row)]
    return [*lines, ""]


def plain(text):
    return escaped(code(" ".join(text.split())))
