// "Explain this number": the sums of a message of type "explained", laid out.

import { short } from "./paint.js";

function tag(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const sign = (value) => (value > 0 ? "plus" : value < 0 ? "minus" : "");
const number = (value, extra = "") => tag("span", { class: `${sign(value)} ${extra}` }, short(value));

function matrix(rows, winner) {
  return tag("table", { class: "matrix" }, tag("tbody", {}, ...Array.from(rows, (row, y) =>
    tag("tr", {}, ...Array.from(row, (value, x) => tag("td", {
      class: value === null ? "none" : `${sign(value)}${winner && winner[0] === y && winner[1] === x ? " won" : ""}`,
    }, value === null ? "–" : short(value)))))));
}

export function explained(message, go) {
  const link = (label) => (/:/.test(label) ? tag("button", { class: "link", onclick: () => go(label) }, label) : label);
  const line = (label, value, extra = "") => tag("div", { class: `line ${extra}` }, tag("span", {}, label), number(value));

  function part(unit, forward) {
    const groups = (forward.groups ?? []).map((group) => tag("div", { class: "product" },
      tag("span", { class: "label small" }, link(group.label)),
      tag("div", { class: "matrices" }, matrix(group.x, group.winner), ...(group.w ? ["·", matrix(group.w)] : []),
        ...(group.w && group.x.length * group.x[0].length > 1 ? ["=", matrix(group.product)] : [])),
      group.sum !== undefined ? tag("span", { class: "sum" }, group.x.length > 1 ? "Σ " : "= ", number(group.sum)) : null));
    return tag("div", { class: "part" },
      tag("h3", {}, `${unit}: ${forward.kind}`),
      tag("p", { class: "formula" }, forward.formula),
      forward.reads ? tag("p", { class: "soft small" }, `x: ${forward.reads}; the largest first, each as inputs · weights = products`) : null,
      ...groups,
      forward.more?.count ? line(`${forward.more.count} more ${forward.groups[0]?.x.length > 1 ? "channels" : "inputs"}`, forward.more.sum) : null,
      forward.bias !== undefined ? line("bias b", forward.bias) : null,
      ...(forward.steps ?? []).map(([label, value]) => line(label.includes(" = ") ? label : link(label), value)),
      forward.total !== undefined ? line(unit, forward.total, "total") : null,
      forward.of ? part(forward.of.unit, forward.of) : null);
  }

  const { backward } = message;
  const rule = ({ title, terms, more, total }) => tag("div", {},
    tag("h3", {}, title),
    ...terms.map((term) => tag("div", { class: "line" },
      tag("span", {}, term.w === null ? term.label : link(term.label)), number(term.product),
      tag("span", { class: "why" }, term.w === null ? "" : `${short(term.d)} · ${short(term.w)}${term.why ? `   ${term.why}` : ""}`))),
    more.count ? line(`${more.count} more`, more.sum) : null,
    line("together", total, "total"));

  return [
    tag("div", {}, tag("h3", {}, "Forward: how it is computed"), part(message.unit, message.forward),
      ...message.then.map((relu) => line(`after ${relu.layer}`, relu.value, "total"))),
    tag("div", {}, tag("h3", {}, `Backward: the gradient of the score of ${backward.target ?? "a class"}`),
      backward.why ? tag("p", { class: "soft" }, `${backward.why}.`) : tag("p", { class: "formula" },
        "d here = Σ over its readers of (d there · the weight by which it reads)"),
      backward.rules ? tag("div", { class: "rules" }, ...Object.values(backward.rules).map(rule)) : null),
  ];
}
