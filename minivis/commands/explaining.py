"""`minivis explain`: how one number of a net came about, layer by layer, and back under each rule."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import FORCE, IMAGE, JSON, NET, QUIET, VIEW, read_given, say, tell_answer, viewing
from minivis.commands.option_groups import COMPUTING, OUTPUT, GroupedCommand, under
from minivis.commands.types import whole

if TYPE_CHECKING:
    from minivis.live.step_through import Step, SteppedThrough
    from minivis.types import Picture


@click.command("explain", cls=GroupedCommand, params=[
    IMAGE,
    click.Option(["--unit"], metavar="UNIT", show_default="the first class",
                 help="The number: a class, or layer:channel@row,column, or layer:channel@max."),
    click.Option(["--target"], metavar="CLASS", show_default="the first class; of a class its own",
                 help="Class whose gradient arrives at the number."),
    click.Option(["--largest"], type=whole(1, 100), default=5, show_default=True, metavar="N",
                 help="How many contributions to show in each layer."),
    *under(COMPUTING, NET, *VIEW),
    *under(OUTPUT, click.Option(["-o", "--out"], metavar="FILE.html", show_default="none, only text",
                                help="Write a page with the same, and with the picture."), FORCE, JSON, QUIET),
])  # fmt: skip
def explain(
    image: Any, unit: Any, target: str | None, largest: int, out: str | None, net: Any, force: bool, as_json: bool,
    quiet: bool, **view: Any,
) -> None:  # fmt: skip
    """Step through a net: how one number came about, layer by layer, and back under each rule."""
    from minivis.engine.ending import answering
    from minivis.errors import BadValue
    from minivis.live.step_through import step_through
    from minivis.runtime.files import atomic_write, check_output

    if out is not None and not out.lower().endswith((".html", ".htm")):
        raise BadValue(f"{out} is a page, so its name ends in .html")
    if out is not None:
        check_output(out, force)
    given = read_given(net, image, **viewing(view))
    tell_answer(given.net, quiet)
    full = answering(given.net)
    fitted = full.fit(given.image).image
    x = full.preprocess(fitted)
    if unit is None:
        logits = full.role("logits")
        unit = f"{logits}:{int(full.forward(x, keep=[logits], grad=None)[logits][0].argmax())}"
    found = step_through(full, x, unit, target, largest=largest)
    if out is not None:
        with atomic_write(out, force) as temporary:
            temporary.write_text(page(found, full.shown(fitted), net, given.image_name), "utf-8")
    say("explain", None if quiet else "\n".join(told(found, net, given.image_name)), numbers=asdict(found),
        settings={"image": image, "net": net, "unit": unit, "target": target, "largest": largest},
        files=[out] if out else [], as_json=as_json, quiet=quiet)


def told(found: SteppedThrough, net: Any, image: Any) -> list[str]:
    """The lines of the text."""
    lines = [f"{found.unit} = {found.value:.6g}, in {net}, for {image or 'the goose that comes with minivis'}", "",
             "Forwards: from a pixel up, along the largest contribution to each number", ""]
    for step in found.steps:
        lines += [f"{step.unit} = {step.value:.6g}    {step.kind}: {step.formula}", *("    " + t for t in parts(step))]
    lines += ["", f"Back: the gradient of {found.unit} at the numbers on that way, by LRP its parts, under each rule"]
    lines += [""]
    lines += columns(gradients(found))
    lines += ["", "and the strongest at the pixels:" if found.pixel else "and the strongest there:"]
    lines += [f"    {rule}: {f'{g:.4g} at {unit}' if g else '0 everywhere'}"
              for rule, (unit, g) in found.back[-1].strongest.items()]
    return [*lines, "", *score_lines(found)]


def gradients(found: SteppedThrough) -> list[list[str]]:
    """The table of gradients on the way back."""
    return [["", "value", *found.back[0].gradients]] + [
        [one.unit, f"{one.value:.4g}", *(f"{g + 0.0:.4g}" for g in one.gradients.values())] for one in found.back]


def parts(step: Step) -> list[str]:
    """The contributions to one number, a line each."""
    lines = [f"{term.product:+.4g}  {term.unit} = {term.x:.4g}  times {term.weight:.4g}" for term in step.terms]
    more = step.count - len(step.terms)
    if not step.is_sum:
        return [*lines, "(the number times its gradient; here these do not add up)"]
    if more > 0:
        lines.append(f"{step.others:+.4g}  {more:,} smaller contributions")
    if step.bias is not None:
        lines.append(f"{step.bias:+.4g}  bias")
    return lines or ["nothing comes through"]


def score_lines(found: SteppedThrough) -> list[str]:
    """What arrives at the number from the score of a class."""
    if "rules" not in found.score:
        return [f"From a class: {found.score['why']}"]
    lines = [f"From the class {found.score['target']}: its gradient at {found.unit}, by LRP its part, and who sends it"]
    for rule, one in found.score["rules"].items():
        lines += ["", f"{rule}: {one['total']:.4g}"]
        lines += [f"    {term['product']:+.4g}  {term['label']}" + (
            f", {term['d']:.4g} times {term['w']:.4g}" if term["w"] is not None and term["d"] is not None else "")
            for term in one["terms"]]
        if one["more"]["count"]:
            lines.append(f"    {one['more']['sum']:+.4g}  {one['more']['count']:,} smaller ones")
    return lines


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells with straight columns; all but the first end together."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(cell.rjust(w) if k else cell.ljust(w) for k, (cell, w) in enumerate(zip(row, widths))).rstrip()
            for row in rows]


PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }}
table {{ border-collapse: collapse; margin: .3rem 0 1.5rem; font-variant-numeric: tabular-nums; }}
td, th {{ padding: .1rem .8rem; text-align: right; border-bottom: 1px solid #8884; font-weight: normal; }}
td:last-child, th:first-child, td:first-child {{ text-align: left; }}
img {{ width: 320px; image-rendering: pixelated; }}
h3 {{ margin: 0; font-size: 1rem; }} .soft {{ opacity: .7; }}
</style></head>
<body>
<h1>{title}</h1>
<p><img src="data:image/png;base64,{picture}"
alt="the picture, with a frame around the pixel of the largest contribution"></p>
{sections}
</body></html>
"""


