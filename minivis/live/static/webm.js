// A WebM film with a text in it: as a tag, which players and ffprobe show.
//
// A browser writes a film as it comes: a Segment without an end, in it Info, Tracks and Clusters of frames, one after the
// other. A Tags element may stand before the first Cluster.

const CLUSTER = [0x1f, 0x43, 0xb6, 0x75];

// ``record``, a plain object, is the text of the tag ``name``.
export async function webmOf(film, name, record) {
  const file = new Uint8Array(await film.arrayBuffer());
  const at = file.findIndex((_, i) => CLUSTER.every((byte, k) => file[i + k] === byte));
  if (at < 0) return film;                                      // there is no frame in it
  const text = (said) => [...new TextEncoder().encode(said)];
  const simple = element([0x67, 0xc8], [...element([0x45, 0xa3], text(name)), ...element([0x44, 0x87], text(JSON.stringify(record)))]);
  const tags = element([0x12, 0x54, 0xc3, 0x67], element([0x73, 0x73], [...element([0x63, 0xc0], []), ...simple]));
  return new Blob([file.subarray(0, at), new Uint8Array(tags), file.subarray(at)], { type: film.type });
}

// An element of EBML: what it is, its length in 8 bytes (the first says so), its contents.
function element(id, bytes) {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(4, bytes.length);
  length[0] = 1;
  return [...id, ...length, ...bytes];
}
