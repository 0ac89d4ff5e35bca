// "Explain this number": the sums of a message of type "explained", laid out; each number in them leads on.

import { $, announce, breakable, tag } from "./dom.js";
import { short } from "./paint.js";

const sign = (value) => (value > 0 ? "plus" : value < 0 ? "minus" : "");
const named = (label) => (typeof label === "string" ? breakable(label) : label);
const number = (value, extra = "") => tag("span", { class: `${sign(value)} ${extra}` }, short(value));
const line = (label, value, extra = "") => tag("div", { class: `line ${extra}` }, tag("span", {}, named(label)), number(value));

export class Arithmetic {
  // ``ask(unit, target)`` sends for an explanation and says whether it could; ``choose(unit)``: show it in the page;
  // ``name(number)``: of a class; ``isUnit(text)``: whether there is an explanation of it.
  constructor({ ask, choose, name, isUnit }) {
    Object.assign(this, { ask, choose, name, isUnit });
    this.trail = [];                    // the units that led here, the one that is shown last
    this.wanted = null;                 // the trail that the next answer belongs to
    this.target = null;                 // the class whose score the gradient is of: null for the server to choose
    $("close-arithmetic").addEventListener("click", () => this.close());
    $("arithmetic-back").addEventListener("click", () => this.go(this.trail.slice(0, -1)));
    $("arithmetic-choose").addEventListener("click", () => this.choose(this.trail.at(-1)));
    $("arithmetic-target").addEventListener("change", () => { this.target = $("arithmetic-target").value; this.go(this.trail); });
  }

  get isOpen() { return this.wanted !== null || !$("arithmetic").hidden; }

  open(unit) { this.target = null; this.go([unit]); }

  go(trail) {
    if (!this.ask(trail.at(-1), this.target)) return;
    this.wanted = trail;
    this.work(true);
  }

  // Whether an answer is waited for: of a large net it takes seconds.
  work(on) {
    $("sums").setAttribute("aria-busy", on);
    $("explain").textContent = on ? "Working it out …" : "Explain this number";
    if (on) announce("Working it out.");
    else this.wanted = null;
  }

  show(message, top) {
    if (!this.wanted) return;           // closed meanwhile
    this.trail = [...this.wanted.slice(0, -1), message.unit];
    this.work(false);
    $("arithmetic").hidden = false;
    $("arithmetic-title").textContent = `${message.unit} = ${short(message.value)}`;
    $("arithmetic-back").hidden = this.trail.length < 2;
    $("arithmetic-choose").hidden = message.layer === "input";
    if (this.trail.length > 1) $("arithmetic-back").textContent = `← Back to ${this.trail.at(-2)}`;
    this.path();
    this.targets(message.backward, top);
    $("sums").replaceChildren(...laidOut(message, this.isUnit, (unit) => this.go([...this.trail, unit])));
    $("arithmetic").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    $("arithmetic").focus({ preventScroll: true });
  }

  // The way here, each step a link back to it.
  path() {
    $("arithmetic-path").hidden = this.trail.length < 3;
    $("arithmetic-path").replaceChildren(...this.trail.map((unit, i) => tag("li", {}, i === this.trail.length - 1 ? unit
      : tag("button", { class: "link", onclick: () => this.go(this.trail.slice(0, i + 1)) }, unit))));
  }

  // The classes whose score the gradient may be of: the first ones of the picture, and the one that it is of.
  targets(backward, top) {
    $("arithmetic-target").parentElement.hidden = !backward.target_unit;
    if (!backward.target_unit) return;
    const [layer, own] = backward.target_unit.split(":").map((part, i) => (i ? +part : part));
    this.target = backward.target_unit;
    const shown = [...new Set([own, ...top.map(([k]) => k)])];
    $("arithmetic-target").replaceChildren(...shown.map((k) => tag("option", { value: `${layer}:${k}` }, this.name(k))));
    $("arithmetic-target").value = backward.target_unit;
  }

  failed(text) {
    this.work(false);
    return text;
  }

  close() {
    this.work(false);
    $("arithmetic").hidden = true;
    $("explain").focus();
  }
}

function matrix(rows, winner) {
  return tag("table", { class: "matrix" }, tag("tbody", {}, ...Array.from(rows, (row, y) =>
    tag("tr", {}, ...Array.from(row, (value, x) => tag("td", {
      class: value === null ? "none" : `${sign(value)}${winner && winner[0] === y && winner[1] === x ? " won" : ""}`,
    }, value === null ? "–" : short(value)))))));
}

function laidOut(message, isUnit, go) {
  const link = (label, unit = label) => (isUnit(unit)
    ? tag("button", { class: "link", onclick: () => go(unit) }, breakable(label)) : named(label));

  function part(unit, forward) {
    const groups = (forward.groups ?? []).map((group) => tag("div", { class: "product" },
      tag("span", { class: "label small" }, link(group.label, group.unit)),
      tag("div", { class: "matrices" }, matrix(group.x, group.winner), ...(group.w ? ["·", matrix(group.w)] : []),
        ...(group.w && group.x.length * group.x[0].length > 1 ? ["=", matrix(group.product)] : [])),
      group.sum !== undefined ? tag("span", { class: "sum" }, group.x.length > 1 ? "Σ " : "= ", number(group.sum)) : null));
    const order = groups.length > 1 ? "the largest first, each" : "shown";
    return tag("div", { class: "part" },
      tag("h3", {}, breakable(`${unit}: ${forward.kind}`)),
      tag("p", { class: "formula" }, forward.formula),
      forward.reads ? tag("p", { class: "soft small" }, `x: ${forward.reads}; ${order} as inputs · weights = products`) : null,
      ...groups,
      forward.more?.count ? line(`${forward.more.count} more ${forward.groups[0]?.x.length > 1 ? "channels" : "inputs"}`, forward.more.sum) : null,
      forward.bias !== undefined ? line("bias b", forward.bias) : null,
      ...(forward.steps ?? []).map(([label, value]) => line(tag("span", {}, ...label.split(/(?<= = )/).map((part) => link(part))), value)),
      forward.total !== undefined ? line(unit, forward.total, "total") : null,
      forward.of ? part(forward.of.unit, forward.of) : null);
  }

  const { backward } = message;
  const rule = ({ title, terms, more, total }) => tag("div", {},
    tag("h3", {}, title),
    ...terms.map((term) => tag("div", { class: "line" },
      tag("span", {}, term.w === null ? named(term.label) : link(term.label)), number(term.product),
      tag("span", { class: "why" }, term.w === null ? "" : `${short(term.d)} · ${short(term.w)}${term.why ? `   ${term.why}` : ""}`))),
    more.count ? line(`${more.count} more`, more.sum) : null,
    line("together", total, "total"));

  return [
    tag("div", {}, tag("h3", {}, "Forward: how it is computed"), part(message.unit, message.forward),
      ...message.then.map((relu) => line(tag("span", {}, "after ", link(relu.layer, relu.unit)), relu.value, "total"))),
    tag("div", {}, tag("h3", {}, `Backward: the gradient of the score of ${backward.target ?? "a class"}`),
      backward.why ? tag("p", { class: "soft" }, `${backward.why}.`) : tag("p", { class: "formula" },
        "d here = Σ over its readers of (d there · the weight by which it reads)"),
      backward.rules ? tag("div", { class: "rules" }, ...Object.values(backward.rules).map(rule)) : null),
  ];
}
