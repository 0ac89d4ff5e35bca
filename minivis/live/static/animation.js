// Animated GIF, WebP, PNG and AVIF files: their frames, one after the other, for as long as each is to be seen.

// The animation of a file, or null: it holds one picture, or the browser cannot take it apart.
export async function animationOf(file) {
  if (!file.type.startsWith("image/") || !("ImageDecoder" in window) || !(await ImageDecoder.isTypeSupported(file.type))) return null;
  const decoder = new ImageDecoder({ data: await file.arrayBuffer(), type: file.type });
  try {
    await decoder.tracks.ready;
    await decoder.completed;
    const { frameCount } = decoder.tracks.selectedTrack;
    if (frameCount > 1) return new Animation(decoder, frameCount, (await decoder.decode({ frameIndex: 0 })).image);
  } catch { /* then it is a picture, or nothing: whoever asked will see */ }
  decoder.close();
  return null;
}

class Animation {
  constructor(decoder, count, first) {
    Object.assign(this, { decoder, count, image: first, index: 0, due: null, paused: false, decoding: false });
  }

  // The frame of now.
  at(now) {
    this.due ??= now + this.duration;
    if (this.paused) this.due = now + this.duration;
    else if (now >= this.due && !this.decoding) this.advance();
    return this.image;
  }

  get duration() { return Math.max(20, (this.image.duration ?? 100_000) / 1000); }

  async advance() {
    this.decoding = true;
    this.index = (this.index + 1) % this.count;
    try {
      const { image } = await this.decoder.decode({ frameIndex: this.index });
      this.image.close();
      this.image = image;
      this.due = null;
    } catch { /* closed meanwhile */ }
    this.decoding = false;
  }

  close() { this.decoder.close(); }
}
