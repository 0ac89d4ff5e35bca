// What is done to the frozen frame: saliency, occlusion, and a picture that grows, each laid over the input.

import { $ } from "./dom.js";
import { paintPicture, paintVeil, short, table } from "./paint.js";

export class Tools {
  // ``top(rows or null)``: the classes of what is shown in place of the frame; ``keep(canvas)``: make it the input.
  constructor({ colormaps, request, stop, top, keep }) {
    Object.assign(this, { colormaps, request, stop, top });
    this.running = null;
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.begin(button.dataset.tool));
    }
    $("clear").addEventListener("click", () => this.clear());
    $("keep").addEventListener("click", () => { const canvas = $("over"); this.stop(); keep(canvas); });
  }

  begin(job) {
    if (!this.request(job)) return;
    this.clear(false);
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

  // A step of the picture that grows: the answers are those of what is shown.
  grown(message) {
    if (message.job !== this.running) return;
    paintPicture($("over"), message.arrays.picture);
    $("over").hidden = false;
    $("keep").hidden = false;
    this.top(message.top);
    this.note(`${message.name}: ${short(message.value)}`);
    $("tool-progress").value = message.step / message.steps;
    $("tool-note").textContent = `${message.name}: step ${message.step} of ${message.steps}`;
    if (message.step >= message.steps) this.finish(`${message.steps} steps of gradient ascent towards ${message.name}, from the frozen frame`);
  }

  note(text) { $("over-note").textContent = text; $("over-note").hidden = false; }

  failed(text) {
    if (!this.running) return;
    this.clear();
    $("tool-note").textContent = text;
  }

  // ``stop``: whether the server is told, too.
  clear(stop = true) {
    if (this.running && stop) this.stop();
    this.running = null;
    $("over").hidden = true;
    $("over-note").hidden = true;
    $("clear").hidden = true;
    $("keep").hidden = true;
    this.top(null);
    this.finish("");
    for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", "false");
  }
}
