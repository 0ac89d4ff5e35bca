// Side by side: what two nets say of one picture, or one net of two. The right half is a viewer of its own, which is shown
// the pictures of the page, or holds one while they go on.

import { Connection } from "./connection.js";
import { $, tag } from "./dom.js";
import { Half } from "./half.js";
import { offLabels } from "./names.js";
import { page, state } from "./page.js";

const IN_FLIGHT = 2;                    // pictures on their way to the right half

export class Beside {
  // ``options()``: how the grids are drawn; ``choose(text)``: show a unit in the page; ``changed()``: the address changes.
  constructor({ options, choose, changed }) {
    Object.assign(this, { options, choose, changed, connection: null, hello: null, net: null, holds: false });
    $("beside-net").addEventListener("change", () => this.change($("beside-net").value));
    $("beside-hold").addEventListener("click", () => this.hold(!this.holds));
    $("close-beside").addEventListener("click", () => { this.close(); $("compare").focus(); });
  }

  get isOpen() { return this.connection !== null; }

  toggle() { if (this.isOpen) this.close(); else this.open(); }

  // ``net``: of the right half; by default the first other one.
  open(net) {
    const { hello } = page;
    if (!hello || this.isOpen) return;
    this.net = hello.nets.includes(net) ? net : hello.nets.find((name) => name !== hello.net.name) ?? hello.net.name;
    Object.assign(this, { hello: null, shots: new Map(), newest: null, waiting: null });
    $("beside-net").replaceChildren(...hello.nets.map((name) => tag("option", {}, name)));
    $("beside-net").value = this.net;
    for (const side of ["left", "right"]) this[side] ??= new Half($(`beside-${side}`), { colormaps: hello.colormaps, choose: this.choose });
    this.mark(true);
    this.hold(false);
    this.say("Loading …");
    const { shots, number } = page.stream, shown = shots.get(number);
    if (shown?.file) this.newest = { ...shown, number };
    this.connection = new Connection({
      hello: (message) => this.greet(message), frame: (frame) => this.drawRight(frame),
      lost: (tries, why) => this.say(why ? `${why}.` : "The server does not answer."), error: ({ message }) => this.say(message),
    });
    this.redraw();
    this.changed();
    $("beside").scrollIntoView({ block: "start" });
  }

  close() {
    this.connection?.close();
    this.connection = null;
    this.mark(false);
    this.changed();
  }

  mark(on) {
    $("beside").hidden = !on;
    $("compare").setAttribute("aria-pressed", on);
  }

  say(text) { $("beside-note").textContent = text; }

  change(net) {
    this.net = net;
    this.say("Loading …");
    this.connection.send({ type: "net", net });
    this.changed();
  }

  // What one can do next.
  hint() { this.say(this.holds ? "" : "Hold the right picture to choose another one for the left half."); }

  // The right half keeps its picture, whatever the page shows.
  hold(on) {
    this.holds = on;
    $("beside-hold").setAttribute("aria-pressed", on);
    if (!on && this.isOpen && page.stream) this.take(page.stream.shots.get(page.stream.number), page.stream.number);
    if (this.hello) this.hint();
    this.titles();
  }

  greet(hello) {
    if (hello.net.name !== this.net) { this.connection.send({ type: "net", net: this.net }); return; }
    this.hello = hello;
    this.hint();
    this.look();
    if (this.newest) this.send(this.newest);
    this.titles();
  }

  // A picture that was sent for the page: {shot, file} and its number.
  take(entry, number) {
    if (!this.isOpen || this.holds || !entry?.file) return;
    this.newest = { ...entry, number };
    if (!this.hello || this.connection.inFlight >= IN_FLIGHT) this.waiting = this.newest;
    else this.send(this.newest);
  }

  send({ shot, file, number }) {
    this.waiting = null;
    this.connection.sent = number;
    this.shots.set(number, shot);
    for (const old of this.shots.keys()) if (old < number - 4) this.shots.delete(old);
    this.connection.show(file, number);
  }

  // The page's view, in the words of the other net: units switched off stay so on the left alone.
  look() {
    if (!this.isOpen || !this.hello) return;
    this.connection.send({ type: "view", layer: this.layerThere(), unit: this.unitThere(), rule: state.rule, show: state.show, off: [] });
    this.titles();
  }

  // The layer of that name; else the same kind of answer; else, of its type where there is one, the one that is as deep.
  layerThere() {
    const mine = page.hello.layers, there = this.hello.layers, answer = page.hello.answers.indexOf(state.layer);
    if (there.some(({ name }) => name === state.layer)) return state.layer;
    if (answer >= 0 && this.hello.answers.length) return this.hello.answers.at(Math.min(answer, this.hello.answers.length - 1));
    const at = mine.findIndex(({ name }) => name === state.layer), { type, shape } = mine[at];
    const alike = there.filter((layer) => layer.type === type && layer.shape.length === shape.length);
    const far = (layer) => Math.abs(there.indexOf(layer) / there.length - at / mine.length);
    return (alike.length ? alike : there).reduce((best, layer) => (far(layer) < far(best) ? layer : best)).name;
  }

  // The unit of the same class, or of the same layer and number; "" for none.
  unitThere() {
    if (!state.unit) return "";
    const { layer, channel } = state.unit, answer = page.hello.answers.indexOf(layer);
    if (answer >= 0) {
      const own = this.hello.answers[answer], number = this.hello.net.classes.indexOf(page.hello.net.classes[channel]);
      return own && number >= 0 ? `${own}:${number}` : "";
    }
    const there = this.hello.layers.find(({ name }) => name === layer), size = there?.shape ?? [];
    if (!there || channel >= size.at(-1)) return "";
    const fits = size.length === 3 && state.place?.every((i, k) => i < size[k]);
    return `${layer}:${channel}${size.length < 3 ? "" : fits ? `@${state.place.join(",")}` : "@max"}`;
  }

  // ---- the halves ----

  drawRight(frame) {
    if (!this.isOpen || !this.hello || frame.net !== this.hello.net.name) return;
    this.last = frame;
    if (this.waiting) this.send(this.waiting);
    this.right.draw(frame, this.shots.get(frame.number), this.options(), this.hello);
  }

  // Again, as the page's frame or the way grids are drawn has changed.
  redraw() {
    if (!this.isOpen || !page.last) return;
    this.left.draw(page.last, page.stream.shots.get(page.last.number)?.shot, this.options(), page.hello);
    this.titles();
    if (this.last && this.hello && this.last.net === this.hello.net.name) this.right.draw(this.last, null, this.options(), this.hello);
  }

  titles() {
    if (!this.isOpen) return;
    this.left.title(`${page.hello.net.name}${state.off.length ? ` without ${offLabels()}` : ""}`);
    this.right.title(`${this.net}${this.holds ? " · the held picture" : ""}`);
  }
}
