// A clip of what is seen: the input, the classes, the way back and the grid on one canvas, recorded as a film.

import { $, announce } from "./dom.js";
import { wholeInput } from "./frames.js";
import { say } from "./notice.js";
import { page } from "./page.js";
import { save } from "./saving.js";
import { webmOf } from "./webm.js";

const WIDTH = 1280, HEIGHT = 720, EDGE = 24, SIDE = 400;      // pixels: of the film, its margin, the input in it
const RATE = 15;                        // frames a second: the net needs this machine, too
const LONGEST = 120;                    // seconds; then it ends by itself

export class Clip {
  // ``record()``: what the page looks at, as a plain object; ``link()``: the address of it.
  constructor({ record, link }) {
    Object.assign(this, { record, link, recorder: null });
    this.input = document.createElement("canvas");
  }

  toggle() { if (this.recorder) this.end(); else this.begin(); }

  begin() {
    if (!page.last) { say("There is nothing to record yet: choose a camera, a picture or a film first.", 6000); return; }
    if (!window.MediaRecorder?.isTypeSupported("video/webm")) { say("This browser cannot record WebM films.", 6000); return; }
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT }), parts = [];
    const context = canvas.getContext("2d"), started = performance.now(), first = this.record();
    this.recorder = new MediaRecorder(canvas.captureStream(RATE), { mimeType: "video/webm", videoBitsPerSecond: 6e6 });
    this.recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    this.recorder.addEventListener("stop", () => this.save(new Blob(parts, { type: "video/webm" }), first, (performance.now() - started) / 1000));
    const tick = () => {
      const seconds = (performance.now() - started) / 1000;
      this.draw(context);
      $("clip-time").textContent = `● ${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
      if (seconds > LONGEST) this.end();
    };
    tick();
    this.timer = setInterval(tick, 1000 / RATE);
    this.recorder.start(1000);
    this.mark(true);
    announce("Recording.");
  }

  end() {
    clearInterval(this.timer);
    this.recorder.stop();
    this.recorder = null;
    this.mark(false);
  }

  mark(on) {
    $("clip").setAttribute("aria-pressed", on);
    $("clip").textContent = on ? "Stop" : "Record";
    $("clip-time").hidden = !on;
  }

  async save(film, first, seconds) {
    const record = { ...first, picture: "clip", seconds: +seconds.toFixed(1), end: this.record(), link: this.link() };
    save(await webmOf(film, "MINIVIS_LIVE", record), `minivis-live-${first.net}.webm`);
    say("The clip is saved among your downloads.", 4000);
  }

  draw(context) {
    const style = getComputedStyle(document.documentElement), color = (name) => style.getPropertyValue(`--${name}`).trim();
    context.fillStyle = color("card");
    context.fillRect(0, 0, WIDTH, HEIGHT);
    wholeInput(this.input);
    fit(context, this.input, EDGE, EDGE, SIDE, SIDE);
    bars(context, color, EDGE + SIDE + 24);
    const left = EDGE + SIDE + 32, wide = WIDTH - left - EDGE;
    context.textBaseline = "top";
    write(context, $("grid-title").textContent, left, EDGE, wide, `600 24px system-ui, sans-serif`, color("ink"));
    write(context, `${page.hello.net.name} · ${$("grid-note").textContent}`, left, EDGE + 32, wide, `17px system-ui, sans-serif`, color("soft"));
    fit(context, $("grid"), left, EDGE + 64, wide, HEIGHT - EDGE * 2 - 64);
  }
}

// The first classes, a bar for each.
function bars(context, color, top) {
  [...$("classes").querySelectorAll("li")].forEach((item, i) => {
    const y = top + 44 * i, font = `${i ? 400 : 650} 19px system-ui, sans-serif`;
    const number = item.querySelector(".percent").textContent, [, part] = item.querySelector(".fill").style.transform.match(/\((.*)\)/);
    context.textBaseline = "top";
    write(context, item.querySelector(".name").textContent, EDGE, y, SIDE - 90, font, color("ink"));
    context.textAlign = "right";
    write(context, number, EDGE + SIDE, y, 90, font, color("ink"));
    context.textAlign = "left";
    context.fillStyle = color("tint");
    context.fillRect(EDGE, y + 26, SIDE, 7);
    context.fillStyle = color("accent");
    context.fillRect(EDGE, y + 26, SIDE * part, 7);
  });
}

function write(context, text, x, y, room, font, color) {
  context.font = font;
  context.fillStyle = color;
  context.fillText(text, x, y, room);
}

// As large as it fits, in the middle of its width.
function fit(context, source, x, y, width, height) {
  if (!source.width || !source.height) return;
  const scale = Math.min(width / source.width, height / source.height), w = source.width * scale, h = source.height * scale;
  context.imageSmoothingEnabled = scale < 1;
  context.drawImage(source, x + (width - w) / 2, y, w, h);
}
