// The panel of one unit: its map, its way back to the pixels, its patches, its maximised pictures.

import { $, announce, retext } from "./dom.js";
import { copyOf } from "./enlarged.js";
import { parsed } from "./names.js";
import { paintMap, paintPicture, paintSheet, short, signedTone, sized, table } from "./paint.js";
import { moved, tileAt } from "./places.js";

const GAP = 2;                          // pixels between the tiles of a sheet
const RAMP = { data: Uint8Array.from({ length: 256 }, (_, i) => i), shape: [1, 256] };
const LEAST = 3;                        // patches that excite a unit least

const looking = (part) => `looking, ${Math.round(100 * part)} %`;          // the strongest so far are shown
// Of a unit whose lowest value would be 0, behind a ReLU or a softmax, the values are those of the unit before it.
const valuesOf = ({ values, layer }, own) => `${values.map(short).join(", ")}${layer === own ? "" : ` in ${layer}`}`;

export class UnitPanel {
  // ``rules``: {rule: title}; ``pickPlace([row, column])``; ``enlarge({title, ...})``; ``whole(place)``: draws a sample
  // picture with a box; ``letGo()``: what was held is to be drawn anew.
  constructor({ colormaps, rules, pickPlace, enlarge, whole, letGo }) {
    Object.assign(this, { colormaps, rules, enlarge, whole, letGo });
    this.boost = 1;
    this.small = document.createElement("canvas");      // the map as it came
    this.ramp = null;                   // the colours of the bar below the map
    this.held = null;                   // whose way back stands while all else goes on: a text
    this.shown = null;
    this.wanted = null;                 // a place that was chosen by keys and has not been answered
    this.found = null;                  // the message about the patches
    this.seeks = true;                  // the sample pictures are being gone through for them
    this.name = "";
    $("map").addEventListener("click", (event) => {
      const unit = this.shown;
      if (!unit?.position) return;
      const box = $("map").getBoundingClientRect();
      const [h, w] = unit.shape;
      const side = Math.min(box.width / w, box.height / h);       // drawn as large as it fits, in the middle
      const x = (event.clientX - box.left - (box.width - side * w) / 2) / side;
      const y = (event.clientY - box.top - (box.height - side * h) / 2) / side;
      if (x >= 0 && y >= 0 && x < w && y < h) pickPlace([Math.floor(y * unit.shrunk), Math.floor(x * unit.shrunk)]);
    });
    $("map").addEventListener("keydown", (event) => {
      const to = this.shown?.position && moved(event, { ...this.shown, position: this.wanted ?? this.shown.position });
      if (!to) return;
      event.preventDefault();
      this.wanted = to;                                 // its value is said when it has come
      pickPlace(to);
    });
    for (const button of document.querySelectorAll("[data-enlarge]")) {
      button.addEventListener("click", () => this.open(button.dataset.enlarge, button.title));
    }
    for (const id of ["patches", "patches-deconv", "patches-guided"]) {
      $(id).addEventListener("click", (event) => this.openPatch(tileAt(event, 3, this.rows)));
    }
    $("least").addEventListener("click", (event) => this.openPatch(tileAt(event, LEAST, 1), this.found?.least, "Least"));
    $("maximized").addEventListener("click", (event) => this.openMaximized(tileAt(event, 4, 1)));
  }

  open(id, title) {
    const said = $(id === "map" || id === "gradient" ? "unit-value" : `${id}-note`);
    this.enlarge({ title: `${title}: ${this.name}`, text: said.textContent, paint: copyOf($(id)) });
  }

  openPatch(k, found = this.found, what = "Patch") {
    const place = found?.places[k];
    if (!place) return;
    this.enlarge({
      title: `${what} ${k + 1} of ${this.name}`, smooth: false, extra: { sample: place.picture, box: place.box },
      text: `${found.names[k]}: ${short(found.values[k])}. The box is what the unit sees from the place where it is ${found === this.found ? "strongest" : "weakest"}.`,
      paint: (canvas) => this.whole(canvas, place),
    });
  }

  openMaximized(k) {
    const sheet = this.grown?.arrays.pictures;
    if (!sheet || k >= sheet.shape[0]) return;
    const [, h, w, c] = sheet.shape, one = { data: sheet.data.subarray(k * h * w * c, (k + 1) * h * w * c), shape: [h, w, c] };
    this.enlarge({
      title: k < 3 ? `Maximised ${k + 1}: ${this.name}` : `Minimised: ${this.name}`,
      text: this.grown.values ? short(this.grown.values[k]) : "not finished", paint: (canvas) => paintPicture(canvas, one),
    });
  }

  title(text, note) {
    this.wanted = null;
    this.name = text;
    $("unit-title").textContent = text;
    $("unit-note").textContent = note;
    $("switch-off").hidden = false;
  }

  hide() {
    this.shown = null;
    $("unit-body").hidden = true;
    this.title("No unit chosen", "Click a unit in the grid, or a class, to see what excites it.");
    $("switch-off").hidden = true;
  }

