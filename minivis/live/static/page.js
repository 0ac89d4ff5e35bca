// What the page looks at, and its parts, for all modules that need them.

// unit: {layer, channel}; place: [row, column] in its map, or null for the strongest; show: what of the layer; off: units
// that are switched off; chosen: whether a person chose the unit
export const state = { layer: null, unit: null, place: null, rule: "normal", show: "activations", off: [], frozen: false, chosen: false };

// hello: the server's first message about the net; last: the frame that is shown; begins: the number of the source's first
// picture. The parts: those that need no net are made in main.js, the others in parts.js, once the server has greeted.
export const page = {
  hello: null, last: null, begins: Infinity,
  connection: null, classes: null, layerBar: null, arithmetic: null, enlarged: null, field: null, looks: null, tour: null,
  clip: null, beside: null,
  grid: null, panel: null, tools: null, sources: null, stream: null,
};
