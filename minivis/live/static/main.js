// The page: what is looked at, and the wires between its parts.

import { Arithmetic } from "./arithmetic.js";
import { Classes } from "./classes.js";
import { Connection } from "./connection.js";
import { $, announce, roving, stopAt, tag } from "./dom.js";
import { Grid } from "./grid.js";
import { keys } from "./keys.js";
import { LayerBar } from "./layers.js";
import { paintSheet, short } from "./paint.js";
import { Sources } from "./sources.js";
import { Stream } from "./stream.js";
import { Tools } from "./tools.js";
import { UnitPanel } from "./unit.js";

const DWELL = 500;                      // ms on a unit before its patches and its maximised picture are asked for

const state = { layer: null, unit: null, place: null, rule: "normal", frozen: false };      // unit: {layer, channel}
let hello = null, grid = null, panel = null, tools = null, sources = null, stream = null, last = null, dwell = null;

const classes = new Classes((number) => chooseUnit({ layer: hello.answers[0], channel: number }));
const layerBar = new LayerBar(chooseLayer);
const arithmetic = new Arithmetic({
  ask: (unit, target) => ask({ type: "explain", unit, target }), choose: goTo, name: (number) => hello.net.classes[number],
  isUnit: (text) => text.startsWith("input:") || parsed(text) !== null,
});
const connection = new Connection({
  hello: greet, frame: show, lost, error: complain,
  explained: (message) => arithmetic.show(message, last?.top ?? []),
  heat: (message) => tools.heat(message),
  progress: (message) => (message.job in PANEL_JOBS ? panel.progress(message) : tools.progress(message)),
  grown: (message) => (message.job === "grow" ? tools.grown(message) : isCurrent(message.unit) && panel.maximized(message)),
  patches: (message) => {
    keepPatterns(message);
    if (isCurrent(message.unit)) panel.patches(message);
  },
});
const PANEL_JOBS = { patches: "patches-note", maximize: "maximized-note" };

// ---- the server ----

function greet(message, again) {
  hello = message;
  $("notice").hidden = true;
  $("net").textContent = `${hello.net.title} · ${hello.layers.length} layers`;
  const known = (layer) => hello.layers.some(({ name }) => name === layer);
  if (!known(state.layer)) Object.assign(state, { layer: hello.view.layer, unit: null, place: null });
  if (!grid) build();
  layerBar.build(hello.layers);
  layerBar.mark(state.layer);
  stream.resend();
  sendView();
  if (!again) return;
  say("The server is back.", 3000);
  if (state.unit) askPanel();
}

function lost(tries, why) {
  say(why ? `${why}. The page tries again when there is room.`
    : tries > 1 || hello ? "The server does not answer. It may have been stopped; the page keeps trying." : "Connecting …");
  if (!hello) return;
  stream.settled = null;
  tools.failed("The server stopped before this was done. Ask again when it is back.");
  arithmetic.failed();
  for (const job in PANEL_JOBS) panel.failed(job, "the server does not answer");
}

function say(text, ms) {
  $("notice").textContent = text;
  $("notice").hidden = false;
  if (ms) setTimeout(() => { if ($("notice").textContent === text) $("notice").hidden = true; }, ms);
}

function complain({ about, message }) {
  if (about in PANEL_JOBS) panel.failed(about, message);
  else if (about === tools?.running) tools.failed(message);
  else if (about === "explain") say(arithmetic.failed(message), 6000);
  else say(message, 6000);
  stream?.settle();
}

// Ask something about the frame that is shown. Whether the server could be asked.
function ask(message) {
  if (!last) { $("tool-note").textContent = "Choose a picture first."; return false; }
  if (!connection.ready) { $("tool-note").textContent = "The server does not answer. Ask again when it is back."; return false; }
  freeze(true);
  stream.whenSettled(() => connection.send(message));
  return true;
}

