// The page: what is looked at, and the wires between its parts.

import { explained } from "./arithmetic.js";
import { Connection } from "./connection.js";
import { Grid } from "./grid.js";
import { keys } from "./keys.js";
import { paintSheet, short, sized } from "./paint.js";
import { Sources } from "./sources.js";
import { Tools } from "./tools.js";
import { UnitPanel } from "./unit.js";

const $ = (id) => document.getElementById(id);
const IN_FLIGHT = 2;                    // pictures on their way: one is worked on while the next is made
const DWELL = 500;                      // ms on a unit before its patches and its maximised picture are asked for

const state = { layer: null, unit: null, place: null, rule: "normal", frozen: false, needs: true };
const shots = new Map();                // number -> the picture as it was taken, until its answer comes
const arrivals = [];
let hello = null, grid = null, panel = null, tools = null, sources = null, last = null, dwell = null, settled = null;

const connection = new Connection({
  hello: greet, frame: show, lost, error: complain,
  explained: (message) => {
    $("arithmetic").hidden = false;
    $("arithmetic-title").textContent = `${message.unit} = ${short(message.value)}`;
    $("sums").replaceChildren(...explained(message, goTo));
    $("arithmetic").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    $("arithmetic").focus({ preventScroll: true });
  },
  heat: (message) => tools.heat(message),
  progress: (message) => tools.progress(message),
  grown: (message) => (message.job === "grow" ? tools.grown(message) : isCurrent(message.unit) && panel.maximized(message)),
  patches: (message) => {
    keepPatterns(message);
    if (isCurrent(message.unit)) panel.patches(message);
  },
});

// ---- the server ----

function greet(message, again) {
  hello = message;
  $("notice").hidden = true;
  $("net").textContent = `${hello.net.title} · ${hello.layers.length} layers`;
  if (again) say("The server is back.", 3000);
  const known = hello.layers.some(({ name }) => name === state.layer);
  if (!known) Object.assign(state, { layer: hello.view.layer, unit: null, place: null });
  if (!grid) build();
  layerBar();
  state.needs = true;
  sendView();
}

function lost(tries) {
  say(tries > 1 || hello ? "The server does not answer. It may have been stopped; the page keeps trying." : "Connecting …");
}

function say(text, ms) {
  $("notice").textContent = text;
  $("notice").hidden = false;
  if (ms) setTimeout(() => { if ($("notice").textContent === text) $("notice").hidden = true; }, ms);
}

function complain({ about, message }) {
  if (["saliency", "occlusion", "grow"].includes(about)) tools.failed(message);
  else if (about === "patches") $("patches-note").textContent = message;
  else if (about === "maximize") $("maximized-note").textContent = message;
  else say(message, 6000);
}

function build() {
  grid = new Grid($("grid"), $("cursor"), $("hover"), { colormaps: hello.colormaps, choose: chooseUnit, point: readout });
  panel = new UnitPanel({ colormaps: hello.colormaps, pickPlace });
  tools = new Tools({
    colormaps: hello.colormaps, stop: () => connection.send({ type: "stop" }),
    request: (job) => {
      if (!last) { $("tool-note").textContent = "Choose a picture first."; return false; }
      if (job === "grow" && state.unit === null) { $("tool-note").textContent = "Choose a unit in the grid, or a class, first."; return false; }
      freeze(true);
      whenSettled(() => connection.send({ type: "job", job, unit: state.unit === null ? null : job === "grow" ? unitName() : fixedUnit() }));
      return true;
    },
  });
  sources = new Sources({
    video: $("video"), samples: hello.samples, complain: (text) => say(text, 6000),
    changed: () => {
      freeze(false);
      tools.clear();
      state.needs = true;
      for (const button of document.querySelectorAll("[data-source]")) button.setAttribute("aria-pressed", button.dataset.source === sources.kind);
      $("waiting").hidden = true;
    },
  });
  sampleList();
  ruleButtons();
  sources.sample(0);                    // something to see at once; the camera is asked for when it is wanted
  requestAnimationFrame(tick);
}

// ---- frames ----

