// Layers and units by their names: "relu4_1:3@2,5" is row 2, column 5 of channel 3 in layer relu4_1.

import { page, state } from "./page.js";

export const layerOf = (layer) => page.hello.layers.find(({ name }) => name === layer);

export const className = (layer, channel) => (page.hello.answers.includes(layer) ? page.hello.net.classes[channel] : null) ?? null;

// What a unit is called on the page.
export const unitLabel = ({ layer, channel }) => className(layer, channel) ?? `${layer}:${channel}`;

export const isShown = (unit) => Boolean(unit && state.unit && unit.layer === state.unit.layer && unit.channel === state.unit.channel);

// Which tile of a layer's grid is a unit's, the chosen one's if not said: a class has one in each layer of answers. Or null.
export function channelIn(layer, unit = state.unit, { answers } = page.hello) {
  return unit && (unit.layer === layer || (answers.includes(unit.layer) && answers.includes(layer))) ? unit.channel : null;
}

export const isCurrent = (text) => isShown(parsed(text));

// The chosen unit, without a place.
export const wholeUnit = () => `${state.unit.layer}:${state.unit.channel}`;

// The chosen unit at its place: "@max" is where it is strongest.
export function unitName() {
  const hasPlaces = layerOf(state.unit.layer).shape.length === 3;
  return `${wholeUnit()}${hasPlaces ? `@${state.place ? state.place.join(",") : "max"}` : ""}`;
}

// The unit at the place where it is strongest now: what is asked of a frozen frame must not wander.
export function fixedUnit() {
  const place = isShown(page.last?.unit) ? page.last.unit.position : null;
  return place ? `${wholeUnit()}@${place.join(",")}` : unitName();
}

// {layer, channel, place} of a unit string, or null where the net has no such unit; a place that its map has not is left out.
export function parsed(text) {
  const [layer, rest] = text.split(/:(.*)/s), { shape } = layerOf(layer) ?? {};
  if (!rest || !shape) return null;
  const [name, where] = rest.split(/@(\d+,\d+|max)$/);
  const channel = /^\d+$/.test(name) ? +name : page.hello.net.classes.indexOf(name);
  const place = where && where !== "max" ? where.split(",").map(Number) : null, isThere = place?.every((at, k) => at < shape[k]);
  return channel < 0 || channel >= shape.at(-1) ? null : { layer, channel, place: isThere && shape.length === 3 ? place : null };
}

// What the units that are switched off are called.
export const offLabels = () => state.off.map((text) => unitLabel(parsed(text))).join(", ");