function build() {
  grid = new Grid($("grid"), $("cursor"), $("hover"), {
    colormaps: hello.colormaps, choose: (channel) => chooseUnit({ layer: state.layer, channel }), point: readout, name: (channel) => className(state.layer, channel),
  });
  panel = new UnitPanel({ colormaps: hello.colormaps, pickPlace });
  tools = new Tools({
    colormaps: hello.colormaps, stop: () => connection.send({ type: "stop" }),
    top: (rows) => { if (rows ?? last) classes.draw(rows ?? last.top); },
    keep: (canvas) => sources.keep(canvas),
    request: (job) => {
      if (job === "grow" && !state.unit) { $("tool-note").textContent = "Choose a unit in the grid, or a class, first."; return false; }
      return ask({ type: "job", job, unit: !state.unit ? null : job === "grow" ? unitName() : fixedUnit() });
    },
  });
  sources = new Sources({
    samples: hello.samples, complain: (text) => say(text, 6000),
    changed: () => {
      freeze(false);
      tools.clear();
      stream.needs = true;
      for (const button of document.querySelectorAll("[data-source]")) button.setAttribute("aria-pressed", button.dataset.source === sources.kind);
      $("next").disabled = !sources.hasNext;
      $("waiting").hidden = true;
    },
  });
  stream = new Stream(connection, sources, { side: hello.side, isFrozen: () => state.frozen });
  sampleList();
  ruleButtons();
  sources.sample(0);                    // something to see at once; the camera is asked for when it is wanted
}

// ---- frames ----

function show(frame) {
  if (frame.layer !== state.layer) return;
  if (stream.arrived(frame) && tools.running && !state.frozen) tools.clear();
  last = frame;
  $("fps").textContent = stream.rate?.toFixed(1) ?? "–";
  $("ms").textContent = (frame.ms.forward + frame.ms.backward).toFixed(1);
  stream.draw(frame);
  if (tools.running !== "grow") classes.draw(frame.top);
  redraw();
  stream.settle();
}

function redraw() {
  if (!last) return;
  grid.options = {
    boost: +$("gamma").value, norm: $("norm").value, overlay: $("overlay").value, sort: $("sort").value,
    only: $("only").checked, search: $("search").value, zoom: +$("zoom").value,
  };
  grid.draw(last, state.unit?.layer === state.layer ? state.unit.channel : null, $("input"), sources.moves && !state.frozen);
  const [h, w, C] = last.shape.length === 3 ? last.shape : [1, 1, last.shape[0]];
  $("grid-title").textContent = last.layer;
  const hidden = C - grid.order.length;
  $("grid-note").textContent = `${C} ${h * w > 1 ? `maps of ${w} × ${h}` : "values"} · ${layerOf(last.layer)?.type ?? "input"}`
    + `${hidden ? ` · ${hidden} not shown` : ""}${last.maps.shrunk > 1 ? ` · drawn at 1/${last.maps.shrunk}` : ""}`;
  $("norm").disabled = h * w === 1;
  if (isShown(last.unit)) panel.draw(last.unit, last.arrays, +$("gamma").value, state.place === null);
  $("tools-target").textContent = `Which pixels does ${state.unit ? unitLabel(state.unit) : "the first class"} depend on?`;
}

// ---- what is looked at ----

const layerOf = (layer) => hello.layers.find(({ name }) => name === layer);

const className = (layer, channel) => (hello.answers.includes(layer) ? hello.net.classes[channel] : null) ?? null;

const unitLabel = ({ layer, channel }) => className(layer, channel) ?? `${layer}:${channel}`;

const isShown = (unit) => Boolean(unit && state.unit && unit.layer === state.unit.layer && unit.channel === state.unit.channel);

const isCurrent = (text) => isShown(parsed(text));

function sendView() {
  connection.send({ type: "view", layer: state.layer, unit: state.unit ? unitName() : "", rule: state.rule });
}

function unitName() {
  const { layer, channel } = state.unit, hasPlaces = layerOf(layer)?.shape.length === 3;
  return `${layer}:${channel}${hasPlaces ? `@${state.place ? state.place.join(",") : "max"}` : ""}`;
}

// The unit at the place where it is strongest now: what is asked of a frozen frame must not wander.
function fixedUnit() {
  const { layer, channel } = state.unit, place = isShown(last?.unit) ? last.unit.position : null;
  return place ? `${layer}:${channel}@${place.join(",")}` : unitName();
}

