// The buttons, the switches and the keys of the page, and what each does.

import { $, announce, roving } from "./dom.js";
import { copyOf } from "./enlarged.js";
import { redraw, wholeInput } from "./frames.js";
import { keys } from "./keys.js";
import { allOn, changeNet, chooseRule, freeze, keepAddress, move, nextRule, pickPlace, sendView, stepLayer, switchOff, unchoose } from "./looking.js";
import { fixedUnit } from "./names.js";
import { say } from "./notice.js";
import { page, state } from "./page.js";
import { askPatterns } from "./overlay.js";
import { cycle, presenter, slide, theme } from "./settings.js";
import { forget } from "./wishes.js";

// ---- sources ----

function choose(source) {
  if (!page.hello) return;
  forget();
  if (source === "camera") page.sources.camera();
  else if (source === "picture") $("picture-file").click();
  else if (source === "film") $("film-file").click();
  else if (source === "samples") $("samples").showModal();
  else page.sources.pattern();
}

function next(step) {
  if (!page.sources || page.sources.next(step)) return;
  say("There is no next picture. To have more than one, choose several files at once, or the samples.", 6000, "source");
}

function mirror() {
  const { sources, stream } = page;
  sources.mirrored = !sources.mirrored;
  $("mirror").setAttribute("aria-pressed", sources.mirrored);
  stream.needs = true;
}

// Files that were chosen or dropped.
function take(files, wanted) {
  if (!files.length || !page.sources) return;
  forget();
  page.sources.files([...files], 0, wanted);
}

// ---- what is looked at ----

function explain() {
  if (state.unit && page.last) page.arithmetic.open(fixedUnit());
}

function changedDrawing() {
  askPatterns();
  redraw();
  keepAddress();
}

function escape() {
  const { arithmetic, tools, tour } = page;
  if (arithmetic.isOpen) arithmetic.close();
  else if (tools.running) tools.clear();
  else if (tour.isOn) tour.end();
  else if (state.unit) unchoose();
}

function enlargeInput() {
  page.enlarged.open({ title: "Input", text: $("over-note").hidden ? "" : $("over-note").textContent, paint: wholeInput, smooth: true });
}

function enlargeGrid() {
  page.enlarged.open({ title: $("grid-title").textContent, text: $("grid-note").textContent, paint: copyOf($("grid")) });
}

// ---- the wires ----

const CLICKS = {
  "switch-off": switchOff, "on-again": allOn, mirror, presenter, theme, explain, freeze: () => freeze(), next: () => next(1),
  flip: () => page.sources.nextCamera(),
  compare: () => page.beside.toggle(), clip: () => page.clip.toggle(), hold: () => page.panel.hold(),
  "enlarge-input": enlargeInput, "enlarge-grid": enlargeGrid, "show-help": () => $("help").showModal(),
};

export function wire() {
  for (const [id, action] of Object.entries(CLICKS)) $(id).addEventListener("click", () => action());
  for (const button of document.querySelectorAll("[data-source]")) button.addEventListener("click", () => choose(button.dataset.source));
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }
  $("show").addEventListener("input", () => { state.show = $("show").value; sendView(); });
  $("nets").addEventListener("change", () => changeNet($("nets").value));
  for (const id of ["gamma", "norm", "overlay", "sort", "only", "search", "zoom"]) $(id).addEventListener("input", changedDrawing);
  $("gamma-back").addEventListener("input", () => { page.panel.boost = +$("gamma-back").value; redraw(); });
  for (const kind of ["picture", "film"]) {
    const field = $(`${kind}-file`);
    field.addEventListener("change", () => { take(field.files, kind); field.value = ""; });     // to be chosen again
  }
  roving($("rules"), (button) => chooseRule(button.dataset.rule));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}

// By a key: a button that has not the focus does not say that it is pressed.
const said = (action, text) => () => { action(); announce(text()); };

const isOff = () => (!state.unit ? "No unit is chosen" : $("switch-off").ariaPressed === "true" ? "Switched off" : "Switched on");

const ACTIONS = {
  freeze: said(freeze, () => (state.frozen ? "Frozen" : "Going on")), rule: said(nextRule, () => page.hello.rules[state.rule]),
  mirror: said(mirror, () => (page.sources.mirrored ? "Mirrored" : "Not mirrored")), switchOff: said(switchOff, isOff),
  norm: () => cycle("norm"), overlay: () => cycle("overlay"), shows: () => cycle("show"), search: () => $("search").focus(),
  follow: () => pickPlace(null), explain, tool: (job) => page.tools.begin(job), next, presenter, theme, source: choose,
  help: () => $("help").showModal(), gamma: (step) => slide("gamma", step), gammaBack: (step) => slide("gamma-back", step),
  move, layer: stepLayer, escape, compare: () => page.beside.toggle(), clip: () => page.clip.toggle(), hold: () => page.panel.hold(),
};

// ``tools``: those that the server knows, each with its key.
export function startKeys(tools) { keys(ACTIONS, tools, $("keys"), () => $("keys-on").checked); }
