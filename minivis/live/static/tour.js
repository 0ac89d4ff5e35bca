// The guided tour: its steps come from the server; the page does what each says.

import { $ } from "./dom.js";

export class Tour {
  // ``perform(step)`` does a step's {net, sample, layer, unit, rule, tool, see}.
  constructor(perform) {
    Object.assign(this, { perform, steps: [], at: -1 });
    $("tour-next").addEventListener("click", () => this.go(this.at + 1));
    $("tour-back").addEventListener("click", () => this.go(this.at - 1));
    $("tour-end").addEventListener("click", () => this.end());
    $("start-tour").addEventListener("click", () => this.go(0));
  }

  // A tour that runs goes on with its own steps when the net changes.
  offer(steps) {
    if (this.at < 0) this.steps = steps;
    $("start-tour").hidden = !this.steps.length;
  }

  get isOn() { return this.at >= 0; }

  go(at) {
    if (at >= this.steps.length) { this.end(); return; }
    this.at = at;
    const { title, text, does } = this.steps[at];
    $("tour").hidden = false;
    $("tour-title").textContent = `${at + 1} of ${this.steps.length}: ${title}`;
    $("tour-text").textContent = text;
    $("tour-back").disabled = at === 0;
    $("tour-next").textContent = at + 1 < this.steps.length ? "Next" : "End";
    this.makeRoom($("tour").offsetHeight);
    $("tour").focus({ preventScroll: true });
    this.perform(does);
  }

  // Below the page, so that everything can be scrolled to stand above the tour's own box.
  makeRoom(pixels) { document.documentElement.style.setProperty("--below", `${pixels && pixels + 24}px`); }

  end() {
    this.at = -1;
    $("tour").hidden = true;
    this.makeRoom(0);
    $("start-tour").focus();
  }
}
