// How the page looks: light or dark, large for a room, and the switches that keys turn.

import { $, announce } from "./dom.js";

export function theme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
}

// Large type, and the whole width.
export function presenter() {
  const on = document.documentElement.toggleAttribute("data-presenter");
  $("presenter").setAttribute("aria-pressed", on);
}

export function slide(id, step) {
  $(id).value = +$(id).value + step;
  $(id).dispatchEvent(new Event("input"));
}

// The next choice of a list, which is said: nobody has to look at it.
export function cycle(id) {
  $(id).selectedIndex = ($(id).selectedIndex + 1) % $(id).options.length;
  $(id).dispatchEvent(new Event("input"));
  announce($(id).selectedOptions[0].textContent);
}
