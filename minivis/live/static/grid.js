// The grid of a layer: a tile for each unit, drawn anew with each frame; which are shown and in which order; a cursor.

import { paintSheet } from "./paint.js";
import { drawNames, drawOver, drawPlain } from "./tiles.js";

const HEIGHT = 0.82, LEAST = 0.45;      // of the grid, as a part of its width, that is aimed at: less where the window is low
const ABOVE = 350;                      // pixels of the page above the grid
const FEWER = 1.2, MORE = 1.42;         // how many times fewer or more columns than fit best there may be, for a full last row
const HOLD = 700;                       // ms that an order holds while the pictures move

// The number of columns for this many tiles: the nearest to the best fit that fills the last row; if there is none, one
// that leaves few gaps in it.
export function columnsOf(tiles, best) {
  let found = 1, least = Infinity;
  for (let columns = Math.max(1, Math.ceil(best / FEWER)); columns <= Math.max(1, best * MORE); columns++) {
    const gaps = (columns - (tiles % columns)) % columns, off = Math.log(columns / best);
    const cost = (gaps ? 1 + gaps / columns : 0) + Math.max(off, -2 * off);       // (with fewer, the grid is higher)
    if (cost < least) [found, least] = [columns, cost];
  }
  return found;
}

export class Grid {
  // ``choose(unit)``; ``point({unit, row, column} or null)``: what is under the pointer; ``name(unit)``: its class;
  // ``resized()``: there is more room, or less; ``found(count)``: of units, by a search that is new.
  constructor(canvas, cursor, hover, { colormaps, choose, point, name, resized = () => {}, found = () => {} }) {
    Object.assign(this, { canvas, cursor, hover, colormaps, choose, point, name, found });
    this.frame = null;
    this.box = canvas.closest(".grid-box");             // scrolls where there are names
    this.options = { boost: 1, norm: "unit", overlay: "none", sort: "number", only: false, search: "", zoom: 1 };
    this.patterns = {};                 // layer -> the first patch of each unit
    this.sought = 0;                    // how much of what is needed for those of the layer is done, 0 to 1
    this.searched = null;               // in which layer for what
    this.order = [];                    // the units that are shown
    this.arranged = { key: null, when: 0 };
    this.revealed = null;               // the layer and the unit that were brought into view last
    this.marked = new Map();            // cursor or hover -> where it stands, as a text
    this.wide = null;                   // pixels of the place for the grid: it is measured when that changes, not each frame
    new ResizeObserver(() => { this.wide = null; resized(); }).observe(canvas.parentElement);
    this.pointer = null;                // where the pointer is: {clientX, clientY}
    canvas.addEventListener("pointermove", (event) => { this.pointer = event; this.pointed(); });
    canvas.addEventListener("pointerleave", () => { this.pointer = null; this.pointed(); });
    canvas.addEventListener("click", (event) => { const at = this.at(event); if (at) choose(at.unit); });
  }

  get hasNames() { return this.frame?.shape.length === 1 && this.name(0) !== null; }

  // The unit under a pointer, and the place in its map; or null.
  at(event) {
    if (!this.frame || !this.order.length) return null;
    const box = this.canvas.getBoundingClientRect(), [h, w] = this.frame.arrays.grid.shape;
    const x = ((event.clientX - box.left) / box.width) * this.columns, y = ((event.clientY - box.top) / box.height) * this.rows;
    const column = Math.floor(x), row = Math.floor(y), unit = this.order[row * this.columns + column];
    if (column < 0 || column >= this.columns || row < 0 || unit === undefined) return null;
    return { unit, row: Math.floor((y - row) * h), column: Math.floor((x - column) * w) };
  }

  // What is under the pointer now: it may stand still while the frames go on.
  pointed() {
    const at = this.pointer && this.at(this.pointer);
    this.mark(this.hover, at?.unit ?? null);
    this.point(at);
  }

  // The unit so many tiles away from another; from none, the first. ``to``: "Home", "End", "PageUp" or "PageDown".
  step(unit, dx, dy, to) {
    const last = this.order.length - 1, at = this.order.indexOf(unit), page = Math.max(1, Math.floor(this.rows / 2));
    if (to === "End") return this.order[last];
    if (to === "Home" || at < 0) return this.order[0];
    if (to) dy = to === "PageDown" ? page : -page;
    const next = at + dx + dy * this.columns;
    if (to && (next < 0 || next > last)) return this.order[next < 0 ? 0 : last];
    return this.order[next] ?? unit;
  }

  mark(box, unit) {
    const at = unit === null || !this.frame ? -1 : this.order.indexOf(unit);
    if (box.hidden !== at < 0) box.hidden = at < 0;
    const { columns, rows } = this, key = [at, columns, rows].join();
    if (at < 0 || this.marked.get(box) === key) return;
    this.marked.set(box, key);
    Object.assign(box.style, {
      left: `${(100 * (at % columns)) / columns}%`, top: `${(100 * Math.floor(at / columns)) / rows}%`,
      width: `${100 / columns}%`, height: `${100 / rows}%`,
    });
  }

