// The activation grid: a tile for each unit of the layer, drawn anew with each frame; a cursor, and what is under it.

import { rescaled, sized, table } from "./paint.js";

const HEIGHT = 0.82;                    // of the grid, as a part of its width, that is aimed at

export class Grid {
  constructor(canvas, cursor, hover, { colormaps, choose, point }) {
    Object.assign(this, { canvas, cursor, hover, colormaps, choose });
    this.frame = null;
    this.options = { boost: 1, norm: "unit", overlay: "none" };
    this.patterns = {};                 // layer -> the first patch of each unit
    this.scratch = document.createElement("canvas");
    canvas.addEventListener("pointermove", (event) => { this.mark(this.hover, this.at(event)); point(this.at(event)); });
    canvas.addEventListener("pointerleave", () => { this.mark(this.hover, null); point(null); });
    canvas.addEventListener("click", (event) => { const unit = this.at(event); if (unit !== null) choose(unit); });
  }

  get units() { return this.frame ? this.frame.arrays.limits.data.length : 0; }

  // The unit under a pointer, or null.
  at(event) {
    if (!this.frame) return null;
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
    const unit = row * this.columns + column;
    return column >= 0 && column < this.columns && unit < this.units ? unit : null;
  }

  // The unit one step away from another, for arrow keys.
  step(unit, dx, dy) {
    const to = unit + dx + dy * this.columns;
    return to >= 0 && to < this.units ? to : unit;
  }

  mark(box, unit) {
    box.hidden = unit === null || !this.frame;
    if (box.hidden) return;
    box.style.left = `${(100 * (unit % this.columns)) / this.columns}%`;
    box.style.top = `${(100 * Math.floor(unit / this.columns)) / this.rows}%`;
    box.style.width = `${100 / this.columns}%`;
    box.style.height = `${100 / this.rows}%`;
  }

  // The largest value of a unit in this frame.
  peak(unit) { return this.frame.arrays.limits.data[unit]; }

  draw(frame, selected, input) {
    this.frame = frame;
    const [h, w, C] = frame.arrays.grid.shape;
    const wide = this.canvas.parentElement.clientWidth || 600;
    const aim = wide < 500 ? 1.1 : HEIGHT;
    const fewest = wide < 500 ? 3 : 6;
    this.columns = Math.min(C, Math.max(fewest, Math.ceil(Math.sqrt((C * h) / w / aim))));
    this.rows = Math.ceil(C / this.columns);
    this.canvas.style.aspectRatio = `${this.columns * w} / ${this.rows * h}`;
    const patterns = this.patterns[frame.layer];
    if (this.options.overlay === "picture" && input && h * w > 1) this.drawOver(h, w, C, () => [input, 0, 0, input.width, input.height]);
    else if (this.options.overlay === "pattern" && patterns) {
      this.drawOver(h, w, C, (c) => [patterns.canvas, (c % patterns.columns) * patterns.side,
        Math.floor(c / patterns.columns) * patterns.side, patterns.side, patterns.side]);
    } else this.drawPlain(h, w, C);
    this.mark(this.cursor, selected);
  }

  // Which table each channel goes through: a function c -> 256 colours.
  tables(colors) {
    const { frame, options } = this;
    const base = table(colors, options.boost, frame.maps.signed);
    if (options.norm === "unit") return () => base;
    const limits = frame.arrays.limits.data;
    const most = limits.reduce((a, b) => Math.max(a, b), 0);
    return (c) => {
      const moved = rescaled(limits[c], most, frame.maps.signed);
      return Uint32Array.from(moved, (q) => base[q]);
    };
  }

  drawPlain(h, w, C) {
    const { frame, columns, rows } = this;
    const scale = Math.max(1, Math.floor(32 / Math.max(h, w)));
    const gap = h * w === 1 ? 3 : 2;
    const tileW = w * scale + gap, tileH = h * scale + gap;
    const width = columns * tileW, height = rows * tileH;
    const context = sized(this.canvas, width, height);
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const q = frame.arrays.grid.data;
    const tableOf = this.tables(this.colormaps[frame.maps.signed ? "diverging" : "inferno"]);
    for (let c = 0; c < C; c++) {
      const colors = tableOf(c);
      const corner = Math.floor(c / columns) * tileH * width + (c % columns) * tileW;
      for (let y = 0; y < h * scale; y++) {
        const line = Math.floor(y / scale) * w;
        let at = corner + (y + (gap >> 1)) * width + (gap >> 1);
        for (let x = 0; x < w; x++) {
          const color = colors[q[(line + x) * C + c]];
          for (let s = 0; s < scale; s++) pixels[at++] = color;
        }
      }
    }
    context.putImageData(image, 0, 0);
    this.canvas.classList.remove("smooth");
  }

  // Each tile a picture that is lit where the unit is on.
  drawOver(h, w, C, under) {
    const { frame, columns, rows } = this;
    const side = C > 200 ? 32 : 56;
    const context = sized(this.canvas, columns * side, rows * side);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const grey = Array.from({ length: 768 }, (_, i) => 36 + Math.round((219 * Math.floor(i / 3)) / 255));
    if (frame.maps.signed) for (let i = 0; i < 768; i++) grey[i] = 36 + Math.round(219 * Math.max(0, (Math.floor(i / 3) - 127.5) / 127.5));
    const tableOf = this.tables(grey);
    const q = frame.arrays.grid.data;
    const small = sized(this.scratch, w, h);
    const image = small.createImageData(w, h);
    const pixels = new Uint32Array(image.data.buffer);
    for (let c = 0; c < C; c++) {
      const colors = tableOf(c);
      for (let i = 0; i < h * w; i++) pixels[i] = colors[q[i * C + c]];
      small.putImageData(image, 0, 0);
      const x = (c % columns) * side + 1, y = Math.floor(c / columns) * side + 1;
      context.globalCompositeOperation = "source-over";
      context.drawImage(...under(c), x, y, side - 2, side - 2);
      context.globalCompositeOperation = "multiply";
      context.drawImage(this.scratch, x, y, side - 2, side - 2);
    }
    context.globalCompositeOperation = "source-over";
  }
}