function tick(now) {
  requestAnimationFrame(tick);
  if (!connection.ready || state.frozen || connection.inFlight >= IN_FLIGHT || !(sources.moves || state.needs)) return;
  const canvas = sources.draw(now);
  if (!canvas) return;
  state.needs = false;
  const number = ++connection.sent;
  const shot = document.createElement("canvas");
  sized(shot, canvas.width, canvas.height).drawImage(canvas, 0, 0);
  shots.set(number, shot);
  for (const old of shots.keys()) if (old < number - 4) shots.delete(old);
  const scale = Math.min(1, hello.side / Math.min(canvas.width, canvas.height));
  let wire = shot;
  if (scale < 1) {
    wire = document.createElement("canvas");
    const context = sized(wire, Math.round(canvas.width * scale), Math.round(canvas.height * scale));
    context.imageSmoothingQuality = "high";
    context.drawImage(shot, 0, 0, wire.width, wire.height);
  }
  wire.toBlob((blob) => connection.show(blob, number), sources.moves ? "image/jpeg" : "image/png", 0.92);
}

function show(frame) {
  if (frame.layer !== state.layer) return;
  const now = performance.now();
  if (!last || frame.number !== last.number) {
    arrivals.push(now);
    while (arrivals[0] < now - 2000) arrivals.shift();
    if (tools.running && !state.frozen) tools.clear();
  }
  last = frame;
  $("fps").textContent = sources.moves && !state.frozen && arrivals.length > 2
    ? ((arrivals.length - 1) / ((now - arrivals[0]) / 1000)).toFixed(1) : "–";
  $("ms").textContent = (frame.ms.forward + frame.ms.backward).toFixed(1);
  drawInput(frame);
  classes(frame.top);
  redraw();
  if (settled && connection.inFlight <= 0) { settled(); settled = null; }
}

// Do something on the frame that is shown, once no other is on its way.
function whenSettled(action) {
  if (connection.inFlight <= 0) action();
  else settled = action;
}

function drawInput({ number, size: [h, w], box: [top, left, height, width] }) {
  const shot = shots.get(number);
  if (!shot) return;
  const sx = shot.width / w, sy = shot.height / h, side = 512 / Math.max(width, height);
  const context = sized($("input"), Math.round(width * side), Math.round(height * side));
  context.imageSmoothingEnabled = shot.width * 2 > $("input").width;
  context.drawImage(shot, left * sx, top * sy, width * sx, height * sy, 0, 0, $("input").width, $("input").height);
}

function classes(top) {
  const list = $("classes");
  while (list.children.length < top.length) {
    const item = document.createElement("li");
    item.innerHTML = '<button><span class="name"></span><span class="percent"></span><span class="track"><span class="fill"></span></span></button>';
    item.firstChild.addEventListener("click", () => goTo(`${hello.answers[0]}:${item.dataset.number}`));
    list.append(item);
  }
  top.forEach(([number, name, p], i) => {
    const item = list.children[i];
    item.dataset.number = number;
    item.querySelector(".name").textContent = name;
    item.querySelector(".percent").textContent = `${p > 0.9995 ? ">99.9" : p < 0.0005 ? "<0.1" : (100 * p).toFixed(1)} %`;
    item.querySelector(".fill").style.transform = `scaleX(${p})`;
  });
  if (!top.length && hello) list.textContent = "This net has no classes.";
}

function redraw() {
  if (!last) return;
  grid.options = { boost: +$("gamma").value, norm: $("norm").value, overlay: $("overlay").value };
  grid.draw(last, state.unit, $("input"));
  const [h, w, C] = last.shape.length === 3 ? last.shape : [1, 1, last.shape[0]];
  $("grid-title").textContent = last.layer;
  $("grid-note").textContent = `${C} ${h * w > 1 ? `maps of ${w} × ${h}` : "values"} · ${layerType()}${last.maps.shrunk > 1 ? ` · drawn at 1/${last.maps.shrunk}` : ""}`;
  if (state.unit !== null && last.unit && last.unit.layer === state.layer && last.unit.channel === state.unit) {
    panel.draw(last.unit, last.arrays, +$("gamma").value, state.place === null);
  }
  $("tools-target").textContent = `Which pixels does ${state.unit === null ? "the first class" : unitLabel()} depend on?`;
}

const layerType = () => hello.layers.find(({ name }) => name === state.layer)?.type ?? "input";

// ---- what is looked at ----

function sendView() {
  connection.send({ type: "view", layer: state.layer, unit: state.unit === null ? "" : unitName(), rule: state.rule });
}

function unitName() {
  const hasPlaces = (hello.layers.find(({ name }) => name === state.layer)?.shape.length ?? 3) === 3;
  return `${state.layer}:${state.unit}${hasPlaces ? `@${state.place ? state.place.join(",") : "max"}` : ""}`;
}

