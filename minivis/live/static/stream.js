// Pictures to the server, and its answers: never more than two on their way, and what is shown is the newest.

import { $ } from "./dom.js";
import { sized } from "./paint.js";

const IN_FLIGHT = 2;                    // pictures on their way: one is worked on while the next is made
const LARGE = 512;                      // pixels of an input that is large enough to show as it is, or half of it
const LOOK = 5;                         // ms until it is looked again whether a picture may be taken
const AT_ONCE = 256 * 256;              // pixels: toBlob waits until the page is idle, for 20 ms where the work takes 1

export class Stream {
  // ``side``: pixels of the shorter side of what is sent; ``isFrozen()``: whether no new picture is taken.
  // ``sent(entry, number)``: a picture went out.
  constructor(connection, sources, { side, isFrozen, sent }) {
    Object.assign(this, { connection, sources, side, isFrozen, sent });
    this.shots = new Map();             // number -> {shot, file}: the picture as it was taken, and as it was sent
    this.wire = document.createElement("canvas");
    this.wire.getContext("2d", { willReadFrequently: true });
    this.arrivals = [];                 // when answers came, for the rate
    this.needs = true;                  // a picture that does not move has not been sent yet
    this.number = 0;                    // of the picture that is shown
    this.settled = null;                // what waits until no picture is on its way
    this.watch();
  }

  // Once with each picture of the screen while another may be taken; else only looked after: each of these costs a
  // millisecond, which the net could use.
  watch() {
    if (this.takes) requestAnimationFrame((now) => { this.tick(now); this.watch(); });
    else setTimeout(() => this.watch(), LOOK);
  }

  // Whether a picture may be taken now.
  get takes() {
    const { connection, sources } = this;
    return connection.ready && !this.isFrozen() && connection.inFlight < IN_FLIGHT && (sources.moves || this.needs);
  }

  tick(now) {
    if (!this.takes) return;
    const { connection, sources } = this, canvas = sources.draw(now);
    if (!canvas) return;
    this.needs = false;
    const number = ++connection.sent;
    const shot = document.createElement("canvas");
    sized(shot, canvas.width, canvas.height).drawImage(canvas, 0, 0);
    const entry = { shot, file: null };
    this.shots.set(number, entry);
    for (const old of this.shots.keys()) if (old < number - 4 && old !== this.number) this.shots.delete(old);
    const scale = Math.min(1, this.side / Math.min(canvas.width, canvas.height));
    const context = sized(this.wire, Math.round(canvas.width * scale), Math.round(canvas.height * scale));
    context.clearRect(0, 0, this.wire.width, this.wire.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(shot, 0, 0, this.wire.width, this.wire.height);
    encode(this.wire, sources.moves ? "image/jpeg" : "image/png", (file) => {
      entry.file = file;
      connection.show(file, number);
      this.sent(entry, number);
    });
  }

  // An answer came. Whether it is about another picture than the last.
  arrived({ number }) {
    const now = performance.now(), isNew = number !== this.number;
    if (isNew) {
      this.arrivals.push(now);
      while (this.arrivals[0] < now - 2000) this.arrivals.shift();
    }
    this.number = number;
    return isNew;
  }

  get rate() {
    const { arrivals } = this;
    return this.sources.moves && !this.isFrozen() && arrivals.length > 2
      ? (arrivals.length - 1) / ((performance.now() - arrivals[0]) / 1000) : null;
  }

  // A server that has started again knows no picture: it gets the one that is shown.
  resend() {
    const entry = this.shots.get(this.number);
    if (!this.isFrozen() || !entry?.file) { this.needs = true; return; }
    const number = ++this.connection.sent;
    this.shots.set(number, entry);
    this.connection.show(entry.file, number);
  }

  // Do something on the frame that is shown, once no other is on its way.
  whenSettled(action) {
    if (this.connection.inFlight <= 0) action();
    else this.settled = action;
  }

  settle() {
    if (!this.settled || this.connection.inFlight > 0) return;
    const action = this.settled;
    this.settled = null;
    action();
  }

  // What the net saw of the picture of an answer.
  draw(frame) {
    const shot = this.shots.get(frame.number)?.shot;
    if (shot) paintShot($("input"), shot, frame);
  }
}

// done(the bytes of an image file of a canvas): at once for a small one.
function encode(canvas, type, done) {
  if (canvas.width * canvas.height > AT_ONCE) {
    canvas.toBlob(async (blob) => done(new Uint8Array(await blob.arrayBuffer())), type, 0.92);
    return;
  }
  const url = canvas.toDataURL(type, 0.92), text = atob(url.slice(url.indexOf(",") + 1)), file = new Uint8Array(text.length);
  for (let i = 0; i < file.length; i++) file[i] = text.charCodeAt(i);
  done(file);
}

// Onto a canvas: the part of a picture that the net saw, by the frame that answers it. The browser scales it as it shows
// it; only the squares of a small picture are enlarged here.
export function paintShot(canvas, shot, { size: [h, w], box: [top, left, height, width] }) {
  const sx = shot.width / w, sy = shot.height / h, longest = Math.max(width * sx, height * sy);
  const scale = longest * 2 > LARGE ? 1 : Math.round(LARGE / longest);
  const context = sized(canvas, Math.round(width * sx * scale), Math.round(height * sy * scale));
  context.imageSmoothingEnabled = scale === 1;
  context.drawImage(shot, left * sx, top * sy, width * sx, height * sy, 0, 0, canvas.width, canvas.height);
}
