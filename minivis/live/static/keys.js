// Every key, what it does, and the list of them in the help panel.

import { tag } from "./dom.js";

// ``tools``: {job: {title, key}}, from the server.
export function keys(actions, tools, list, isOn) {
  const rows = [
    ["space f", "Freeze, go on", actions.freeze],
    ["n N", "Next picture, the one before", null],
    ["← → ↑ ↓", "Choose a unit; on its map, a place", null],
    ["home end", "First and last unit; page keys: half a grid", null],
    ["[ ]", "Layer before, layer after", null],
    ["/", "Find a unit by number or class", actions.search],
    ["r", "Next rule of the backward pass", actions.rule],
    ["g G", "Activations brighter, darker", null],
    ["b B", "Backward pass brighter, darker", null],
    ["u", "Scale by unit or by layer", actions.norm],
    ["o", "Overlay: none, picture, patterns", actions.overlay],
    ["x", "Follow the strongest place again", actions.follow],
    ["e", "Explain this number", actions.explain],
    ...Object.entries(tools).map(([job, { title, key }]) => [key, `${title}, of the frozen frame`, () => actions.tool(job)]),
    ["z", "Switch the unit off, on", actions.switchOff],
    ["v", "Activations, or the signal back from the unit", actions.shows],
    ["w", "Mirror the picture", actions.mirror],
    ["a", "Hold the picture that went back, go on", actions.hold],
    ["d", "Side by side with another net or picture", actions.compare],
    ["y", "Record a clip, end it", actions.clip],
    ["p", "Presenter: large type, the whole screen", actions.presenter],
    ["1 … 5", "Camera, picture, film, samples, test pattern", null],
    ["t", "Light or dark", actions.theme],
    ["esc", "Close, clear, unselect the unit", actions.escape],
    ["?", "This list", actions.help],
  ];
  const map = {
    " ": actions.freeze, Escape: actions.escape, "[": () => actions.layer(-1), "]": () => actions.layer(1),
    n: () => actions.next(1), N: () => actions.next(-1),
    g: () => actions.gamma(1), G: () => actions.gamma(-1), b: () => actions.gammaBack(1), B: () => actions.gammaBack(-1),
    ArrowLeft: () => actions.move(-1, 0), ArrowRight: () => actions.move(1, 0),
    ArrowUp: () => actions.move(0, -1), ArrowDown: () => actions.move(0, 1),
    1: () => actions.source("camera"), 2: () => actions.source("picture"), 3: () => actions.source("film"),
    4: () => actions.source("samples"), 5: () => actions.source("pattern"),
  };
  for (const to of ["Home", "End", "PageUp", "PageDown"]) map[to] = () => actions.move(0, 0, to);
  for (const [names, , action] of rows) if (action) for (const name of names.split(" ")) map[name] ??= action;

  list.replaceChildren(...rows.map(([names, what]) => tag("div", {},
    tag("dt", {}, ...names.split(" ").flatMap((name) => (name === "…" ? " … " : [tag("kbd", {}, name), " "]))), tag("dd", {}, what))));

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const on = event.target;
    if (document.querySelector("dialog[open]")) return;                   // a dialog has its own Escape and Tab
    const moves = /^(Arrow|Home|End|Page)/.test(event.key);
    if (on instanceof HTMLSelectElement || (on instanceof HTMLInputElement && (moves || event.key === " " || on.type === "search"))) {
      if (event.key === "Escape") { event.preventDefault(); on.blur(); }        // what was searched for stays
      return;
    }
    if (on instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter")) return;
    const inGrid = on.id === "grid";
    if (moves && !inGrid && (!event.key.startsWith("Arrow") || on.closest("#layers, #inside, #rules, #map, #tools"))) return;
    if (!inGrid && !isOn() && event.key !== "Escape") return;
    const action = map[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
