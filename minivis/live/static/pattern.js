// The test pattern: gratings of all directions, a disc that wanders, a colour wheel that turns.

export function drawPattern(canvas, t) {
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