// The unit at the place where it is strongest now: what is asked of a frozen frame must not wander.
function fixedUnit() {
  const place = last?.unit?.channel === state.unit && last.unit.layer === state.layer ? last.unit.position : null;
  return place ? `${state.layer}:${state.unit}@${place.join(",")}` : unitName();
}

function unitLabel(unit = state.unit) {
  const name = hello.answers.includes(state.layer) ? hello.net.classes[unit] : null;
  return name ?? `${state.layer}:${unit}`;
}

const isCurrent = (unit) => {
  const [layer, rest] = unit.split(/:(.*)/s);
  const number = hello.answers.includes(layer) && !/^\d/.test(rest) ? hello.net.classes.indexOf(rest) : parseInt(rest, 10);
  return (layer === state.layer || (hello.answers.includes(layer) && hello.answers.includes(state.layer))) && number === state.unit;
};

function chooseLayer(layer) {
  Object.assign(state, { layer, unit: null, place: null });
  panel.hide();
  clearTimeout(dwell);
  markLayer();
  sendView();
}

function chooseUnit(unit, place = null) {
  Object.assign(state, { unit, place });
  const name = unitLabel();
  const numbered = `${state.layer}:${unit}`;
  panel.title(name, `${name === numbered ? layerType() : numbered}${seen()}`);
  panel.patches(null);
  panel.maximized(null);
  grid.mark($("cursor"), unit);
  sendView();
  clearTimeout(dwell);
  dwell = setTimeout(() => {
    const wanted = `${state.layer}:${state.unit}`;
    connection.send({ type: "job", job: "patches", unit: wanted });
    connection.send({ type: "job", job: "maximize", unit: wanted });
  }, DWELL);
  redraw();
}

function seen() {
  const found = hello.layers.find(({ name }) => name === state.layer);
  return found && found.shape.length === 3 ? ` · sees ${found.sees[1]} × ${found.sees[0]} pixels` : "";
}

function pickPlace(place) {
  state.place = place;
  sendView();
}

// A unit string: from a class, or from a label in an explanation.
function goTo(text) {
  const [layer, rest] = text.split(/:(.*)/s);
  if (layer !== "input" && !hello.layers.some(({ name }) => name === layer)) return;
  const [name, where] = rest.split(/@(\d+,\d+)$/);
  const number = /^\d+$/.test(name) ? +name : hello.net.classes.indexOf(name);
  if (number < 0) return;
  if (layer !== state.layer) { Object.assign(state, { layer, unit: null }); markLayer(); }
  chooseUnit(number, where ? where.split(",").map(Number) : null);
}

function layerBar() {
  const kinds = { Conv2D: "conv", ReLU: "relu", MaxPool2D: "pool", AvgPool2D: "pool", GlobalAvgPool: "pool", FullyConnected: "fc", Softmax: "fc" };
  $("layers").replaceChildren(...hello.layers.map(({ name, type, shape }) => {
    const button = document.createElement("button");
    button.textContent = name;
    button.className = kinds[type] ?? "";
    button.dataset.layer = name;
    const small = document.createElement("span");
    small.textContent = shape.length === 3 ? `${shape[2]} × ${shape[1]}²` : shape[0];
    button.append(small);
    button.addEventListener("click", () => chooseLayer(name));
    return button;
  }));
  markLayer();
}

function markLayer() {
  for (const button of $("layers").children) {
    const here = button.dataset.layer === state.layer;
    button.setAttribute("aria-current", here);
    if (here) $("layers").scrollTo({ left: button.offsetLeft - $("layers").clientWidth / 2 + button.clientWidth / 2 });
  }
}

function ruleButtons() {
  $("rules").replaceChildren(...Object.keys(hello.rules).map((rule) => {
    const button = document.createElement("button");
    button.textContent = hello.rules[rule];
    button.setAttribute("role", "radio");
    button.dataset.rule = rule;
    button.addEventListener("click", () => chooseRule(rule));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      nextRule(step);
      $("rules").querySelector('[aria-checked="true"]').focus();
    });
    return button;
  }));
  chooseRule(state.rule);
}

function chooseRule(rule) {
  state.rule = rule;
  for (const button of $("rules").children) {
    button.setAttribute("aria-checked", button.dataset.rule === rule);
    button.tabIndex = button.dataset.rule === rule ? 0 : -1;
  }
  sendView();
}

function nextRule(step = 1) {
  const all = Object.keys(hello.rules);
  chooseRule(all[(all.indexOf(state.rule) + step + all.length) % all.length]);
}