// {layer, channel, place} of a unit string, or null where the net has no such unit.
function parsed(text) {
  const [layer, rest] = text.split(/:(.*)/s);
  if (!rest || !layerOf(layer)) return null;
  const [name, where] = rest.split(/@(\d+,\d+|max)$/);
  const channel = /^\d+$/.test(name) ? +name : hello.net.classes.indexOf(name);
  return channel < 0 ? null : { layer, channel, place: where && where !== "max" ? where.split(",").map(Number) : null };
}

function chooseLayer(layer) {
  state.layer = layer;
  layerBar.mark(layer);
  sendView();
}

function chooseUnit({ layer, channel }, place = null) {
  Object.assign(state, { unit: { layer, channel }, place });
  const name = unitLabel(state.unit), numbered = `${layer}:${channel}`, { type, shape, sees } = layerOf(layer);
  panel.title(name, `${name === numbered ? type : numbered}${shape.length === 3 ? ` · sees ${sees[1]} × ${sees[0]} pixels` : ""}`);
  panel.patches(null);
  panel.maximized(null);
  grid.mark($("cursor"), layer === state.layer ? channel : null);
  sendView();
  clearTimeout(dwell);
  dwell = setTimeout(askPanel, DWELL);
  redraw();
}

function unchoose() {
  Object.assign(state, { unit: null, place: null });
  clearTimeout(dwell);
  panel.hide();
  grid.mark($("cursor"), null);
  sendView();
}

// What takes longer about the unit: its patches and its maximised picture.
function askPanel() {
  for (const job in PANEL_JOBS) connection.send({ type: "job", job, unit: `${state.unit.layer}:${state.unit.channel}` });
}

function pickPlace(place) {
  if (!state.unit) return;
  state.place = place;
  sendView();
}

// Show a unit that is named by a text: its layer, too.
function goTo(text) {
  const unit = parsed(text);
  if (!unit) return;
  if (unit.layer !== state.layer) chooseLayer(unit.layer);
  chooseUnit(unit, unit.place);
  $("unit-title").scrollIntoView({ block: "nearest" });
}

// With the arrow keys, Home, End and the page keys.
function move(dx, dy, to) {
  if (!last || !grid.order.length) return;
  const channel = grid.step(state.unit?.layer === state.layer ? state.unit.channel : null, dx, dy, to);
  chooseUnit({ layer: state.layer, channel });
  announce(`${unitLabel(state.unit)}: ${readingOf(channel)}`);
}

function ruleButtons() {
  $("rules").replaceChildren(...Object.entries(hello.rules).map(([rule, title]) =>
    tag("button", { role: "radio", "data-rule": rule, onclick: () => chooseRule(rule) }, title)));
  chooseRule(state.rule);
}

function chooseRule(rule) {
  state.rule = rule;
  for (const button of $("rules").children) button.setAttribute("aria-checked", button.dataset.rule === rule);
  stopAt($("rules"), (button) => button.dataset.rule === rule);
  sendView();
}

function nextRule() {
  const all = Object.keys(hello.rules);
  chooseRule(all[(all.indexOf(state.rule) + 1) % all.length]);
}

function keepPatterns({ layer, arrays: { sheet } }) {
  const canvas = document.createElement("canvas");
  const columns = Math.ceil(Math.sqrt(sheet.shape[0]));
  paintSheet(canvas, sheet, columns, 0);
  grid.patterns[layer] = { canvas, columns, side: sheet.shape[1] };
  redraw();
}

// What a unit's numbers are, in words; ``at``: a place in its map.
function readingOf(channel, at) {
  const [low, high] = grid.range(channel), [h, w] = last.arrays.grid.shape;
  if (h * w === 1) return short(high);
  const range = low === high ? `${short(high)} everywhere` : `${short(low)} to ${short(high)}`;
  if (!at) return range;
  const { shrunk } = last.maps;
  return `about ${short(grid.value(at))} at ${at.row * shrunk}, ${at.column * shrunk} (${range})`;
}

function readout(at) {
  $("readout").textContent = at && last ? `${unitLabel({ layer: state.layer, channel: at.unit })}   ${readingOf(at.unit, at)}` : "";
}

