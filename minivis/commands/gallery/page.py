"""The gallery as one self-contained HTML file without scripts, for light and dark, small and large screens.

It is whole after every section, so that it can be written as it grows: a browser that shows it reads it again from time
to time, until it is complete.
"""

from __future__ import annotations

import base64
import html
import shlex
from string import Template
from typing import TYPE_CHECKING, Any

from minivis.commands.gallery.sections import PARTS
from minivis.commands.gallery.study import STUDY
from minivis.images.files import png_bytes

if TYPE_CHECKING:
    from minivis.commands.gallery.run import Shown
    from minivis.types import Picture

RELOAD = 5                                      # seconds
HERE = "\0"                                     # where the sections stand; no text of a page has it

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
$reload<title>$title</title>
<style>
:root { --ground: #fbfaf8; --card: #ffffff; --ink: #1f2328; --soft: #5d646d; --line: #e4e1dc; --accent: #2d4f89;
        --code: #f1efeb; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181c; --card: #1e2126; --ink: #e7e5e1; --soft: #a0a6ae; --line: #33373e; --accent: #98bafb;
          --code: #262a30; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--ground); color: var(--ink);
       font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 48px; }
h1 { font-size: clamp(1.7rem, 4.5vw, 2.5rem); line-height: 1.15; margin: 0 0 .3em; letter-spacing: -.01em; }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .3em; }
h2 a { color: var(--soft); text-decoration: none; font-variant-numeric: tabular-nums; margin-right: .35em; }
p { margin: 0 0 .8em; max-width: 68ch; }
.lead { display: flex; flex-wrap: wrap; gap: 32px; align-items: center; }
.lead img { width: 300px; max-width: 100%; border-radius: 10px; }
.lead > div { flex: 1 1 320px; }
.soft { color: var(--soft); font-size: .9rem; }
nav { margin: 32px 0 8px; padding: 16px 0; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
nav ol { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 22px; font-size: .95rem; }
a { color: var(--accent); }
nav a { text-decoration: none; }
nav a:hover, h2 a:hover { text-decoration: underline; }
section { padding: 40px 0 12px; }
.study { margin: 14px 0 0; font-size: .95rem; }
.chapter { padding: 56px 0 0; }
nav .chapter { padding: 8px 0 0; flex-basis: 100%; font-weight: 600; }
.formula { font-family: "Cambria Math", Cambria, "STIX Two Text", Georgia, serif; font-size: 1.1rem; margin: 0 0 1em;
           padding-left: 16px; border-left: 3px solid var(--accent); overflow-wrap: anywhere; }
figure { margin: 0; background: #ffffff; border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
figure img { display: block; margin: 0 auto; max-width: 100%; height: auto; }
figcaption { position: sticky; left: 0; padding: 8px 16px; border-top: 1px solid var(--line); background: var(--card);
             color: var(--soft); font-size: .9rem; }
.command { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; margin: 10px 0 0; max-width: none; }
code { font: .86rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--code); padding: 3px 8px;
       border-radius: 6px; overflow-wrap: anywhere; }
.missing { border: 1px dashed var(--line); border-radius: 10px; padding: 16px; color: var(--soft); max-width: none; }
footer { padding: 32px 24px 64px; }
@media (max-width: 640px) {
  body { font-size: 16px; }
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  header { padding-top: 28px; }
  figure img.wide { max-width: none; width: 720px; }
}
</style>
</head>
<body>
<header>
<div class="lead">
<img src="$portrait" alt="$portrait_alt">
<div>
<h1>$title</h1>
<p>$answer</p>
<p class="soft">$about</p>
</div>
</div>
<nav aria-label="Sections"><ol>
$contents
</ol></nav>
</header>
<main>
$sections
</main>
<footer class="soft">
<p>Made by minivis $version with the net $net, seed $seed, on $threads: the methods of CS231n’s lecture 9 on a network
engine written by hand in NumPy. Each picture carries its own record; <code>minivis rerun PICTURE</code> makes a saved
one again, bit for bit.</p>
</footer>
</body>
</html>
""")

SECTION = Template("""<section id="$key">
<h2><a href="#$key">$number</a>$title</h2>
<p>$sentence</p>
<p class="formula">$formula</p>
$figure
<p class="command"><code>$command</code><span class="soft">$seconds</span></p>
$study
</section>""")

STUDY_LINES = Template("""<p class="study"><b>Look for:</b> $look<br>
<b>Try</b> on the goose that comes with minivis: <code>minivis $words</code> $why<br>
<span class="soft">docs/lessons, lesson $lesson · demos/$demo · minivis/$file</span></p>""")


class Page:
    """The page of the sections `add`ed so far."""

    def __init__(self, portrait: Picture, **facts: Any) -> None:
        """``portrait``: the picture under study. facts: portrait_alt, title, version, net, seed, threads."""
        self.facts = {key: html.escape(str(value)) for key, value in facts.items()} | {
            "portrait": data_uri(png_bytes(portrait))}
        self.contents: list[str] = []
        self.sections: list[bytes] = []         # encoded once, for the page is written after each
        self.part: Any = None                   # a part of `PARTS`, or a chapter
        self.number = 0

    def add(self, shown: Shown) -> None:
        """Add a `run.Shown` at the end."""
        section, self.number = shown.section, self.number + 1
        heading = (shown.chapter.title, shown.chapter.sentence) if shown.chapter else None
        if shown.chapter:
            self.part = shown.chapter               # whose sections are few: no parts
        elif section.part != self.part and self.part in (None, *PARTS):
            self.part, heading = section.part, (section.part, PARTS[section.part])
        if heading:
            self.contents.append(f'<li class="chapter">{heading[0]}</li>')
            self.sections.append(f'<div class="chapter"><h1>{heading[0]}</h1>\n<p>{heading[1]}</p></div>'.encode())
        self.contents.append(f'<li><a href="#{section.key}">{section.title}</a></li>')
        self.sections.append(_section(self.number, shown).encode())

    def html(self, answer: str, about: str, *, complete: bool = True) -> bytes:
        """The whole page, in UTF-8."""
        reload = "" if complete else f'<meta http-equiv="refresh" content="{RELOAD}">\n'
        around = PAGE.substitute(self.facts, answer=html.escape(answer), about=html.escape(about), reload=reload,
                                 contents="\n".join(self.contents), sections=HERE)
        before, _, after = around.encode().partition(HERE.encode())
        return b"".join([before, b"\n".join(self.sections), after])


def _section(number: int, shown: Shown) -> str:
    section = shown.section
    if shown.why_not:
        figure, seconds = f'<p class="missing">{html.escape(shown.why_not)}.</p>', ""
    else:
        height, width = shown.picture.shape[:2]
        found = html.escape(shown.result.caption)
        wide = ' class="wide"' if width > 640 else ""
        figure = (f'<figure><img{wide} src="{data_uri(png_bytes(shown.picture, shown.text))}" width="{width}" '
                  f'height="{height}" alt="{html.escape(section.title)}: {found}">\n'
                  f"<figcaption>{found}</figcaption></figure>")
        seconds = f"{shown.seconds:.2f} s" if shown.seconds < 10 else f"{shown.seconds:.0f} s"
    return SECTION.substitute(
        key=section.key, number=number, title=section.title, sentence=section.sentence, formula=section.formula,
        figure=figure, command=html.escape(shlex.join(["minivis", *shown.words])), seconds=seconds,
        study=_study(section.key),
    )  # fmt: skip


def _study(key: str) -> str:
    """What to look for and to try, and where more is said; nothing for a section that STUDY does not know."""
    if key not in STUDY:
        return ""
    return STUDY_LINES.substitute({name: html.escape(str(value)) for name, value in vars(STUDY[key]).items()})


def data_uri(png: bytes) -> str:
    """A PNG file as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
