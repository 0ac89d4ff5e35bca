// From bytes to pixels: colour tables with a boost, maps, gradients and pictures on canvases.

// Boost 0..6: the exponent by which small values are lifted; 1 leaves them as they are.
export const exponent = (boost) => [1.5, 1, 0.75, 0.55, 0.4, 0.3, 0.22][boost];

const tables = new WeakMap();           // colour map -> {"boost signed": its table}

// 256 colours (as 32 bits, little endian: ABGR) of a colour map [r, g, b, ...]; signed maps keep their middle.
export function table(colors, boost, signed) {
  if (!tables.has(colors)) tables.set(colors, {});
  return (tables.get(colors)[`${boost} ${signed}`] ??= tableOf(colors, boost, signed));
}

function tableOf(colors, boost, signed) {
  const power = exponent(boost);
  const out = new Uint32Array(256);
  for (let q = 0; q < 256; q++) {
    const v = signed ? Math.max(-1, (q - 128) / 127) : q / 255;
    const lifted = Math.sign(v) * Math.abs(v) ** power;
    const k = Math.round(signed ? 127.5 + 127.5 * lifted : 255 * lifted) * 3;
    out[q] = 0xff000000 | (colors[k + 2] << 16) | (colors[k + 1] << 8) | colors[k];
  }
  return out;
}

// Where a unit is not drawn by its own range: which byte its value would be in the layer's.
export function rescaled(limit, layerLimit, signed) {
  const share = layerLimit > 0 ? limit / layerLimit : 0;
  const out = new Uint8Array(256);
  for (let q = 0; q < 256; q++) out[q] = signed ? 128 + Math.round((q - 128) * share) : Math.round(q * share);
  return out;
}

export function sized(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return canvas.getContext("2d");
}

const images = new WeakMap();           // canvas -> {image, pixels}: the last one that was put on it

// An image to put on a canvas, the one of the last frame again, and its pixels as 32 bits.
export function imageOf(canvas, w, h) {
  let found = images.get(canvas);
  if (found?.image.width !== w || found.image.height !== h) {
    const image = new ImageData(w, h);
    found = { image, pixels: new Uint32Array(image.data.buffer) };
    images.set(canvas, found);
  }
  return found;
}

// One channel (h, w) through a table.
export function paintMap(canvas, { data, shape: [h, w] }, colors) {
  const context = sized(canvas, w, h), { image, pixels } = imageOf(canvas, w, h);
  for (let i = 0; i < data.length; i++) pixels[i] = colors[data[i]];
  context.putImageData(image, 0, 0);
}

// uint8 (h, w, 3 or 1); ``tone``: 256 bytes to send each through.
export function paintPicture(canvas, { data, shape: [h, w, c] }, tone) {
  const context = sized(canvas, w, h);
  context.putImageData(picture(canvas, data, h, w, c, tone ?? SAME), 0, 0);
}

const SAME = Uint8Array.from({ length: 256 }, (_, q) => q);

function picture(canvas, data, h, w, c, tone) {
  const { image, pixels } = imageOf(canvas, w, h), [green, blue] = c === 3 ? [1, 2] : [0, 0];
  for (let i = 0, j = 0; i < h * w; i++, j += c) {
    pixels[i] = 0xff000000 | (tone[data[j + blue]] << 16) | (tone[data[j + green]] << 8) | tone[data[j]];
  }
  return image;
}

const tones = {};                       // boost -> its tone

// The tone of a gradient: signed bytes to greys, 128 staying where it is.
export function signedTone(boost) { return (tones[boost] ??= toneOf(boost)); }

function toneOf(boost) {
  const power = exponent(boost);
  return Uint8Array.from({ length: 256 }, (_, q) => {
    const v = Math.max(-1, (q - 128) / 127);
    return Math.round(127.5 + 127.5 * Math.sign(v) * Math.abs(v) ** power);
  });
}

// uint8 (n, h, w, 3) as a sheet of so many columns with a gap.
export function paintSheet(canvas, { data, shape: [n, h, w, c] }, columns, gap = 2) {
  const rows = Math.max(1, Math.ceil(n / columns));
  const context = sized(canvas, columns * (w + gap) - gap, rows * (h + gap) - gap);
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < n; i++) {
    const part = data.subarray(i * h * w * c, (i + 1) * h * w * c);
    context.putImageData(picture(canvas, part, h, w, c, SAME), (i % columns) * (w + gap), Math.floor(i / columns) * (h + gap));
  }
}

// A heat map (signed bytes) as a veil: the larger a value, the less one sees through.
export function paintVeil(canvas, { data, shape: [h, w] }, colors) {
  const context = sized(canvas, w, h);
  const image = context.createImageData(w, h);
  for (let i = 0; i < data.length; i++) {
    const strength = Math.min(1, Math.abs(data[i] - 128) / 127);
    const color = colors[data[i]];
    image.data.set([color & 255, (color >> 8) & 255, (color >> 16) & 255, 235 * Math.sqrt(strength)], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

export function short(value) {
  if (value === null || value === undefined) return "";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace(/-/g, "−").replace("+", "");
  if (size < 0.1) return value.toPrecision(2).replace("-", "−");
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3).replace("-", "−");
}
