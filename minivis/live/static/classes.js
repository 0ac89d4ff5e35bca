// The first classes: a bar and a button for each.

import { retext, tag } from "./dom.js";

export const percent = (p) => `${p > 0.9995 ? ">99.9" : p < 0.0005 ? "<0.1" : (100 * p).toFixed(1)} %`;

export class Classes {
  // ``list``: the element; ``choose(number)``: of the class.
  constructor(list, choose) { Object.assign(this, { list, choose }); }

  draw(top) {
    const { list } = this;
    if (!top.length) { list.textContent = "This net has no classes."; return; }
    if (list.children.length !== top.length) list.replaceChildren(...top.map(() => this.row()));
    top.forEach(([number, name, p], i) => {
      const item = list.children[i];
      const { name: label, percent: share, fill } = item.parts;
      item.number = number;
      retext(label, name);
      retext(share, percent(p));
      const grown = `scaleX(${p.toFixed(3)})`;
      if (grown !== item.grown) fill.style.transform = item.grown = grown;
    });
  }

  row() {
    const [name, percent, fill] = ["name", "percent", "fill"].map((part) => tag("span", { class: part }));
    const item = tag("li", {}, tag("button", { onclick: () => this.choose(item.number) }, name, percent, tag("span", { class: "track" }, fill)));
    item.parts = { name, percent, fill };
    return item;
  }
}
