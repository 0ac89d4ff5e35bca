// Where a pointer or a key leads, on a sheet of tiles or a map.

// The tile under a pointer on a sheet.
export function tileAt(event, columns, rows) {
  const box = event.target.getBoundingClientRect();
  return Math.floor(((event.clientY - box.top) / box.height) * rows) * columns + Math.floor(((event.clientX - box.left) / box.width) * columns);
}

// The place in a map to which a key leads, or undefined.
export function moved({ key, shiftKey }, { position: [row, column], shape, shrunk }) {
  const [h, w] = shape.map((n) => n * shrunk), far = shiftKey ? 5 : 1;
  const to = {
    ArrowLeft: [row, column - far], ArrowRight: [row, column + far], ArrowUp: [row - far, column], ArrowDown: [row + far, column],
    Home: [row, 0], End: [row, w - 1], PageUp: [0, column], PageDown: [h - 1, column],
  }[key];
  return to && [Math.min(h - 1, Math.max(0, to[0])), Math.min(w - 1, Math.max(0, to[1]))];
}