def page(found: SteppedThrough, picture: Any, net: Any, image: Any) -> str:
    """The same as one HTML file that needs nothing else."""
    import base64

    from minivis.images.files import png_bytes

    title = html.escape(f"{found.unit} = {found.value:.6g}")
    sections = [f"<p class=soft>in {html.escape(str(net))}, for {html.escape(image or 'the goose of minivis')}</p>",
                "<h2>Forwards: from a pixel up, along the largest contribution to each number</h2>"]
    for step in found.steps:
        sections.append(f"<h3>{html.escape(step.unit)} = {step.value:.6g}</h3><div class=soft>"
                        f"{html.escape(step.kind)}: {html.escape(step.formula)}</div>")
        sections.append(table([line.split("  ", 1) for line in parts(step)]))
    sections.append(f"<h2>Back: the gradient of {html.escape(found.unit)}, under each rule</h2>")
    sections.append(table(gradients(found)))
    sections.append("<h2>From a class</h2><pre>" + html.escape("\n".join(score_lines(found))) + "</pre>")
    return PAGE.format(title=title, sections="\n".join(sections),
                       picture=base64.b64encode(png_bytes(framed(picture, found.pixel))).decode())


def framed(picture: Any, pixel: Any) -> Picture:
    """The picture, four times as large, with a red frame around one pixel."""
    large = picture.repeat(4, axis=0).repeat(4, axis=1)
    large = large.repeat(3, axis=2) if large.shape[2] == 1 else large.copy()
    if pixel is not None:
        top, left = 4 * pixel[0], 4 * pixel[1]
        for rows, columns in (([top, top + 3], slice(left, left + 4)), (slice(top, top + 4), [left, left + 3])):
            large[rows, columns] = (220, 30, 30)
    return large


def table(rows: Sequence[Sequence[str]]) -> str:
    return "<table>" + "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows) + "</table>"
