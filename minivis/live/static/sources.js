// Where pictures come from: camera, files, film, samples, a test pattern. Each is drawn on a canvas when it is asked.

const LONGEST = 640;                    // pixels of a picture as it is kept for showing

export class Sources {
  constructor({ video, samples, complain, changed }) {
    Object.assign(this, { video, samples, complain, changed });
    this.kind = null;
    this.still = null;                  // an image that does not move
    this.queue = [];                    // files to go through
    this.index = 0;
    this.canvas = document.createElement("canvas");
  }

  get moves() { return this.kind === "camera" || this.kind === "film" || this.kind === "pattern"; }

  // Ends what is shown. Returns a function that says whether this is still the last that was asked for: a camera, a
  // film or a file takes a while to open, and something else may be chosen meanwhile.
  stop() {
    const asked = this.asked = {};
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.pause();
    this.video.srcObject = null;
    if (this.video.src) { URL.revokeObjectURL(this.video.src); this.video.removeAttribute("src"); this.video.load(); }
    this.still = null;
    this.kind = null;
    return () => this.asked === asked;
  }

  begin(kind) { this.kind = kind; this.changed(); }

  async camera() {
    const isWanted = this.stop();
    if (!navigator.mediaDevices) return this.complain("This browser allows a camera only on pages of 127.0.0.1 or localhost.");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } } });
      if (!isWanted()) return stream.getTracks().forEach((track) => track.stop());
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      if (isWanted()) this.begin("camera");
    } catch (error) {
      if (error.name === "AbortError") return;
      this.complain(error.name === "NotAllowedError" ? "Access to the camera was denied. Allow it in the address bar, or choose a picture."
        : "No camera was found. Choose a picture, a film or the samples instead.");
    }
  }

  async film(file) {
    const isWanted = this.stop();
    this.video.src = URL.createObjectURL(file);
    try {
      await this.video.play();
      if (isWanted()) this.begin("film");
    } catch {
      if (isWanted()) this.complain(`${file.name} is not a film that this browser can play.`);
    }
  }

  async files(files) {
    const films = files.filter((file) => file.type.startsWith("video/"));
    if (films.length) return this.film(films[0]);
    this.queue = files;
    this.index = 0;
    await this.picture();
  }

  async picture() {
    const file = this.queue[this.index], isWanted = this.stop();
    try {
      const still = await createImageBitmap(file);
      if (!isWanted()) return;
      this.still = still;
      this.begin("picture");
    } catch {
      this.complain(`${file.name} is not a picture that this browser can read.`);
    }
  }

  // Sample number i of the sheet.
  async sample(i) {
    const isWanted = this.stop();
    const { side, columns, names } = this.samples;
    this.index = (i + names.length) % names.length;
    this.sheet ??= await createImageBitmap(await (await fetch("samples.webp")).blob());
    const still = await createImageBitmap(this.sheet, (this.index % columns) * side, Math.floor(this.index / columns) * side, side, side);
    if (!isWanted()) return;
    this.still = still;
    this.begin("samples");
  }

  pattern() { this.stop(); this.begin("pattern"); }

  async next() {
    if (this.kind === "picture" && this.queue.length > 1) {
      this.index = (this.index + 1) % this.queue.length;
      await this.picture();
    } else await this.sample(this.kind === "samples" ? this.index + 1 : 0);
  }

  // The picture of now, on a canvas: null while there is none.
  draw(now) {
    if (this.kind === "pattern") return drawPattern(this.canvas, now / 1000);
    const source = this.still ?? (this.kind ? this.video : null);
    const width = source?.videoWidth ?? source?.width, height = source?.videoHeight ?? source?.height;
    if (!width || !height || (source === this.video && this.video.readyState < 2)) return null;
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    this.canvas.width = Math.max(1, Math.round(width * scale));
    this.canvas.height = Math.max(1, Math.round(height * scale));
    const context = this.canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(source, 0, 0, this.canvas.width, this.canvas.height);
    return this.canvas;
  }
}

// Gratings of all directions, a disc that wanders, a colour wheel that turns: something for every early unit.
function drawPattern(canvas, t) {
  const side = canvas.width = canvas.height = 256;
  const context = canvas.getContext("2d");
  context.fillStyle = "#808080";
  context.fillRect(0, 0, side, side);
  for (let k = 0; k < 4; k++) {
    context.save();
    context.beginPath();
    context.rect((k % 2) * 128 + 4, Math.floor(k / 2) * 128 + 4, 120, 120);
    context.clip();
    context.translate((k % 2) * 128 + 64, Math.floor(k / 2) * 128 + 64);
    context.rotate((k * Math.PI) / 4);
    const period = [10, 16, 24, 36][k];
    for (let x = -120; x < 120; x += period) {
      context.fillStyle = `hsl(${(k * 90 + t * 20) % 360} 70% 55%)`;
      context.fillRect(x + ((t * 20) % period), -120, period / 2, 240);
    }
    context.restore();
  }
  const x = 128 + 70 * Math.cos(t * 0.7), y = 128 + 70 * Math.sin(t * 1.1);
  for (let k = 0; k < 24; k++) {
    context.fillStyle = `hsl(${k * 15} 90% 55%)`;
    context.beginPath();
    context.moveTo(x, y);
    context.arc(x, y, 44, t + (k * Math.PI) / 12, t + ((k + 1.1) * Math.PI) / 12);
    context.fill();
  }
  context.fillStyle = "#fff";
  context.beginPath();
  context.arc(x, y, 16, 0, 7);
  context.fill();
  return canvas;
}
