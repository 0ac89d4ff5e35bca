// The page: its parts, and which part hears what of the server.

import { Arithmetic } from "./arithmetic.js";
import { Beside } from "./beside.js";
import { wire } from "./buttons.js";
import { Classes } from "./classes.js";
import { Clip } from "./clip.js";
import { Connection } from "./connection.js";
import { $ } from "./dom.js";
import { Enlarged } from "./enlarged.js";
import { Field } from "./field.js";
import { gridOptions, redraw } from "./frames.js";
import { LayerBar } from "./layers.js";
import { chooseLayer, goTo, keepAddress, link, PANEL_JOBS, pickNamed, pickUnit, record } from "./looking.js";
import { Looks } from "./looks.js";
import { isCurrent, parsed } from "./names.js";
import { page } from "./page.js";
import { build } from "./parts.js";
import { ask, complain, greet, lost, show } from "./server.js";
import { Tour } from "./tour.js";
import { perform } from "./wishes.js";

Object.assign(page, {
  classes: new Classes($("classes"), (channel) => pickUnit({ layer: page.hello.answers[0], channel })),
  layerBar: new LayerBar(chooseLayer),
  field: new Field(),
  enlarged: new Enlarged({ record, link }),
  looks: new Looks({ ask: (unit) => page.connection.send({ type: "job", job: "looks", unit }), changed: redraw }),
  clip: new Clip({ record, link }),
  beside: new Beside({ options: gridOptions, choose: pickNamed, changed: keepAddress }),
  tour: new Tour(perform),
  arithmetic: new Arithmetic({
    ask: (unit, target) => ask({ type: "explain", unit, target }), choose: goTo, name: (number) => page.hello.net.classes[number],
    isUnit: (text) => text.startsWith("input:") || parsed(text) !== null,
  }),
});
wire();
page.connection = new Connection({
  hello: (message, again) => greet(message, again, build), frame: show, lost, error: complain,
  explained: (message) => page.arithmetic.show(message, page.last?.top ?? []),
  heat: (message) => page.tools.heat(message),
  looks: (message) => page.looks.answer(message),
  progress: (message) => {
    if (message.job === "patterns") { page.grid.sought = message.part; redraw(); }
    else (message.job in PANEL_JOBS ? page.panel : page.tools).progress(message);
  },
  grown: (message) => (message.job === "grow" ? page.tools.grown(message) : isCurrent(message.unit) && page.panel.maximized(message)),
  patches: (message) => isCurrent(message.unit) && page.panel.patches(message),
  patterns: (message) => { page.grid.keepPatterns(message); redraw(); },
  patches_back: (message) => isCurrent(message.unit) && page.panel.patchesBack(message),
});
