// The first classes: a bar and a button for each.

import { tag } from "./dom.js";

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
      item.dataset.number = number;
      item.querySelector(".name").textContent = name;
      item.querySelector(".percent").textContent = percent(p);
      item.querySelector(".fill").style.transform = `scaleX(${p})`;
    });
  }

  row() {
    const item = tag("li", {}, tag("button", { onclick: () => this.choose(+item.dataset.number) },
      tag("span", { class: "name" }), tag("span", { class: "percent" }),
      tag("span", { class: "track" }, tag("span", { class: "fill" }))));
    return item;
  }
}
