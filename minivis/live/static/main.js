// The page: what is looked at, and the wires between its parts.

import { linkTo, read, write } from "./address.js";
import { Arithmetic } from "./arithmetic.js";
import { Classes } from "./classes.js";
import { Connection } from "./connection.js";
import { $, announce, roving, stopAt, tag } from "./dom.js";
import { copyOf, Enlarged } from "./enlarged.js";
import { Field } from "./field.js";
import { Grid } from "./grid.js";
import { keys } from "./keys.js";
import { LayerBar } from "./layers.js";
import { paintSheet, short, sized } from "./paint.js";
import { sampleButtons, wholeSample } from "./samples.js";
import { cycle, presenter, slide, theme } from "./settings.js";
import { Sources } from "./sources.js";
import { Stream } from "./stream.js";
import { Tools } from "./tools.js";
import { Tour } from "./tour.js";
import { UnitPanel } from "./unit.js";

const DWELL = 500;                      // ms on a unit before its patches and its maximised picture are asked for

// unit: {layer, channel}; show: what of the layer; off: units that are switched off; chosen: whether a person chose
const state = { layer: null, unit: null, place: null, rule: "normal", show: "activations", off: [], frozen: false, chosen: false };
const field = new Field();
const enlarged = new Enlarged({ record: () => address(), link: () => linkTo(address()) });
const tour = new Tour(perform);
let waiting = null;                     // what an address or the tour asks for, until its picture or its net has come
let hello = null, grid = null, panel = null, tools = null, sources = null, stream = null, last = null, dwell = null;

const classes = new Classes((number) => { state.chosen = true; chooseUnit({ layer: hello.answers[0], channel: number }); });
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
  patches_back: (message) => isCurrent(message.unit) && panel.patchesBack(message),
});
const PANEL_JOBS = { patches: "patches-note", maximize: "maximized-note" };

// ---- the server ----

function greet(message, again) {
  hello = message;
  $("notice").hidden = true;
  $("net").textContent = `${hello.net.title} · ${hello.layers.length} layers`;
  $("nets").hidden = hello.nets.length < 2;
  $("nets").replaceChildren(...hello.nets.map((name) => tag("option", {}, name)));
  $("nets").value = hello.net.name;
  tour.offer(hello.tour);
  const isFirst = !grid, isOther = last && last.net !== hello.net.name;
  if (isFirst) build();
  if (isOther) changedNet();
  const known = (layer) => hello.layers.some(({ name }) => name === layer);
  if (!known(state.layer)) Object.assign(state, { layer: hello.view.layer, unit: null, place: null });
  layerBar.build(hello.stages, hello.colormaps);
  layerBar.mark(state.layer);
  stream.resend();
  if (isFirst) perform(read());
  else if (waiting && (!waiting.net || waiting.net === hello.net.name)) perform(waiting);
  else if (isOther && state.unit) chooseUnit(state.unit);
  sendView();
  if (!again || isOther) return;
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
    colormaps: hello.colormaps, point: readout, name: (channel) => className(state.layer, channel),
    choose: (channel) => { state.chosen = true; chooseUnit({ layer: state.layer, channel }); },
  });
  panel = new UnitPanel({ colormaps: hello.colormaps, pickPlace, enlarge: (what) => enlarged.open(what), whole: (canvas, place) => wholeSample(canvas, hello.samples, sources.sheet, place) });
  tools = new Tools({
    colormaps: hello.colormaps, stop: () => connection.send({ type: "stop" }),
    top: (rows) => { if (rows ?? last) classes.draw(rows ?? last.top); },
    keep: (canvas) => sources.keep(canvas),     // (its copy: the tool is cleared when it has become the source)
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
      $("flip").hidden = sources.kind !== "camera";
      write(address());
      $("waiting").hidden = true;
    },
  });
  stream = new Stream(connection, sources, { side: hello.side, isFrozen: () => state.frozen });
  sampleButtons(hello.samples, (i) => { waiting = null; sources.sample(i); });
  ruleButtons();
  tools.build(hello.tools);
  $("show").replaceChildren(...Object.entries(hello.shows).map(([value, title]) => tag("option", { value }, title)));
  keys(actions, hello.tools, $("keys"), () => $("keys-on").checked);
}

