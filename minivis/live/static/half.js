// One half of what is shown side by side: a picture, its classes, the way back from a unit, the grid of a layer.

import { Classes } from "./classes.js";
import { retext } from "./dom.js";
import { Grid } from "./grid.js";
import { channelIn } from "./names.js";
import { state } from "./page.js";
import { paintPicture, short, signedTone } from "./paint.js";
import { paintShot } from "./stream.js";

export class Half {
  // ``root``: its element; ``choose(text)``: a unit by its name.
  constructor(root, { colormaps, choose }) {
    this.root = root;
    this.classes = new Classes(this.find(".classes"), (channel) => choose(this.named(this.hello.answers[0], channel)));
    this.grid = new Grid(this.find(".grid"), this.find(".cursor"), this.find(".hover"), {
      colormaps, name: (channel) => this.className(this.frame.layer, channel),
      choose: (channel) => choose(this.named(this.frame.layer, channel)),
      point: (at) => { this.find(".readout").textContent = at ? this.reading(at.unit) : ""; },
    });
  }

  find(selector) { return this.root.querySelector(selector); }

  className(layer, channel) { return (this.hello.answers.includes(layer) ? this.hello.net.classes[channel] : null) ?? null; }

  called(layer, channel) { return this.className(layer, channel) ?? `${layer}:${channel}`; }

  named(layer, channel) { return `${layer}:${this.className(layer, channel) ?? channel}`; }

  reading(channel) { return `${this.called(this.frame.layer, channel)}   up to ${short(this.grid.range(channel)[1])}`; }

  // A frame of the server about a net, the picture that it answers (null: the one that is shown), how the grid is drawn.
  draw(frame, shot, options, hello) {
    Object.assign(this, { frame, hello });
    const { unit, arrays } = frame;
    if (shot) paintShot(this.find(".picture"), shot, frame);
    this.classes.draw(frame.top);
    this.grid.options = options;
    this.grid.draw(frame, channelIn(frame.layer, unit, hello), this.find(".picture"), true);
    retext(this.find(".layer"), frame.layer);
    if (arrays.gradient) paintPicture(this.find(".gradient"), arrays.gradient, signedTone(1));
    this.find(".gradient").hidden = !unit;
    retext(this.find(".unit"), unit ? `${this.called(unit.layer, unit.channel)}: ${short(unit.value)}`
      : state.unit ? "This net has no such unit." : "No unit is chosen.");
  }

  title(text) { retext(this.find("h3"), text); }
}
