// How the tiles of a grid are drawn: maps in colours, pictures lit where a unit is on, names of classes.

import { imageOf, rescaled, short, sized, table } from "./paint.js";

const scratch = document.createElement("canvas");

// Which table each channel goes through: a function c -> 256 colours.
function tables({ frame, options }, colors) {
  const base = table(colors, options.boost, frame.maps.signed);
  if (options.norm === "unit") return () => base;
  const limits = frame.arrays.limits.data;
  const most = limits.reduce((a, b) => Math.max(a, b), 0);
  return (c) => {
    const moved = rescaled(limits[c], most, frame.maps.signed);
    return Uint32Array.from(moved, (q) => base[q]);
  };
}

const colorsOf = ({ frame, colormaps }) => colormaps[frame.maps.signed ? "diverging" : "inferno"];

export function drawPlain(grid) {
  const { frame, columns, rows, order, canvas } = grid;
  const [h, w, C] = frame.arrays.grid.shape;
  const scale = Math.max(1, Math.floor(32 / Math.max(h, w)));
  const gap = h * w === 1 ? 3 : 2;
  const tileW = w * scale + gap, tileH = h * scale + gap;
  const width = columns * tileW, height = rows * tileH;
  const context = sized(canvas, width, height), { image, pixels } = imageOf(canvas, width, height);
  const q = frame.arrays.grid.data;
  const tableOf = tables(grid, colorsOf(grid));
  pixels.fill(0);
  order.forEach((c, i) => {
    const colors = tableOf(c);
    const corner = Math.floor(i / columns) * tileH * width + (i % columns) * tileW;
    for (let y = 0, from = c; y < h; y++) {
      const start = corner + (y * scale + (gap >> 1)) * width + (gap >> 1);
      let at = start;
      for (let x = 0; x < w; x++, from += C) {
        const color = colors[q[from]];
        for (let s = 0; s < scale; s++) pixels[at++] = color;
      }
      for (let s = 1; s < scale; s++) pixels.copyWithin(start + s * width, start, at);
    }
  });
  context.putImageData(image, 0, 0);
}

// Each tile a picture that is lit where the unit is on.
export function drawOver(grid, under) {
  const { frame, columns, rows, order, canvas } = grid;
  const [h, w, C] = frame.arrays.grid.shape;
  const side = order.length > 200 ? 32 : 56;
  const context = sized(canvas, columns * side, rows * side);
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const grey = Array.from({ length: 768 }, (_, i) => 36 + Math.round((219 * Math.floor(i / 3)) / 255));
  if (frame.maps.signed) for (let i = 0; i < 768; i++) grey[i] = 36 + Math.round(219 * Math.max(0, (Math.floor(i / 3) - 127.5) / 127.5));
  const tableOf = tables(grid, grey);
  const q = frame.arrays.grid.data;
  const small = sized(scratch, w, h), { image, pixels } = imageOf(scratch, w, h);
  order.forEach((c, at) => {
    const colors = tableOf(c);
    for (let i = 0; i < h * w; i++) pixels[i] = colors[q[i * C + c]];
    small.putImageData(image, 0, 0);
    const x = (at % columns) * side + 1, y = Math.floor(at / columns) * side + 1;
    context.globalCompositeOperation = "source-over";
    context.drawImage(...under(c), x, y, side - 2, side - 2);
    context.globalCompositeOperation = "multiply";
    context.drawImage(scratch, x, y, side - 2, side - 2);
  });
  context.globalCompositeOperation = "source-over";
}

// Each tile the name of a class and its number, on the colour of the number: all by one range.
export function drawNames(grid) {
  const { frame, columns, rows, order, canvas } = grid;
  const dense = Math.min(2, devicePixelRatio || 1), zoom = grid.options.zoom * grid.letters;
  const tileW = Math.floor(((canvas.parentElement.clientWidth || 600) / columns) * dense), tileH = Math.round(26 * zoom * dense);
  const context = sized(canvas, columns * tileW, rows * tileH);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = `${Math.round(12.5 * zoom * dense)}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const colors = table(colorsOf(grid), grid.options.boost, frame.maps.signed);
  const pad = Math.round(6 * dense * grid.letters), q = frame.arrays.grid.data, values = frame.arrays.high.data;
  order.forEach((c, i) => {
    const x = (i % columns) * tileW, y = Math.floor(i / columns) * tileH, color = colors[q[c]];
    const [r, g, b] = [color & 255, (color >> 8) & 255, (color >> 16) & 255];
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    context.fillRect(x + 1, y + 1, tileW - 2, tileH - 2);
    context.fillStyle = 0.3 * r + 0.59 * g + 0.11 * b > 135 ? "#000" : "#fff";
    const number = short(values[c]), room = tileW - context.measureText(number).width - 3 * pad;
    context.textAlign = "left";
    context.fillText(cut(context, grid.name(c), room), x + pad, y + tileH / 2);
    context.textAlign = "right";
    context.fillText(number, x + tileW - pad, y + tileH / 2);
  });
}

// As much of a text as there is room for.
function cut(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return `${text.slice(0, length)}…`;
}
