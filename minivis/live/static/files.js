// Files that are chosen or dropped: what moves, a film or an animation, and what does not, a picture.

import { animationOf } from "./animation.js";

export const videoElement = () => Object.assign(document.createElement("video"), { muted: true, loop: true, playsInline: true });

// What a file holds, by what the browser makes of it and not by its name: {kind, video, still or animation, end}. Throws
// where it makes nothing of it.
export async function opened(file) {
  const [first, second] = file.type.startsWith("video/") ? [film, picture] : [picture, film];
  return first(file).catch(() => second(file));
}

async function picture(file) {
  const animation = await animationOf(file);
  if (animation) return { kind: "film", animation, end: () => animation.close() };
  return { kind: "picture", still: await createImageBitmap(file) };
}

async function film(file) {
  const video = videoElement();
  video.src = URL.createObjectURL(file);
  const end = () => { video.pause(); URL.revokeObjectURL(video.src); video.removeAttribute("src"); };
  try { await video.play(); if (!video.videoWidth) throw new Error("no pictures in it"); } catch (error) { end(); throw error; }
  return { kind: "film", video, end };
}

// That the browser makes nothing of a file, in a sentence.
export function sorry({ name, type }) {
  if (type.startsWith("video/")) return `${name} is not a film that this browser can play.`;
  if (type.startsWith("image/")) return `${name} is not a picture that this browser can read.`;
  return `${name} is neither a picture nor a film that this browser can show.`;
}
