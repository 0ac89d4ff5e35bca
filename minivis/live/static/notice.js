// A sentence at the top of the page, for some time, until another comes, or until what it is about is over.

import { $ } from "./dom.js";

let timer = null, subject = null;

// ``about``: "source" for what a new source ends.
export function say(text, ms = null, about = null) {
  clearTimeout(timer);
  $("notice").textContent = text;
  $("notice").hidden = false;
  subject = about;
  if (ms) timer = setTimeout(hush, ms);
}

export function hush() {
  clearTimeout(timer);
  $("notice").hidden = true;
}

// What a notice was about is over. One about something else stays.
export function over(about) { if (subject === about) hush(); }
