// What is done to the frozen frame: saliency, occlusion, and a picture that grows, each laid over the input.

import { paintPicture, paintVeil, short, table } from "./paint.js";

const $ = (id) => document.getElementById(id);

export class Tools {
  constructor({ colormaps, request, stop }) {
    Object.assign(this, { colormaps, request, stop });
    this.running = null;
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.begin(button.dataset.tool));
    }
    $("clear").addEventListener("click", () => this.clear());
  }

  begin(job) {
    if (!this.request(job)) return;
    this.running = job;
    $("clear").hidden = false;
    $("tool-progress").hidden = false;
    $("tool-progress").removeAttribute("value");
    $("tool-note").textContent = "working …";
    for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === job);
  }

  progress({ job, part }) { if (job === this.running) $("tool-progress").value = part; }

  finish(note) {
    $("tool-progress").hidden = true;
    $("tool-note").textContent = note;
  }

  heat(message) {
    if (message.job !== this.running) return;
    const { arrays, name, limit } = message;
    const colors = message.job === "saliency" ? this.saliencyTable() : table(this.colormaps.diverging, 1, true);
    paintVeil($("over"), arrays.map, colors);
    $("over").hidden = false;
    const said = message.job === "saliency" ? `|d ${name} / d pixel|, up to ${short(limit)} per level of 255`
      : `${name} falls from ${this.amount(message.before, message)} to ${this.amount(message.lowest, message)} under the worst of ${message.windows} squares; red: it depends on this`;
    this.note(message.job === "saliency" ? `saliency of ${name}` : `occlusion of ${name}`);
    this.finish(said);
  }

  // Saliency has no sign: only the upper half of the bytes is used, and of inferno the bright part.
  saliencyTable() {
    return Uint32Array.from({ length: 256 }, (_, q) => {
      const k = 3 * Math.round(90 + 165 * Math.max(0, (q - 128) / 127));
      const c = this.colormaps.inferno;
      return 0xff000000 | (c[k + 2] << 16) | (c[k + 1] << 8) | c[k];
    });
  }

  amount(value, { measure }) { return measure === "prob" ? `${(100 * value).toFixed(1)} %` : short(value); }

  grown(message) {
    if (message.job !== this.running) return;
    paintPicture($("over"), message.arrays.picture);
    $("over").hidden = false;
    this.note(`${message.unit}: ${short(message.value)}`);
    $("tool-progress").value = message.step / message.steps;
    $("tool-note").textContent = `step ${message.step} of ${message.steps}`;
    if (message.step >= message.steps) this.finish(`${message.steps} steps of gradient ascent from the frozen frame`);
  }

  note(text) { $("over-note").textContent = text; $("over-note").hidden = false; }

  failed(text) { this.clear(); $("tool-note").textContent = text; }

  clear() {
    if (this.running) this.stop();
    this.running = null;
    $("over").hidden = true;
    $("over-note").hidden = true;
    $("clear").hidden = true;
    this.finish("");
    for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", "false");
  }
}