// Another net: units and layers of the last one may not exist, or mean something else.
function changedNet() {
  last = null;
  tools.clear();
  grid.patterns = {};
  Object.assign(state, { off: [], place: null });
  const { unit } = state;
  if (unit && (!layerOf(unit.layer) || unit.channel >= layerOf(unit.layer).shape.at(-1))) { state.unit = null; panel.hide(); }
}

// ---- what an address or a step of the tour asks for ----

// {net, sample, layer, unit, rule, show, off, sort, tool}: each may be missing. The net and the picture come first.
function perform(wanted) {
  waiting = wanted;
  if (wanted.net && wanted.net !== hello.net.name && hello.nets.includes(wanted.net)) { changeNet(wanted.net); return; }
  const number = wanted.sample ?? (sources.kind ? null : 0);
  waiting = { ...wanted, net: null, sample: null, from: connection.sent };
  if (number !== null) { sources.sample(+number || 0).then(settleWaiting); return; }      // the camera is asked for when it is wanted
  settleWaiting();
}

// The rest, now that the picture is on its way; a tool waits for its answer.
function settleWaiting() {
  if (!waiting) return;
  const { layer, unit, rule, show, off, sort, tool } = waiting;
  waiting = null;
  if (layerOf(layer)) state.layer = layer;
  if (rule in hello.rules) state.rule = rule;
  if (show in hello.shows) { state.show = show; $("show").value = show; }
  if (off) state.off = off.split(",").filter((text) => parsed(text));
  if (sort) $("sort").value = sort;
  markRule();
  markOff();
  layerBar.mark(state.layer);
  const found = unit && parsed(unit);
  if (found) { state.chosen = true; chooseUnit(found, found.place); } else sendView();
  if (tool) afterNext(() => tools.begin(tool));
}

// Once the next picture has been answered.
function afterNext(action) {
  const number = stream.needs ? connection.sent + 1 : connection.sent;
  const wait = () => (last && stream.number >= number && !stream.needs ? action() : setTimeout(wait, 50));
  wait();
}

// What is looked at, as texts.
function address() {
  const place = state.place ? `@${state.place.join(",")}` : "";
  return {
    net: hello.net.name, layer: state.layer, unit: state.unit ? `${state.unit.layer}:${state.unit.channel}${place}` : null,
    rule: state.rule, show: state.show === "activations" ? null : state.show, off: state.off.join(","),
    sort: $("sort").value === "number" ? null : $("sort").value,
    sample: sources?.kind === "samples" ? String(sources.index) : null,
  };
}

// ---- frames ----

function show(frame) {
  if (frame.layer !== state.layer || frame.net !== hello.net.name) return;
  if (stream.arrived(frame) && tools.running && !state.frozen) tools.clear();
  last = frame;
  $("fps").textContent = stream.rate?.toFixed(1) ?? "–";
  $("ms").textContent = (frame.ms.forward + frame.ms.backward).toFixed(1);
  stream.draw(frame);
  if (tools.running !== "grow") classes.draw(frame.top);
  if (frame.arrays.strip) layerBar.draw(frame.arrays.strip);
  if (!state.chosen && frame.top.length && (!state.unit || !sources.moves)) topClass(frame.top[0][0]);
  redraw();
  stream.settle();
}

// Nobody has chosen a unit yet: it is the first class.
function topClass(channel) {
  const layer = hello.answers[0];
  if (state.unit?.layer !== layer || state.unit.channel !== channel) chooseUnit({ layer, channel });
}

