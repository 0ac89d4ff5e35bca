// What is laid over the maps of a layer: patterns, the strongest patch of each unit, which a job of the server looks for.

import { $ } from "./dom.js";
import { className, layerOf } from "./names.js";
import { page, state } from "./page.js";

// The patterns to lay over the maps of the layer, where that is wished and they have not come yet.
export function askPatterns() {
  const { grid, connection } = page;
  if ($("overlay").value !== "pattern" || !grid || grid.patterns[state.layer] || !layerOf(state.layer) || className(state.layer, 0) !== null) return;
  grid.sought = 0;
  connection.send({ type: "job", job: "patterns", unit: `${state.layer}:0` });
}
