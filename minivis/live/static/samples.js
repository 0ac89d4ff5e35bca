// The sample pictures: the sheet to choose from, and one of them with a box around a part.

import { $, tag } from "./dom.js";
import { sized } from "./paint.js";

// A button for each; ``choose(number)``.
export function sampleButtons({ names, columns }, choose) {
  const rows = Math.ceil(names.length / columns);
  $("sample-list").replaceChildren(...names.map((name, i) => {
    const button = tag("button", { "aria-label": name, title: name, onclick: () => { $("samples").close(); choose(i); } });
    button.style.backgroundImage = "url(samples.webp)";
    button.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
    button.style.backgroundPosition = `${(100 * (i % columns)) / (columns - 1)}% ${(100 * Math.floor(i / columns)) / (rows - 1)}%`;
    return button;
  }));
}

// Onto a canvas: sample ``picture`` of the sheet, with a box [top, left, height, width] in parts of it.
export function wholeSample(canvas, { side, columns }, sheet, { picture, box: [top, left, height, width] }, size = 384) {
  const context = sized(canvas, size, size);
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, (picture % columns) * side, Math.floor(picture / columns) * side, side, side, 0, 0, size, size);
  for (const [color, line] of [["#000", 7], ["#fff", 3]]) {
    context.strokeStyle = color;
    context.lineWidth = line;
    context.strokeRect(left * size + 3, top * size + 3, Math.max(2, width * size - 6), Math.max(2, height * size - 6));
  }
}
