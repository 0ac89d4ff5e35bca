// What is looked at: the layer, the unit and its place, the rule, units that are switched off, the net. The server and the
// page's address are told of every change.

import { linkTo, write } from "./address.js";
import { $, announce, stopAt, tag } from "./dom.js";
import { readingOf, redraw } from "./frames.js";
import { channelIn, layerOf, offLabels, parsed, unitLabel, unitName, wholeUnit } from "./names.js";
import { say } from "./notice.js";
import { page, state } from "./page.js";
import { askPatterns } from "./overlay.js";

export const PANEL_JOBS = { patches: "patches-note", maximize: "maximized-note" };      // job -> where the panel says how far it is
const DWELL = 500;                      // ms on a unit before its patches and its maximised picture are asked for
let dwell = null;

export function sendView() {
  page.connection.send({ type: "view", layer: state.layer, unit: state.unit ? unitName() : "", rule: state.rule, show: state.show, off: state.off });
  askPatterns();
  page.beside.look();
  if (page.sources) keepAddress();
}

// ---- the address ----

// What is looked at, as texts.
export function address() {
  const place = state.place ? `@${state.place.join(",")}` : "", { sources, hello, beside } = page;
  const other = (id, usual) => ($(id).value === usual ? null : $(id).value);
  return {
    net: hello.net.name, layer: state.layer, unit: state.unit ? `${wholeUnit()}${place}` : null,
    rule: state.rule, show: state.show === "activations" ? null : state.show, off: state.off.join(","),
    sort: other("sort", "number"), only: $("only").checked ? "on" : null, find: other("search", ""), zoom: other("zoom", "1"),
    norm: other("norm", "unit"), overlay: other("overlay", "none"), beside: beside.isOpen ? beside.net : null,
    sample: sources?.kind === "samples" ? String(sources.index) : null,
  };
}

// The same as a record in what is saved: without what is as usual.
export const record = () => Object.fromEntries(Object.entries(address()).filter(([, value]) => value));

export const link = () => linkTo(address());

export function keepAddress() { write(address()); }

// ---- layers and units ----

export function chooseLayer(layer) {
  state.layer = layer;
  page.layerBar.mark(layer);
  sendView();
}

export function chooseUnit({ layer, channel }, place = null) {
  const { panel, grid } = page;
  Object.assign(state, { unit: { layer, channel }, place });
  const name = unitLabel(state.unit), numbered = wholeUnit(), { type, shape, sees } = layerOf(layer);
  panel.title(name, `${name === numbered ? type : numbered}${shape.length === 3 ? ` · sees ${sees[1]} × ${sees[0]} pixels` : ""}`);
  panel.patches(null);
  panel.maximized(null);
  grid.mark($("cursor"), channelIn(state.layer));
  markOff();
  sendView();
  clearTimeout(dwell);
  dwell = setTimeout(askPanel, DWELL);
  redraw();
}

// By a person: it stays when the first class changes.
export function pickUnit(unit, place) {
  state.chosen = true;
  chooseUnit(unit, place);
}

// Nobody has chosen a unit yet: it is the first class.
export function topClass(channel) {
  const layer = page.hello.answers[0];
  if (state.unit?.layer !== layer || state.unit.channel !== channel) chooseUnit({ layer, channel });
}

export function unchoose() {
  state.chosen = true;
  Object.assign(state, { unit: null, place: null });
  clearTimeout(dwell);
  page.panel.hide();
  page.grid.mark($("cursor"), null);
  sendView();
}

// What takes longer about the unit: its patches and its maximised picture.
export function askPanel() {
  for (const [job, note] of Object.entries(PANEL_JOBS)) {
    $(note).textContent = "waiting …";
    page.connection.send({ type: "job", job, unit: wholeUnit() });
  }
}

export function pickPlace(place) {
  if (!state.unit) return;
  state.place = place;
  sendView();
}

// A unit of another net, by its name.
export function pickNamed(text) {
  const unit = parsed(text);
  if (unit) pickUnit(unit, unit.place);
  else say(`${page.hello.net.name} has no unit ${text}.`, 4000);
}

// Show a unit that is named by a text: its layer, too.
export function goTo(text) {
  const unit = parsed(text);
  if (!unit) return;
  if (unit.layer !== state.layer) chooseLayer(unit.layer);
  pickUnit(unit, unit.place);
  $("unit-title").scrollIntoView({ block: "nearest" });
}

// With the arrow keys, Home, End and the page keys.
export function move(dx, dy, to) {
  const { last, grid } = page;
  if (!last || !grid.order.length) return;
  const channel = grid.step(channelIn(state.layer), dx, dy, to);
  pickUnit({ layer: state.layer, channel });
  $("cursor").scrollIntoView({ block: "nearest" });
  announce(`${unitLabel(state.unit)}: ${readingOf(channel)}`);
}

export function stepLayer(step) {
  const { layers } = page.hello, next = layers[layers.findIndex(({ name }) => name === state.layer) + step];
  if (next) chooseLayer(next.name);
}

// ---- rules ----

export function ruleButtons() {
  $("rules").replaceChildren(...Object.entries(page.hello.rules).map(([rule, title]) =>
    tag("button", { role: "radio", "data-rule": rule, onclick: () => chooseRule(rule) }, title)));
  markRule();
}

export function chooseRule(rule) {
  state.rule = rule;
  markRule();
  sendView();
}

export function nextRule() {
  const all = Object.keys(page.hello.rules);
  chooseRule(all[(all.indexOf(state.rule) + 1) % all.length]);
}

export function markRule() {
  const { rule } = state;
  for (const button of $("rules").children) button.setAttribute("aria-checked", button.dataset.rule === rule);
  stopAt($("rules"), (button) => button.dataset.rule === rule);
}

// ---- units that are switched off ----

// Switch the unit off, or on again: what reads it sees 0. It stays the unit, whichever class is first then.
export function switchOff() {
  if (!state.unit || layerOf(state.unit.layer) === undefined) return;
  const unit = wholeUnit(), isOff = state.off.includes(unit);
  Object.assign(state, { chosen: true, off: isOff ? state.off.filter((one) => one !== unit) : [...state.off, unit].slice(-64) });
  markOff();
  sendView();
}

export function allOn() {
  state.off = [];
  markOff();
  sendView();
}

export function markOff() {
  const isOff = state.unit !== null && state.off.includes(wholeUnit());
  $("switch-off").setAttribute("aria-pressed", isOff);
  $("switch-off").textContent = isOff ? "Switched off" : "Switch off";
  $("off-note").hidden = !state.off.length;
  $("off-note").firstElementChild.textContent = `Without ${offLabels()}.`;
}

// ---- the net, and time ----

export function changeNet(name) {
  say(`Loading ${name} …`);
  page.connection.send({ type: "net", net: name });
}

export function freeze(on = !state.frozen) {
  if (on === state.frozen) return;
  const { sources, tools, stream } = page;
  state.frozen = on;
  $("freeze").setAttribute("aria-pressed", on);
  $("frozen").hidden = !on;
  sources?.pause(on);
  if (!on) { tools.clear(); if (sources?.kind) stream.needs = true; }
  if (on) $("fps").textContent = "–";
}
