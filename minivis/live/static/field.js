// What a place of a layer sees of the input: its receptive field as a box, and where it really looks.

import { $ } from "./dom.js";

export class Field {
  constructor() { this.drawn = null; }

  // ``size``: [h, w] of the net's input; ``layer``: its row in the table; ``at``: [row, column] or null; ``looks``: the
  // box [top, left, bottom, right] that holds most of the gradient, or null.
  draw(size, layer, at, looks) {
    const drawn = JSON.stringify([size, layer?.name, at, looks]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const canvas = $("field"), side = 512 / Math.max(...size), [h, w] = size;
    canvas.width = Math.round(w * side);
    canvas.height = Math.round(h * side);
    const context = canvas.getContext("2d");
    if (looks) box(context, side, looks, [8, 6], "#ffd54a");
    if (!at || !layer || layer.shape.length !== 3) return;
    const edge = [0, 1].map((k) => layer.start[k] + layer.every[k] * at[k]);
    const end = edge.map((begin, k) => Math.min(size[k], begin + layer.sees[k]));
    box(context, side, [Math.max(0, edge[0]), Math.max(0, edge[1]), ...end], [], "#fff");
  }
}

function box(context, side, [top, left, bottom, right], dashes, color) {
  for (const [style, width] of [["#000", 5], [color, 2.5]]) {
    context.setLineDash(dashes);
    context.strokeStyle = style;
    context.lineWidth = width;
    context.strokeRect(left * side + 2, top * side + 2, Math.max(2, (right - left) * side - 4), Math.max(2, (bottom - top) * side - 4));
  }
}