  // A frame's part about the unit. While pictures stream, not every frame has a gradient: the last one stays.
  draw(unit, arrays, boost, follows) {
    this.shown = unit;
    const figure = $("map").parentElement;
    if ($("unit-body").hidden) $("unit-body").hidden = false;
    if (figure.hidden !== !unit.position) figure.hidden = !unit.position;       // a single number has no map
    if (unit.position) this.drawMap(unit, arrays.map, table(this.colormaps[unit.signed ? "diverging" : "inferno"], boost, unit.signed));
    const place = unit.position ? ` at ${unit.position.join(", ")}` : "";
    retext($("unit-value"), `${short(unit.value)}${place}${unit.position && follows ? " (max)" : ""}`);
    if (this.wanted && String(this.wanted) === String(unit.position)) {
      announce(`Row ${unit.position[0]}, column ${unit.position[1]}: ${short(unit.value)}`);
      this.wanted = null;
    }
    if (!arrays.gradient || this.held) return;
    paintPicture($("gradient"), arrays.gradient, signedTone(this.boost));
    retext($("gradient-note"), unit.gradient_limit ? `± ${short(unit.gradient_limit)}` : unit.value ? "0 everywhere" : "0 everywhere: inactive");
  }

  // Keep the picture that went back while the pictures, the unit and the rule go on; let it go.
  hold() {
    if (!this.shown) return;
    this.held = this.held ? null : `${this.name}, ${this.rules[this.shown.rule] ?? "gradient"}`;
    $("hold").setAttribute("aria-pressed", this.held !== null);
    if (this.held) $("gradient-note").textContent = `held: ${this.held}`;
    else this.letGo();
  }

  // The map and its colours, with a frame around the place that is looked from.
  drawMap({ position: [row, column], shape: [h, w], shrunk, signed, limit }, map, colors) {
    if (colors !== this.ramp) paintMap($("map-bar"), RAMP, this.ramp = colors);
    retext($("map-low"), signed ? short(-limit) : "0");
    retext($("map-high"), short(limit));
    paintMap(this.small, map, colors);
    const scale = Math.max(1, Math.ceil(192 / Math.max(h, w))), context = sized($("map"), w * scale, h * scale);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.small, 0, 0, w * scale, h * scale);
    const x = Math.floor(column / shrunk) * scale, y = Math.floor(row / shrunk) * scale;
    for (const [color, more] of [["#000", 1], ["#fff", 0]]) {
      context.strokeStyle = color;
      context.lineWidth = 2 + 2 * more;
      context.strokeRect(x, y, Math.max(scale, 5), Math.max(scale, 5));
    }
  }

  // How far the patches or the maximised pictures are.
  progress({ job, part, before }) {
    if (job === "patches" && !this.seeks) { retext($("back-note"), `drawing them back, ${Math.round(100 * part)} %`); return; }
    const how = job === "patches" ? looking(part) : `maximising, ${Math.round(100 * part)} %`;
    retext($(job === "patches" ? "patches-note" : "maximized-note"), before ? `${before} before this` : how);
  }

  // What was asked for will not come any more.
  failed(about, text) {
    $(about === "patches" ? "patches-note" : "maximized-note").textContent = text;
    if (about === "patches") { this.seeks = true; $("back-note").textContent = ""; }
  }

  patches(message) {
    this.found = message;
    this.seeks = !message || message.part < 1;
    $("back-note").textContent = "";
    for (const rule of ["deconv", "guided"]) $(`patches-${rule}`).getContext("2d").clearRect(0, 0, 9999, 9999);
    if (!message) {
      for (const [id, note] of [["patches", "waiting …"], ["least", ""]]) {
        $(id).getContext("2d").clearRect(0, 0, 9999, 9999);
        $(`${id}-note`).textContent = note;
      }
      return;
    }
    const count = message.values.length;
    const range = count ? `${short(message.values[0])} to ${short(message.values[count - 1])}` : "inactive in all samples";
    $("patches-note").textContent = this.seeks ? looking(message.part) : range;
    $("patches-note").title = `of ${message.pictures} sample pictures`;
    if (count) paintSheet($("patches"), message.arrays.tiles, 3, GAP);
    for (const rule of ["deconv", "guided"]) sized($(`patches-${rule}`), $("patches").width, $("patches").height);
    paintSheet($("least"), message.arrays.least_tiles, LEAST, GAP);
    $("least-note").textContent = valuesOf(message.least, message.layer);
    $("least").setAttribute("aria-label", `The parts of the sample pictures that excite the unit least: ${message.least.names.join(", ")}`);
    $("patches").setAttribute("aria-label", `The parts of the sample pictures that excite the unit most: ${message.names.join(", ")}`);
  }

  patchesBack({ rules, arrays: { tiles: { data, shape: [, n, h, w, c] } } }) {
    $("back-note").textContent = "";
    rules.forEach((rule, k) => {
      if (n) paintSheet($(`patches-${rule}`), { data: data.subarray(k * n * h * w * c, (k + 1) * n * h * w * c), shape: [n, h, w, c] }, 3, GAP);
    });
  }

  // Of the sheets of patches: fewer than nine excite some units.
  get rows() { return Math.max(1, Math.ceil((this.found?.values.length ?? 0) / 3)); }

  maximized(message) {
    this.grown = message;
    if (!message) {
      $("maximized-note").textContent = "waiting …";
      $("maximized").getContext("2d").clearRect(0, 0, 9999, 9999);
      return;
    }
    $("maximized-note").textContent = message.values ? valuesOf(message, parsed(message.unit).layer) : `maximising, ${Math.round(100 * message.part)} %`;
    paintSheet($("maximized"), message.arrays.pictures, 4, GAP);
  }
}