function redraw() {
  if (!last) return;
  grid.options = {
    boost: +$("gamma").value, norm: $("norm").value, overlay: $("overlay").value, sort: $("sort").value,
    only: $("only").checked, search: $("search").value, zoom: +$("zoom").value,
  };
  grid.draw(last, state.unit?.layer === state.layer ? state.unit.channel : null, $("input"), sources.moves && !state.frozen);
  const [h, w, C] = last.shape.length === 3 ? last.shape : [1, 1, last.shape[0]];
  $("grid-title").textContent = last.show === "back" ? `${last.layer}: back from ${unitLabel(state.unit ?? last.unit)}` : last.layer;
  const hidden = C - grid.order.length;
  $("grid-note").textContent = `${C} ${h * w > 1 ? `maps of ${w} × ${h}` : "values"} · ${layerOf(last.layer)?.type ?? "input"}`
    + `${hidden ? ` · ${hidden} not shown` : ""}${last.maps.shrunk > 1 ? ` · drawn at 1/${last.maps.shrunk}` : ""}`;
  $("norm").disabled = h * w === 1;
  if (isShown(last.unit)) panel.draw(last.unit, last.arrays, +$("gamma").value, state.place === null);
  drawField(null);
  $("tools-target").textContent = `Why ${state.unit ? unitLabel(state.unit) : "the first class"}?`;
}

// ---- what is looked at ----

const layerOf = (layer) => hello.layers.find(({ name }) => name === layer);

const className = (layer, channel) => (hello.answers.includes(layer) ? hello.net.classes[channel] : null) ?? null;

const unitLabel = ({ layer, channel }) => className(layer, channel) ?? `${layer}:${channel}`;

const isShown = (unit) => Boolean(unit && state.unit && unit.layer === state.unit.layer && unit.channel === state.unit.channel);

const isCurrent = (text) => isShown(parsed(text));

function sendView() {
  connection.send({ type: "view", layer: state.layer, unit: state.unit ? unitName() : "", rule: state.rule, show: state.show, off: state.off });
  if (sources) write(address());
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
  markOff();
  sendView();
  clearTimeout(dwell);
  dwell = setTimeout(askPanel, DWELL);
  redraw();
}

function unchoose() {
  state.chosen = true;
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
  state.chosen = true;
  if (unit.layer !== state.layer) chooseLayer(unit.layer);
  chooseUnit(unit, unit.place);
  $("unit-title").scrollIntoView({ block: "nearest" });
}

// With the arrow keys, Home, End and the page keys.
function move(dx, dy, to) {
  if (!last || !grid.order.length) return;
  state.chosen = true;
  const channel = grid.step(state.unit?.layer === state.layer ? state.unit.channel : null, dx, dy, to);
  chooseUnit({ layer: state.layer, channel });
  announce(`${unitLabel(state.unit)}: ${readingOf(channel)}`);
}

function ruleButtons() {
  $("rules").replaceChildren(...Object.entries(hello.rules).map(([rule, title]) =>
    tag("button", { role: "radio", "data-rule": rule, onclick: () => chooseRule(rule) }, title)));
  markRule();
}

function chooseRule(rule) {
  state.rule = rule;
  markRule();
  sendView();
}

function markRule() {
  const { rule } = state;
  for (const button of $("rules").children) button.setAttribute("aria-checked", button.dataset.rule === rule);
  stopAt($("rules"), (button) => button.dataset.rule === rule);
}

// Switch the unit off, or on again: what reads it sees 0.
function switchOff() {
  if (!state.unit || layerOf(state.unit.layer) === undefined) return;
  const unit = `${state.unit.layer}:${state.unit.channel}`;
  state.off = state.off.includes(unit) ? state.off.filter((one) => one !== unit) : [...state.off, unit].slice(-64);
  markOff();
  sendView();
}

function markOff() {
  const isOff = state.unit !== null && state.off.includes(`${state.unit.layer}:${state.unit.channel}`);
  $("switch-off").setAttribute("aria-pressed", isOff);
  $("switch-off").textContent = isOff ? "Switched off" : "Switch off";
  $("off-note").hidden = !state.off.length;
  $("off-note").firstElementChild.textContent = `Without ${state.off.join(", ")}.`;
}

