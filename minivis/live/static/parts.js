// The parts of the page that need to know the net or the samples: made once, when the server has greeted.

import { $, announce, tag } from "./dom.js";
import { startKeys } from "./buttons.js";
import { nameInGrid, readout, redraw } from "./frames.js";
import { Grid } from "./grid.js";
import { freeze, keepAddress, pickPlace, pickUnit, ruleButtons, sendView } from "./looking.js";
import { fixedUnit, unitName } from "./names.js";
import { over, say } from "./notice.js";
import { page, state } from "./page.js";
import { sampleButtons, wholeSample } from "./samples.js";
import { ask } from "./server.js";
import { Sources } from "./sources.js";
import { Stream } from "./stream.js";
import { Tools } from "./tools.js";
import { UnitPanel } from "./unit.js";
import { forget } from "./wishes.js";

export function build() {
  const { hello, connection } = page, { colormaps, samples } = hello;
  page.grid = new Grid($("grid"), $("cursor"), $("hover"), {
    colormaps, point: readout, name: nameInGrid, resized: redraw, found: (count) => announce(`${count} found`),
    choose: (channel) => pickUnit({ layer: state.layer, channel }),
  });
  page.panel = new UnitPanel({
    colormaps, pickPlace, rules: hello.rules, letGo: sendView, enlarge: (what) => page.enlarged.open(what),
    whole: (canvas, place) => wholeSample(canvas, samples, page.sources.sheet, place),
  });
  page.tools = new Tools({
    colormaps, stop: () => connection.send({ type: "stop" }), request: begin,
    top: (rows) => { if (rows ?? page.last) page.classes.draw(rows ?? page.last.top); },
    keep: (canvas) => page.sources.keep(canvas),        // (its copy: the tool is cleared when it has become the source)
  });
  page.sources = new Sources({ samples, complain: (text) => say(text, 6000, "source"), changed: changedSource });
  page.stream = new Stream(connection, page.sources, {
    side: hello.side, isFrozen: () => state.frozen, sent: (entry, number) => page.beside.take(entry, number),
  });
  sampleButtons(samples, (i) => { forget(); page.sources.sample(i); });
  ruleButtons();
  page.tools.build(hello.tools);
  $("show").replaceChildren(...Object.entries(hello.shows).map(([value, title]) => tag("option", { value }, title)));
  startKeys(hello.tools);
}

// A tool about the frame that is shown. Whether it could be asked for.
function begin(job) {
  if (job === "grow" && !state.unit) { $("tool-note").textContent = "Choose a unit in the grid, or a class, first."; return false; }
  return ask({ type: "job", job, unit: !state.unit ? null : job === "grow" ? unitName() : fixedUnit() });
}

function changedSource() {
  const { sources, tools, stream } = page;
  over("source");
  freeze(false);
  tools.clear();
  stream.needs = true;
  page.begins = page.connection.sent + 1;
  for (const button of document.querySelectorAll("[data-source]")) button.setAttribute("aria-pressed", button.dataset.source === sources.kind);
  $("next").disabled = !sources.hasNext;
  $("flip").hidden = sources.kind !== "camera" || sources.cameras.length < 2;
  keepAddress();
  $("waiting").hidden = true;
}
