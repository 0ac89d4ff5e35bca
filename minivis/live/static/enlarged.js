// A picture of the page, large: with what it is, to save with its record, and a link to what made it.

import { $, announce } from "./dom.js";
import { pngOf } from "./png.js";
import { save } from "./saving.js";

const TALL = 1.5;                       // times as high as wide: then it is scrolled through, not made to fit

export class Enlarged {
  // ``record()``: what the page looks at, as a plain object; ``link()``: the address of it.
  constructor({ record, link }) {
    Object.assign(this, { record, link });
    $("save").addEventListener("click", () => this.save());
    $("copy-link").addEventListener("click", () => this.copy());
  }

  // ``paint(canvas)`` draws it; ``extra``: more for the record; ``smooth``: for photographs.
  open({ title, text = "", paint, extra = {}, smooth = false }) {
    this.shown = { title, text, extra };
    const canvas = $("large");
    paint(canvas);
    canvas.style.imageRendering = smooth ? "auto" : "pixelated";
    canvas.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
    $("enlarged-title").textContent = title;
    $("enlarged-text").textContent = text;
    canvas.setAttribute("aria-label", title);
    canvas.className = canvas.height > TALL * canvas.width ? "tall" : canvas.width > TALL * canvas.height ? "wide" : "";
    $("enlarged").showModal();
    $("enlarged").scrollTop = 0;
  }

  async save() {
    const { title, text, extra } = this.shown;
    const file = await pngOf($("large"), "minivis-live", { ...this.record(), picture: title, text, ...extra, link: this.link() });
    save(file, `${title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")}.png`);
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.link());
      announce("The link is copied.");
      $("copy-link").textContent = "Copied";
      setTimeout(() => { $("copy-link").textContent = "Copy link"; }, 2000);
    } catch { prompt("The link:", this.link()); }
  }
}

// Part of a canvas, or all of it, onto another.
export const copyOf = (source, x = 0, y = 0, w = source.width, h = source.height) => (canvas) => {
  canvas.width = w;
  canvas.height = h;
  canvas.getContext("2d").drawImage(source, x, y, w, h, 0, 0, w, h);
};
