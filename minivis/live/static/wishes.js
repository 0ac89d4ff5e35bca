// What an address or a step of the tour asks for: the net and the picture first, the rest when they have come.

import { $ } from "./dom.js";
import { changeNet, chooseUnit, markOff, markRule, sendView } from "./looking.js";
import { isShown, layerOf, parsed } from "./names.js";
import { page, state } from "./page.js";

let waiting = null;                     // the wish, until its picture or its net has come

// {net, sample, tool, see (the id of a part of the page), and what an address has}: each may be missing.
export function perform(wanted) {
  const { hello, sources } = page;
  waiting = wanted;
  if (wanted.net && wanted.net !== hello.net.name && hello.nets.includes(wanted.net)) { changeNet(wanted.net); return; }
  const number = wanted.sample ?? (sources.kind ? null : 0);
  waiting = { ...wanted, net: null, sample: null };
  if (number !== null) sources.sample(+number || 0).then(settle);         // the camera is asked for when it is wanted
  else settle();
}

// The server has greeted: whether there was a wish that waited for this net.
export function goOn() {
  if (!waiting || (waiting.net && waiting.net !== page.hello.net.name)) return false;
  perform(waiting);
  return true;
}

// Something else was chosen meanwhile.
export function forget() { waiting = null; }

// The rest, now that the picture is on its way; a tool waits for its answer.
function settle() {
  if (!waiting) return;
  const { layer, unit, rule, show, off, beside, tool, see } = waiting, { hello } = page;
  settings(waiting);
  waiting = null;
  if (layerOf(layer)) state.layer = layer;
  if (rule in hello.rules) state.rule = rule;
  if (show in hello.shows) { state.show = show; $("show").value = show; }
  if (off) state.off = off.split(",").filter((text) => parsed(text));
  markRule();
  markOff();
  page.layerBar.mark(state.layer);
  const found = unit && parsed(unit);
  if (found) { state.chosen = true; chooseUnit(found, found.place); } else sendView();
  if (beside) page.beside.open(beside);
  if (see) afterNext(() => $(see).scrollIntoView({ block: "nearest" }));
  if (tool) afterNext(() => page.tools.begin(tool));
}

// How the grid is drawn. An unknown word changes nothing.
function settings({ sort, only, find, zoom, norm, overlay }) {
  for (const [id, value] of Object.entries({ sort, zoom, norm, overlay })) {
    if ([...$(id).options].some((option) => option.value === value)) $(id).value = value;
  }
  if (only) $("only").checked = only === "on";
  if (find) $("search").value = find;
}

// Once the next picture has been answered, and with it the unit.
function afterNext(action) {
  const { stream, connection } = page;
  const number = stream.needs ? connection.sent + 1 : connection.sent;
  const isThere = () => page.last && stream.number >= number && !stream.needs && (!state.unit || isShown(page.last.unit));
  const wait = () => (isThere() ? action() : setTimeout(wait, 50));
  wait();
}
