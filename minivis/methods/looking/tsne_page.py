"""A map of pictures as one page that needs nothing else: zoom, names and pictures under the pointer, search by name."""

import base64
import html
import io
import json
import string
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minivis.errors import BadValue
from minivis.runtime.files import atomic_write, check_output
from minivis.types import PathLike

TILE, COLUMNS = 64, 32                          # pixels of a tile, and tiles in a row of a sheet
ON_SHEET = COLUMNS * COLUMNS                    # tiles: 2048 x 2048 pixels
SUFFIXES = (".html", ".htm")


def check_page(path: PathLike, force: bool = False) -> None:
    """Raise BadValue if a page can't be written to ``path``."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise BadValue(f"{path}: the name of a page must end in {' or '.join(SUFFIXES)}")
    check_output(path, force)


def write_page(path: PathLike, result: Any, *, title: str = "A map of pictures", force: bool = False) -> None:
    """Write the page of a `TsneGrid` to a new file."""
    check_page(path, force)
    text = page(result, title)
    with atomic_write(path, force) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(result: Any, title: str = "A map of pictures") -> str:
    """The page of a `TsneGrid`, as HTML."""
    tiles = [small(tile) for tile in result.tiles]
    rows, columns = (int(n) + 1 for n in result.cells.max(axis=0))
    names = result.names or tuple(map(str, range(len(tiles))))
    items = [[round(float(x), 5), round(float(y), 5), round((int(column) + 0.5) / max(rows, columns), 5),
              round((int(row) + 0.5) / max(rows, columns), 5), tile.shape[1], tile.shape[0], printable(name)]
             for (x, y), (row, column), tile, name in zip(result.places, result.cells, tiles, names)]
    sheets = [sheet(tiles[first : first + ON_SHEET]) for first in range(0, len(tiles), ON_SHEET)]
    data = {"items": items, "sheets": sheets, "tile": TILE, "columns": COLUMNS, "onSheet": ON_SHEET,
            "grid": result.settings["layout"] != "plane"}
    return string.Template(PAGE).substitute(
        title=html.escape(title), count=f"{len(tiles):,}", data=json.dumps(data).replace("<", "\\u003c"))


def printable(name: str) -> str:
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def small(tile: Any) -> Any:
    """A tile, so small that it fits into its place on a sheet."""
    if max(tile.shape[:2]) <= TILE:
        return tile
    im = Image.fromarray(tile)
    im.thumbnail((TILE, TILE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(im)


def sheet(tiles: Any) -> Any:
    """Tiles side by side in one picture, as a data URI."""
    rows = -(-len(tiles) // COLUMNS)
    pixels = np.full((rows * TILE, COLUMNS * TILE, 3), 255, np.uint8)
    for k, tile in enumerate(tiles):
        top, left = k // COLUMNS * TILE, k % COLUMNS * TILE
        pixels[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
html, body { margin: 0; height: 100%; overflow: hidden; background: #fff; color: #222;
  font: 15px/1.4 system-ui, sans-serif }
canvas#map { position: absolute; inset: 0; width: 100%; height: 100%; cursor: grab; touch-action: none }
header { position: absolute; left: 12px; top: 12px; display: flex; gap: 8px; align-items: center; flex-wrap: wrap;
  background: #fffd; padding: 8px 12px; border-radius: 8px; box-shadow: 0 1px 6px #0003 }
h1 { font-size: 15px; margin: 0 }
input, button { font: inherit; padding: 4px 10px; border: 1px solid #999; border-radius: 6px; background: #fff;
  color: inherit }
input:focus-visible, button:focus-visible { outline: 2px solid #0b62c4; outline-offset: 1px }
#found { min-width: 7em; color: #555 }
#tip { position: absolute; display: none; pointer-events: none; background: #fff; padding: 8px; border-radius: 8px;
  box-shadow: 0 2px 12px #0005; max-width: 260px; overflow-wrap: anywhere; text-align: center }
#tip canvas { image-rendering: pixelated; display: block; margin: 0 auto 6px }
</style></head><body>
<canvas id="map" tabindex="0" aria-label="$title: $count pictures. Arrow keys move it, plus and minus zoom."></canvas>
<header><h1>$title</h1><span>$count pictures</span>
<input id="search" type="search" placeholder="search by name" aria-label="Search by name">
<span id="found" role="status"></span><button id="layout"></button>
<button id="whole">show all</button></header>
<div id="tip"><canvas width="192" height="192"></canvas><span></span></div>
<script>
const data = $data;
const items = data.items, map = document.getElementById("map"), pen = map.getContext("2d");
const tip = document.getElementById("tip"), big = tip.querySelector("canvas");
const search = document.getElementById("search");
const sheets = data.sheets.map(uri => { const im = new Image(); im.onload = draw; im.src = uri; return im; });
const gridSide = Math.ceil(Math.sqrt(items.length));
let grid = data.grid, view = {x: 0, y: 0, scale: 1}, drag = null, asked = 0;
let wanted = "", hits = [], hitSet = new Set(), hit = -1, under = -1;

const at = item => grid ? [item[2], item[3]] : [item[0], item[1]];
// a tile's side, in units of the map: its cell, or a part of it where tiles may overlap
const room = () => (grid ? 0.94 : 0.7) / gridSide;
const place = item => { const [x, y] = at(item); return [view.x + x * view.scale, view.y + y * view.scale]; };

function paint() {
  asked = 0;
  const ratio = devicePixelRatio || 1, w = innerWidth, h = innerHeight;
  if (map.width !== Math.round(w * ratio)) map.width = Math.round(w * ratio);
  if (map.height !== Math.round(h * ratio)) map.height = Math.round(h * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.globalAlpha = 1; pen.fillStyle = "#fff"; pen.fillRect(0, 0, w, h);
  const side = room() * view.scale;
  pen.imageSmoothingEnabled = side < 2 * data.tile;
  const one = k => {
    const item = items[k], [x, y] = place(item);
    if (x < -side || y < -side || x > w + side || y > h + side) return;
    const scale = side / Math.max(item[4], item[5]), tw = item[4] * scale, th = item[5] * scale;
    pen.globalAlpha = wanted && !hitSet.has(k) ? 0.12 : 1;
    pen.drawImage(sheets[Math.floor(k / data.onSheet)], k % data.columns * data.tile,
      Math.floor(k % data.onSheet / data.columns) * data.tile, item[4], item[5], x - tw / 2, y - th / 2, tw, th);
    if (k === under || (wanted && k === hits[hit])) {
      pen.strokeStyle = "#d62828"; pen.lineWidth = 3; pen.strokeRect(x - tw / 2, y - th / 2, tw, th);
    }
  };
  for (let k = 0; k < items.length; k++) if (!wanted || !hitSet.has(k)) one(k);
  for (const k of hits) one(k);
  if (under >= 0) one(under);
}
function draw() { if (!asked) asked = requestAnimationFrame(paint); }
function all() {
  const side = Math.min(innerWidth, innerHeight - 80) * 0.94;
  view = {x: (innerWidth - side) / 2, y: 66 + (innerHeight - 66 - side) / 2, scale: side};
  draw();
}
function zoom(factor, x, y) {
  const scale = Math.min(400000, Math.max(60, view.scale * factor)), real = scale / view.scale;
  view = {x: x - (x - view.x) * real, y: y - (y - view.y) * real, scale};
  draw();
}
function nearest(x, y) {
  const half = room() * view.scale / 2;
  let best = -1, least = half;
  items.forEach((item, k) => {
    const [px, py] = place(item), d = Math.max(Math.abs(px - x), Math.abs(py - y));
    if (d <= least) { least = d; best = k; }
  });
  return best;
}
function show(k, x, y) {
  if (k !== under) { under = k; draw(); }
  tip.style.display = k < 0 ? "none" : "block";
  if (k < 0) return;
  const item = items[k], scale = 192 / Math.max(item[4], item[5]), brush = big.getContext("2d");
  big.width = Math.round(item[4] * scale); big.height = Math.round(item[5] * scale);
  brush.imageSmoothingEnabled = scale < 4;
  brush.drawImage(sheets[Math.floor(k / data.onSheet)], k % data.columns * data.tile,
    Math.floor(k % data.onSheet / data.columns) * data.tile, item[4], item[5], 0, 0, big.width, big.height);
  tip.querySelector("span").textContent = item[6];
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, x + 18 + box.width > innerWidth ? x - box.width - 18 : x + 18) + "px";
  tip.style.top = Math.max(4, Math.min(innerHeight - box.height - 4, y + 18)) + "px";
}
function find() {
  wanted = search.value.trim().toLowerCase();
  hits = wanted ? items.map((item, k) => k).filter(k => items[k][6].toLowerCase().includes(wanted)) : [];
  hitSet = new Set(hits); hit = -1; show(-1);
  document.getElementById("found").textContent = wanted ? hits.length + " found" : "";
  draw();
}
function next() {
  if (!hits.length) return;
  show(-1);
  hit = (hit + 1) % hits.length;
  const scale = Math.max(view.scale, 120 / room()), [x, y] = at(items[hits[hit]]);
  view = {x: innerWidth / 2 - x * scale, y: innerHeight / 2 - y * scale, scale};
  document.getElementById("found").textContent = hit + 1 + " of " + hits.length;
  draw();
}
map.addEventListener("wheel", e => { e.preventDefault(); zoom(Math.exp(-e.deltaY * 0.0016), e.clientX, e.clientY); },
  {passive: false});
map.addEventListener("pointerdown", e => { drag = [e.clientX, e.clientY]; map.setPointerCapture(e.pointerId); });
map.addEventListener("pointerup", () => { drag = null; });
map.addEventListener("pointermove", e => {
  if (!drag) return show(nearest(e.clientX, e.clientY), e.clientX, e.clientY);
  view.x += e.clientX - drag[0]; view.y += e.clientY - drag[1]; drag = [e.clientX, e.clientY]; show(-1); draw();
});
map.addEventListener("pointerleave", () => show(-1));
map.addEventListener("dblclick", e => zoom(2, e.clientX, e.clientY));
map.addEventListener("keydown", e => {
  const moves = {ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60]}, move = moves[e.key];
  if (move) { view.x += move[0]; view.y += move[1]; e.preventDefault(); draw(); }
  if (e.key === "+" || e.key === "=") zoom(1.3, innerWidth / 2, innerHeight / 2);
  if (e.key === "-") zoom(1 / 1.3, innerWidth / 2, innerHeight / 2);
});
search.addEventListener("input", find);
search.addEventListener("keydown", e => { if (e.key === "Enter") next(); });
const button = document.getElementById("layout");
const label = () => { button.textContent = grid ? "as a map" : "as a grid"; };
button.addEventListener("click", () => { grid = !grid; label(); show(-1); draw(); });
document.getElementById("whole").addEventListener("click", all);
addEventListener("resize", draw);
label(); all();
</script></body></html>
"""
