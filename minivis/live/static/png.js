// A PNG file with a text in it.

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

const check = (bytes) => ~bytes.reduce((crc, byte) => CRC[(crc ^ byte) & 255] ^ (crc >>> 8), -1) >>> 0;

// The file of a canvas; ``record``, a plain object, is its text under ``key``.
export async function pngOf(canvas, key, record) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const file = new Uint8Array(await blob.arrayBuffer());
  const plain = JSON.stringify(record).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const body = new TextEncoder().encode(`tEXt${key}\0${plain}`);
  const chunk = new Uint8Array(body.length + 8), view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(4 + body.length, check(body));
  return new Blob([file.subarray(0, 33), chunk, file.subarray(33)], { type: "image/png" });      // 33: behind IHDR
}