function keepPatterns({ layer, arrays: { sheet } }) {
  const canvas = document.createElement("canvas");
  const columns = Math.ceil(Math.sqrt(sheet.shape[0]));
  paintSheet(canvas, sheet, columns, 0);
  grid.patterns[layer] = { canvas, columns, side: sheet.shape[1] };
  redraw();
}

function readout(unit) {
  if (unit === null || !last) { $("readout").textContent = ""; return; }
  const value = last.shape.length === 1 ? "" : "up to ";
  $("readout").textContent = `${unitLabel(unit)}   ${value}${short(grid.peak(unit))}`;
}

// ---- sources and buttons ----

function freeze(on = !state.frozen) {
  state.frozen = on;
  $("freeze").setAttribute("aria-pressed", on);
  $("frozen").hidden = !on;
  if (!on) { tools.clear(); if (sources?.kind) state.needs = true; }
  if (on) $("fps").textContent = "–";
}

function choose(source) {
  if (source === "camera") sources.camera();
  else if (source === "picture") $("picture-file").click();
  else if (source === "film") $("film-file").click();
  else if (source === "samples") $("samples").showModal();
  else sources.pattern();
}

function sampleList() {
  const { names, side, columns } = hello.samples;
  $("sample-list").replaceChildren(...names.map((name, i) => {
    const button = document.createElement("button");
    button.setAttribute("aria-label", name);
    button.title = name;
    const rows = Math.ceil(names.length / columns);
    button.style.backgroundImage = "url(samples.webp)";
    button.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
    button.style.backgroundPosition = `${(100 * (i % columns)) / (columns - 1)}% ${(100 * Math.floor(i / columns)) / (rows - 1)}%`;
    button.addEventListener("click", () => { $("samples").close(); sources.sample(i); });
    return button;
  }));
}

for (const button of document.querySelectorAll("[data-source]")) button.addEventListener("click", () => hello && choose(button.dataset.source));
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
for (const id of ["gamma", "norm", "overlay"]) $(id).addEventListener("input", changedDrawing);
$("gamma-back").addEventListener("input", () => { panel.boost = +$("gamma-back").value; redraw(); });
$("picture-file").addEventListener("change", () => { const files = [...$("picture-file").files]; $("picture-file").value = ""; if (files.length) sources.files(files); });
$("film-file").addEventListener("change", () => { const [file] = $("film-file").files; $("film-file").value = ""; if (file) sources.film(file); });
$("freeze").addEventListener("click", () => freeze());
$("next").addEventListener("click", () => sources?.next());
$("explain").addEventListener("click", explain);
$("close-arithmetic").addEventListener("click", closeArithmetic);
$("show-help").addEventListener("click", () => $("help").showModal());
$("theme").addEventListener("click", theme);
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const files = [...event.dataTransfer.files];
  if (files.length) sources?.files(files);
});
new ResizeObserver(() => redraw()).observe($("grid").parentElement);

function changedDrawing() {
  if ($("overlay").value === "pattern" && !grid?.patterns[state.layer]) {
    connection.send({ type: "job", job: "patches", unit: `${state.layer}:${state.unit ?? 0}` });
  }
  redraw();
}

function explain() {
  if (state.unit === null || !last) return;
  freeze(true);
  whenSettled(() => connection.send({ type: "explain", unit: fixedUnit() }));
}

function closeArithmetic() {
  $("arithmetic").hidden = true;
  $("explain").focus();
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
  freeze: () => freeze(), next: () => sources?.next(), rule: () => nextRule(), norm: () => cycle("norm"), overlay: () => cycle("overlay"),
  follow: () => pickPlace(null), explain, saliency: () => tools?.begin("saliency"), occlusion: () => tools?.begin("occlusion"),
  grow: () => tools?.begin("grow"), theme, help: () => $("help").showModal(), source: (name) => hello && choose(name),
  gamma: (step) => slide("gamma", step), gammaBack: (step) => slide("gamma-back", step),
  layer: (step) => {
    const i = hello.layers.findIndex(({ name }) => name === state.layer) + step;
    if (hello.layers[i]) chooseLayer(hello.layers[i].name);
  },
  move: (dx, dy) => { if (last) chooseUnit(state.unit === null ? 0 : grid.step(state.unit, dx, dy)); },
  escape: () => {
    if (!$("arithmetic").hidden) closeArithmetic();
    else if (tools?.running) tools.clear();
    else if (state.unit !== null) { Object.assign(state, { unit: null, place: null }); panel.hide(); grid.mark($("cursor"), null); sendView(); }
  },
}, $("keys"), () => $("keys-on").checked);