  // The smallest and the largest number of a unit in this frame.
  range(unit) { const { low, high } = this.frame.arrays; return [low.data[unit], high.data[unit]]; }

  // The number of a unit at a place of its map, as exact as the byte that came.
  value({ unit, row, column }) {
    const { grid: { data, shape: [, w, C] }, limits } = this.frame.arrays;
    const q = data[(row * w + column) * C + unit];
    return (this.frame.maps.signed ? (q - 128) / 127 : q / 255) * limits.data[unit];
  }

  // Which units are shown, in which order. One that is sorted by what moves holds its order for a moment.
  arrange(moves) {
    const { sort, only, search } = this.options, { low, high } = this.frame.arrays, C = high.data.length;
    const key = JSON.stringify([this.frame.layer, this.frame.show, C, sort, only, search]);
    const now = performance.now();
    if (key === this.arranged.key && ((sort === "number" && !only) || (moves && now < this.arranged.when + HOLD))) return;
    this.arranged = { key, when: now };
    let order = Array.from({ length: C }, (_, c) => c);
    const size = (c) => (sort === "size" ? Math.max(high.data[c], -low.data[c]) : high.data[c]);
    if (only) order = order.filter((c) => high.data[c] > 0 || (this.frame.maps.signed && low.data[c] < 0 && sort === "size"));
    const wanted = search.trim().toLowerCase();
    if (wanted) {
      order = order.filter((c) => (/^\d+$/.test(wanted) ? String(c) === wanted : (this.name(c) ?? "").toLowerCase().includes(wanted)));
    }
    if (sort !== "number") order.sort((a, b) => size(b) - size(a) || a - b);
    this.order = order;
    if (this.searched !== (this.searched = `${this.frame.layer}:${wanted}`) && wanted) this.found(order.length);
  }

  get lacksPatterns() { return this.options.overlay === "pattern" && !this.hasNames && !this.patterns[this.frame.layer]; }

  // The first patches of all units of a layer, to lay over their tiles.
  keepPatterns({ layer, arrays: { sheet } }) {
    const canvas = document.createElement("canvas"), columns = Math.ceil(Math.sqrt(sheet.shape[0]));
    paintSheet(canvas, sheet, columns, 0);
    this.patterns[layer] = { canvas, columns, side: sheet.shape[1] };
  }

  // How wide the place for the grid is; how large letters are, against the usual size.
  measure() {
    this.wide = this.canvas.parentElement.clientWidth || 600;
    this.letters = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  }

  draw(frame, selected, input, moves) {
    this.frame = frame;
    this.arrange(moves);
    const [h, w] = frame.arrays.grid.shape, n = Math.max(1, this.order.length);
    if (this.wide === null) this.measure();
    const { wide } = this;
    const aim = wide < 500 ? 1.1 : Math.min(HEIGHT, Math.max(LEAST, (innerHeight - ABOVE) / wide)), fewest = wide < 500 ? 3 : 6;
    const { zoom } = this.options, all = frame.arrays.limits.data.length;
    const most = columnsOf(all, Math.max(fewest, Math.sqrt((all * h) / w / aim)) / zoom);
    this.columns = this.hasNames ? Math.max(1, Math.floor(wide / (120 * this.letters * zoom))) : Math.min(this.order.length || most, most);
    this.rows = Math.ceil(n / this.columns);
    const patterns = this.patterns[frame.layer];
    this.box.classList.toggle("names", this.hasNames);
    if (this.hasNames) drawNames(this);
    else if (this.options.overlay === "picture" && input && h * w > 1) drawOver(this, () => [input, 0, 0, input.width, input.height]);
    else if (this.options.overlay === "pattern" && patterns) {
      drawOver(this, (c) => [patterns.canvas, (c % patterns.columns) * patterns.side,
        Math.floor(c / patterns.columns) * patterns.side, patterns.side, patterns.side]);
    } else drawPlain(this);
    const aspect = `${this.canvas.width} / ${this.canvas.height}`;
    if (aspect !== this.aspect) this.canvas.style.aspectRatio = this.aspect = aspect;
    this.mark(this.cursor, selected);
    if (this.revealed !== (this.revealed = `${frame.layer}:${selected}`)) this.reveal(selected);
    this.pointed();
  }

  // Scroll a long list of names to a unit, inside its box.
  reveal(unit) {
    const { box } = this, high = this.canvas.clientHeight / this.rows, at = this.order.indexOf(unit);
    const top = Math.floor(at / this.columns) * high;
    if (at >= 0 && (top < box.scrollTop || top + high > box.scrollTop + box.clientHeight)) box.scrollTop = top - (box.clientHeight - high) / 2;
  }
}
