// A sentence at the top of the page, for some time or until another comes.

import { $ } from "./dom.js";

export function say(text, ms) {
  $("notice").textContent = text;
  $("notice").hidden = false;
  if (ms) setTimeout(() => { if ($("notice").textContent === text) $("notice").hidden = true; }, ms);
}