// ---- sources and buttons ----

function freeze(on = !state.frozen) {
  if (on === state.frozen) return;
  state.frozen = on;
  $("freeze").setAttribute("aria-pressed", on);
  $("frozen").hidden = !on;
  sources?.pause(on);
  if (!on) { tools.clear(); if (sources?.kind) stream.needs = true; }
  if (on) $("fps").textContent = "–";
}

function choose(source) {
  if (source === "camera") sources.camera();
  else if (source === "picture") $("picture-file").click();
  else if (source === "film") $("film-file").click();
  else if (source === "samples") $("samples").showModal();
  else sources.pattern();
}

function next(step) {
  if (sources && !sources.next(step)) say("There is one picture only. Choose several files at once, or the samples, to step through them.", 6000);
}

function sampleList() {
  const { names, columns } = hello.samples;
  $("sample-list").replaceChildren(...names.map((name, i) => {
    const button = tag("button", { "aria-label": name, title: name, onclick: () => { $("samples").close(); sources.sample(i); } });
    const rows = Math.ceil(names.length / columns);
    button.style.backgroundImage = "url(samples.webp)";
    button.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
    button.style.backgroundPosition = `${(100 * (i % columns)) / (columns - 1)}% ${(100 * Math.floor(i / columns)) / (rows - 1)}%`;
    return button;
  }));
}

for (const button of document.querySelectorAll("[data-source]")) button.addEventListener("click", () => hello && choose(button.dataset.source));
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
for (const id of ["gamma", "norm", "overlay", "sort", "only", "search", "zoom"]) $(id).addEventListener("input", changedDrawing);
$("gamma-back").addEventListener("input", () => { panel.boost = +$("gamma-back").value; redraw(); });
$("picture-file").addEventListener("change", () => { const files = [...$("picture-file").files]; $("picture-file").value = ""; if (files.length) sources.files(files); });
$("film-file").addEventListener("change", () => { const [file] = $("film-file").files; $("film-file").value = ""; if (file) sources.film(file); });
$("freeze").addEventListener("click", () => freeze());
$("next").addEventListener("click", () => next(1));
$("explain").addEventListener("click", explain);
$("show-help").addEventListener("click", () => $("help").showModal());
$("theme").addEventListener("click", theme);
roving($("rules"), (button) => chooseRule(button.dataset.rule));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const files = [...event.dataTransfer.files];
  if (files.length) sources?.files(files);
});
new ResizeObserver(() => redraw()).observe($("grid").parentElement);

function changedDrawing() {
  if ($("overlay").value === "pattern" && !grid?.patterns[state.layer]) {
    connection.send({ type: "job", job: "patches", unit: `${state.layer}:${state.unit?.layer === state.layer ? state.unit.channel : 0}` });
  }
  redraw();
}

function explain() {
  if (state.unit && last) arithmetic.open(fixedUnit());
}

function theme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
}

function slide(id, step) {
  $(id).value = +$(id).value + step;
  $(id).dispatchEvent(new Event("input"));
}

function cycle(id) {
  $(id).selectedIndex = ($(id).selectedIndex + 1) % $(id).options.length;
  $(id).dispatchEvent(new Event("input"));
}

keys({
  freeze: () => freeze(), next, rule: nextRule, norm: () => cycle("norm"), overlay: () => cycle("overlay"), search: () => $("search").focus(),
  follow: () => pickPlace(null), explain, saliency: () => tools?.begin("saliency"), occlusion: () => tools?.begin("occlusion"),
  grow: () => tools?.begin("grow"), theme, help: () => $("help").showModal(), source: (name) => hello && choose(name),
  gamma: (step) => slide("gamma", step), gammaBack: (step) => slide("gamma-back", step), move,
  layer: (step) => {
    const i = hello.layers.findIndex(({ name }) => name === state.layer) + step;
    if (hello.layers[i]) chooseLayer(hello.layers[i].name);
  },
  escape: () => {
    if (arithmetic.isOpen) arithmetic.close();
    else if (tools?.running) tools.clear();
    else if (state.unit) unchoose();
  },
}, $("keys"), () => $("keys-on").checked);
