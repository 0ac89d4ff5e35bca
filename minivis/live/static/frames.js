// A frame of the server, drawn in all parts of the page, and what is read from it under the pointer.

import { $, retext, withoutMiddle } from "./dom.js";
import { channelIn, className, isShown, layerOf, unitLabel } from "./names.js";
import { page, state } from "./page.js";
import { short, sized } from "./paint.js";

const LARGE = 512;                      // pixels of the longer side of the input as it is enlarged

const LETTERS = 22;                     // of a unit's name above the tools

// How grids are drawn.
export const gridOptions = () => ({
  boost: +$("gamma").value, norm: $("norm").value, overlay: $("overlay").value, sort: $("sort").value,
  only: $("only").checked, search: $("search").value, zoom: +$("zoom").value,
});

// Where the signal back from the unit is wished for and there is little of it, or none.
function wayBack({ show, layer, unit }) {
  if (state.show !== "back" || (show === "back" && layer !== unit?.layer)) return "";
  if (!state.unit) return " · choose a unit first";
  return show === "back" ? " · here the signal begins: choose a layer before" : " · no signal comes here: choose a layer before the unit";
}

export function redraw() {
  const { last, grid, sources, panel } = page;
  if (!last) return;
  grid.options = gridOptions();
  grid.draw(last, channelIn(state.layer), $("input"), sources.moves && !state.frozen);
  const [h, w, C] = last.shape.length === 3 ? last.shape : [1, 1, last.shape[0]];
  retext($("grid-title"), last.show === "back" ? `${last.layer}: back from ${unitLabel(state.unit ?? last.unit)}` : last.layer);
  const hidden = C - grid.order.length, none = $("search").value.trim() ? " · none found" : " · none is on";
  retext($("grid-note"), `${C} ${h * w > 1 ? `maps of ${w} × ${h}` : "values"} · ${layerOf(last.layer)?.type ?? "input"}`
    + (hidden === C ? none : hidden ? ` · ${hidden} not shown` : "")
    + (last.maps.shrunk > 1 ? ` · drawn at 1/${last.maps.shrunk}` : "")
    + wayBack(last)
    + (grid.lacksPatterns ? ` · looking for its patterns, ${Math.round(100 * grid.sought)} %` : ""));
  $("norm").disabled = h * w === 1;
  if (isShown(last.unit)) panel.draw(last.unit, last.arrays, +$("gamma").value, state.place === null);
  page.beside.redraw();
  retext($("tools-target"), `Why ${state.unit ? withoutMiddle(unitLabel(state.unit), LETTERS) : "the first class"}?`);
}

// What a unit's numbers are, in words; ``at``: a place in its map.
export function readingOf(channel, at) {
  const { grid, last } = page;
  const [low, high] = grid.range(channel), [h, w] = last.arrays.grid.shape;
  if (h * w === 1) return short(high);
  const range = low === high ? `${short(high)} everywhere` : `${short(low)} to ${short(high)}`;
  if (!at) return range;
  const { shrunk } = last.maps;
  return `about ${short(grid.value(at))} at ${at.row * shrunk}, ${at.column * shrunk} (${range})`;
}

// The line below the grid, and the box on the input, of what is under the pointer; null for nothing.
export function readout(at) {
  drawField(at);
  retext($("readout"), at && page.last ? `${unitLabel({ layer: state.layer, channel: at.unit })}   ${readingOf(at.unit, at)}` : "");
}

export const nameInGrid = (channel) => className(state.layer, channel);

// On the input: what the place under the pointer sees, or the place of the unit, and where the unit really looks.
function drawField(at) {
  const { last, tools, field, hello } = page;
  if (!last || tools?.running) { field.draw(hello.net.input, null, null, null); return; }
  const unit = isShown(last.unit) ? last.unit : null, size = fittedSize();
  if (at && layerOf(state.layer)) {
    const layer = layerOf(state.layer), place = [at.row, at.column].map((i) => i * last.maps.shrunk);
    const isPlace = layer.shape.length === 3 && place.every((i, k) => i < layer.shape[k]);
    field.draw(size, layer, place, page.looks.of(isPlace ? `${state.layer}:${at.unit}@${place.join(",")}` : null, last.number));
  } else if (unit?.position) field.draw(size, layerOf(unit.layer), unit.position, unit.looks);
  else field.draw(size, null, null, null);
}

// Pixels of the net's input: of a net that takes any size, of the picture that it was given.
const fittedSize = () => (page.hello.net.any_size && page.last ? page.last.box.slice(2) : page.hello.net.input);

// The input as it is shown, with what is laid over it.
export function wholeInput(canvas) {
  const input = $("input"), scale = Math.max(1, LARGE / Math.max(input.width, input.height));
  const context = sized(canvas, Math.round(input.width * scale), Math.round(input.height * scale));
  context.imageSmoothingQuality = "high";
  context.drawImage(input, 0, 0, canvas.width, canvas.height);
  for (const id of ["over", "field"]) if (!$(id).hidden) context.drawImage($(id), 0, 0, canvas.width, canvas.height);
}