function changeNet(name) {
  say(`Loading ${name} …`);
  connection.send({ type: "net", net: name });
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

// On the input: what the place under the pointer sees, or the place of the unit, and where the unit really looks.
function drawField(at) {
  if (!last || tools?.running) { field.draw(hello.net.input, null, null, null); return; }
  const unit = isShown(last.unit) ? last.unit : null, size = fittedSize();
  if (at && layerOf(state.layer)) field.draw(size, layerOf(state.layer), [at.row * last.maps.shrunk, at.column * last.maps.shrunk], null);
  else if (unit?.position) field.draw(size, layerOf(unit.layer), unit.position, unit.looks);
  else field.draw(size, null, null, null);
}

// Pixels of the net's input: of a net that takes any size, of the picture that it was given.
const fittedSize = () => (hello.net.any_size && last ? last.box.slice(2) : hello.net.input);

// The input as it is shown, with what is laid over it.
function wholeInput(canvas) {
  const input = $("input"), context = sized(canvas, input.width, input.height);
  context.drawImage(input, 0, 0);
  for (const id of ["over", "field"]) if (!$(id).hidden) context.drawImage($(id), 0, 0, canvas.width, canvas.height);
}

function readout(at) {
  drawField(at);
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
  waiting = null;
  if (source === "camera") sources.camera();
  else if (source === "picture") $("picture-file").click();
  else if (source === "film") $("film-file").click();
  else if (source === "samples") $("samples").showModal();
  else sources.pattern();
}

function next(step) {
  if (sources && !sources.next(step)) say("There is one picture only. Choose several files at once, or the samples, to step through them.", 6000);
}

for (const button of document.querySelectorAll("[data-source]")) button.addEventListener("click", () => hello && choose(button.dataset.source));
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
$("show").addEventListener("input", () => { state.show = $("show").value; sendView(); });
$("nets").addEventListener("change", () => changeNet($("nets").value));
$("switch-off").addEventListener("click", switchOff);
$("on-again").addEventListener("click", () => { state.off = []; markOff(); sendView(); });
$("mirror").addEventListener("click", mirror);
$("flip").addEventListener("click", () => sources.camera(sources.facing === "user" ? "environment" : "user"));
$("presenter").addEventListener("click", presenter);
$("enlarge-input").addEventListener("click", () => enlarged.open({ title: "Input", text: $("over-note").hidden ? "" : $("over-note").textContent, paint: wholeInput, smooth: true }));
$("enlarge-grid").addEventListener("click", () => enlarged.open({ title: `${$("grid-title").textContent}`, text: $("grid-note").textContent, paint: copyOf($("grid")) }));
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

function mirror() {
  sources.mirrored = !sources.mirrored;
  $("mirror").setAttribute("aria-pressed", sources.mirrored);
  stream.needs = true;
}

function explain() {
  if (state.unit && last) arithmetic.open(fixedUnit());
}

const actions = {
  freeze: () => freeze(), next, rule: nextRule, norm: () => cycle("norm"), overlay: () => cycle("overlay"), search: () => $("search").focus(),
  follow: () => pickPlace(null), explain, tool: (job) => tools.begin(job), switchOff, shows: () => cycle("show"), mirror, presenter, theme, help: () => $("help").showModal(), source: (name) => hello && choose(name),
  gamma: (step) => slide("gamma", step), gammaBack: (step) => slide("gamma-back", step), move,
  layer: (step) => {
    const i = hello.layers.findIndex(({ name }) => name === state.layer) + step;
    if (hello.layers[i]) chooseLayer(hello.layers[i].name);
  },
  escape: () => {
    if (arithmetic.isOpen) arithmetic.close();
    else if (tools.running) tools.clear();
    else if (tour.isOn) tour.end();
    else if (state.unit) unchoose();
  },
};
