// What is done to the frozen frame: maps of what matters, and a picture that grows, each laid over the input.

import { $, roving, stopAt, tag } from "./dom.js";
import { paintPicture, paintVeil, short, table } from "./paint.js";

const FULL = 100;                       // of 127: the red and the blue of a veil

export class Tools {
  // ``top(rows or null)``: the classes of what is shown in place of the frame; ``keep(canvas)``: make it the input.
  constructor({ colormaps, request, stop, top, keep }) {
    Object.assign(this, { colormaps, request, stop, top });
    this.running = null;
    roving($("tools"), () => {});       // arrow keys walk along; Enter begins
    $("clear").addEventListener("click", () => this.clear());
    $("keep").addEventListener("click", () => { const canvas = $("over"); this.stop(); keep(canvas); });
  }

  // A button for each tool that the server knows.
  build(tools) {
    $("tools").replaceChildren(...Object.entries(tools).map(([job, { title, says }]) =>
      tag("button", { "data-tool": job, title: says, "aria-pressed": "false", onclick: () => this.begin(job) }, title)), $("keep"), $("clear"));
    stopAt($("tools"), ({ dataset }) => dataset.tool);
    for (const id of ["keep", "clear"]) $(id).tabIndex = 0;
  }

  begin(job) {
    if (!this.request(job)) return;
    this.clear(false);
    this.running = job;
    document.querySelector(".screen").scrollIntoView({ block: "nearest" });      // there it will be seen
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
    const { arrays, name, limit, signed, title, note } = message;
    paintVeil($("over"), arrays.map, signed ? this.twoColors() : this.brightTable());
    $("over").hidden = false;
    this.note(`${title} of ${name}`);
    if (!limit) this.finish(`${note}: 0 everywhere`);
    else this.finish(signed && message.job !== "occlusion" ? `${note}, ± ${short(limit)}` : message.job === "occlusion" ? note : `${note}, up to ${short(limit)}`);
  }

  // Red and blue, however small the value is: pale colours would not be seen over what is white.
  twoColors() {
    const colors = table(this.colormaps.diverging, 1, true);
    return colors.map((_, q) => colors[128 + (q < 128 ? -FULL : FULL)]);
  }

  // What has no sign uses only the upper half of the bytes, and of inferno the bright part.
  brightTable() {
    return Uint32Array.from({ length: 256 }, (_, q) => {
      const k = 3 * Math.round(90 + 165 * Math.max(0, (q - 128) / 127));
      const c = this.colormaps.inferno;
      return 0xff000000 | (c[k + 2] << 16) | (c[k + 1] << 8) | c[k];
    });
  }

  // A step of the picture that grows: the answers are those of what is shown.
  grown(message) {
    if (message.job !== this.running) return;
    paintPicture($("over"), message.arrays.picture);
    $("over").hidden = false;
    $("keep").hidden = false;
    this.top(message.top);
    const { step, steps } = message, isOver = step >= steps;
    this.note(`${message.name}: ${short(message.value)}${isOver ? "" : ` · step ${step} of ${steps}`}`);     // (not said aloud each time)
    $("tool-progress").value = step / steps;
    if (isOver) this.finish(`${steps} steps of gradient ascent towards ${message.name}, from the frozen frame`);
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
