// Where pictures come from: camera, files, film, samples, a test pattern. Each is drawn on a canvas when it is asked.
//
// A source takes a while to open, and it may fail. What is shown goes on until the new one is there; when something
// else is chosen meanwhile, the older wish is dropped.

import { opened, sorry, videoElement } from "./files.js";
import { drawPattern } from "./pattern.js";

const LONGEST = 640;                    // pixels of a picture as it is kept for showing

export class Sources {
  constructor({ samples, complain, changed }) {
    Object.assign(this, { samples, complain, changed });
    this.kind = null;
    this.end = () => {};                // ends what is shown
    this.video = null;                  // of a camera or a film
    this.still = null;                  // an image that does not move
    this.animation = null;
    this.queue = [];                    // files to go through
    this.index = 0;                     // of the file or the sample
    this.paused = false;
    this.mirrored = false;
    this.cameras = [];                  // the names of this device's cameras, known once one was opened
    this.named = null;                  // the one that was opened last
    this.canvas = document.createElement("canvas");
  }

  get moves() { return this.kind === "camera" || this.kind === "film" || this.kind === "pattern"; }

  get hasNext() { return this.kind === "samples" || this.queue.length > 1; }

  // Open a source: ``open`` gives {kind, video, still, animation, queue, end} or throws. Whether it has become the source.
  async begin(kind, open, sorry) {
    const asked = this.asked = {};
    let found;
    try {
      found = await open();
    } catch (error) {
      if (this.asked === asked) this.complain(sorry(error));
      return false;
    }
    if (this.asked !== asked) { found.end?.(); return false; }
    this.end();
    Object.assign(this, { kind, video: null, still: null, animation: null, queue: [], end: () => {}, paused: false }, found);
    this.changed();
    return true;
  }

  // ``name``: of one of the cameras; the last one by default, and at first the one that faces the person.
  async camera(name = this.named) {
    const open = async () => {
      if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: 640 }, height: { ideal: 480 }, ...(name ? { deviceId: name } : { facingMode: "user" }) },
      });
      const end = () => stream.getTracks().forEach((track) => track.stop());
      const video = videoElement();
      video.srcObject = stream;
      try { await video.play(); } catch (error) { end(); throw error; }
      stream.getVideoTracks()[0].addEventListener("ended", () => { if (this.video === video) this.lost("The camera has stopped."); });
      this.cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput").map(({ deviceId }) => deviceId);
      this.named = stream.getVideoTracks()[0].getSettings().deviceId;
      return { video, end: () => { end(); video.srcObject = null; } };
    };
    return this.begin("camera", open, (error) => ({
      SecurityError: "This browser allows a camera only on pages of 127.0.0.1, of localhost, and over https.",
      NotAllowedError: "Access to the camera was denied. Allow it in the address bar, or choose a picture.",
      NotReadableError: "The camera is in use elsewhere. Close what uses it, or choose a picture.",
    })[error.name] ?? "No camera was found. Choose a picture, a film or the samples instead.");
  }

  // The next camera of this device: of a phone, from the front to the rear. Many have only one open at a time.
  async nextCamera() {
    const last = this.named, next = this.cameras[(this.cameras.indexOf(last) + 1) % this.cameras.length];
    this.end();
    return (await this.camera(next)) || this.camera(last);
  }

  // The first of some files, or the one of that number; what moves is a film. ``wanted``: whether it was to be one.
  async files(queue, index = 0, wanted = null) {
    const file = queue[index];
    const open = async () => ({ ...(await opened(file)), queue, index });
    if (!(await this.begin("picture", open, () => sorry(file)))) return;
    if (wanted === "film" && this.kind !== "film") this.complain(`${file.name} is shown as a picture: this browser finds nothing in it that moves.`);
  }

  // A canvas as the input from now on.
  async keep(canvas) {
    return this.begin("picture", async () => ({ still: await createImageBitmap(canvas) }), String);
  }

  // Sample number i of the sheet.
  async sample(i) {
    const { side, columns, names } = this.samples;
    const index = (i + names.length) % names.length;
    const open = async () => {
      this.sheet ??= await createImageBitmap(await (await fetch("samples.webp")).blob());
      return { index, still: await createImageBitmap(this.sheet, (index % columns) * side, Math.floor(index / columns) * side, side, side) };
    };
    return this.begin("samples", open, () => "The sample pictures could not be fetched: the server does not answer.");
  }

  async pattern() { return this.begin("pattern", async () => ({}), String); }

  lost(text) {
    this.end();
    this.kind = null;
    this.changed();
    this.complain(text);
  }

  // Step through the files or the samples. Whether there is another.
  next(step = 1) {
    if (!this.hasNext) return false;
    if (this.kind === "samples") this.sample(this.index + step);
    else this.files(this.queue, (this.index + step + this.queue.length) % this.queue.length);
    return true;
  }

  // A film and an animation stand while the page is frozen.
  pause(on) {
    this.paused = on;
    if (this.animation) this.animation.paused = on;
    else if (this.kind === "film") on ? this.video.pause() : this.video.play().catch(() => {});
  }

  // The picture of now, on a canvas: null while there is none.
  draw(now) {
    if (this.kind === "pattern") return drawPattern(this.canvas, now / 1000);
    const source = this.kind && (this.animation?.at(now) ?? this.still ?? this.video);
    const width = source?.videoWidth ?? source?.displayWidth ?? source?.width;
    const height = source?.videoHeight ?? source?.displayHeight ?? source?.height;
    if (!width || !height || (source === this.video && this.video.readyState < 2)) return null;
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    this.canvas.width = Math.max(1, Math.round(width * scale));
    this.canvas.height = Math.max(1, Math.round(height * scale));
    const context = this.canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.mirrored) context.setTransform(-1, 0, 0, 1, this.canvas.width, 0);
    context.drawImage(source, 0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    return this.canvas;
  }
}
