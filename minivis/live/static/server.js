// What the server says: that it is there, that it is gone, frames, errors; and how it is asked about a frame.

import { read } from "./address.js";
import { $, retext, tag } from "./dom.js";
import { redraw } from "./frames.js";
import { askPanel, chooseUnit, freeze, PANEL_JOBS, sendView, topClass } from "./looking.js";
import { layerOf } from "./names.js";
import { hush, say } from "./notice.js";
import { page, state } from "./page.js";
import { goOn, perform } from "./wishes.js";

const SETTLED = 24;                     // pictures of a source that moves, after which its first class is looked at
const METER = 250;                      // ms between two readings of the meters

// ``build()`` makes the parts that need the net; ``again``: whether the server was gone.
export function greet(message, again, build) {
  const isFirst = !page.grid, isOther = page.last && page.last.net !== message.net.name;
  const { hello } = Object.assign(page, { hello: message });
  hush();
  $("net").textContent = `${hello.net.title} · ${hello.layers.length} layers`;
  $("nets").hidden = hello.nets.length < 2;
  $("nets").replaceChildren(...hello.nets.map((name) => tag("option", {}, name)));
  $("nets").value = hello.net.name;
  page.tour.offer(hello.tour);
  if (isFirst) build();
  if (isOther) changedNet();
  if (!layerOf(state.layer)) Object.assign(state, { layer: hello.view.layer, unit: null, place: null });
  page.layerBar.build(hello.stages, hello.colormaps);
  page.layerBar.mark(state.layer);
  page.stream.resend();
  if (isFirst) perform(read());
  else if (!goOn() && isOther && state.unit) chooseUnit(state.unit);
  sendView();
  if (!again || isFirst || isOther) return;
  say("The server is back.", 3000);
  if (state.unit) askPanel();
}

// Another net: units and layers of the last one may not exist, or mean something else.
function changedNet() {
  page.last = null;
  page.tools.clear();
  page.grid.patterns = {};
  Object.assign(state, { off: [], place: null });
  const { unit } = state;
  if (unit && (!layerOf(unit.layer) || unit.channel >= layerOf(unit.layer).shape.at(-1))) { state.unit = null; page.panel.hide(); }
}

export function lost(tries, why) {
  say(why ? `${why}. The page tries again when there is room.`
    : tries > 1 || page.hello ? "The server does not answer. It may have been stopped; the page keeps trying." : "Connecting …");
  if (!page.hello) return;
  $("fps").textContent = "–";
  page.stream.settled = null;
  page.tools.failed("The server stopped before this was done. Ask again when it is back.");
  page.arithmetic.failed();
  for (const job in PANEL_JOBS) page.panel.failed(job, "the server does not answer");
}

export function complain({ about, message }) {
  const { panel, tools, arithmetic, stream } = page;
  if (about in PANEL_JOBS) panel.failed(about, message);
  else if (about === tools?.running) tools.failed(message);
  else if (about === "explain") say(arithmetic.failed(message), 6000);
  else say(message, 6000, about === "picture" ? "source" : null);
  stream?.settle();
}

// Ask something about the frame that is shown. Whether the server could be asked.
export function ask(message) {
  const { last, connection, stream } = page;
  if (!last) { $("tool-note").textContent = "Choose a picture first."; return false; }
  if (!connection.ready) { $("tool-note").textContent = "The server does not answer. Ask again when it is back."; return false; }
  freeze(true);
  stream.whenSettled(() => connection.send(message));
  return true;
}

let metered = 0;                        // when the meters were read last

// Frames a second and the time of the net, a few times a second: nobody reads faster.
function meter({ ms }) {
  const now = performance.now(), { sources, stream } = page;
  if (sources.moves && now < metered + METER) return;
  metered = now;
  retext($("fps"), stream.rate?.toFixed(1) ?? "–");
  retext($("ms"), (ms.forward + ms.backward).toFixed(1));
}

// Once with each source that moves: a camera's first pictures may be dark.
function settles({ number }) {
  if (number < page.begins + SETTLED) return false;
  page.begins = Infinity;
  return true;
}

export function show(frame) {
  const { hello, stream, tools, classes, layerBar, sources } = page;
  if (frame.layer !== state.layer || frame.net !== hello.net.name) return;
  if (stream.arrived(frame) && tools.running && !state.frozen) tools.clear();
  page.last = frame;
  meter(frame);
  stream.draw(frame);
  if (tools.running !== "grow") classes.draw(frame.top);
  if (frame.arrays.strip) layerBar.draw(frame.arrays.strip);
  if (!state.chosen && frame.top.length && (!state.unit || !sources.moves || settles(frame))) topClass(frame.top[0][0]);
  redraw();
  stream.settle();
}
