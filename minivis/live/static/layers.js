// The strip of stages: a small picture of each, as wide as it has channels; below it the layers of the one that is shown.

import { $, roving, stopAt, tag } from "./dom.js";
import { paintMap, table } from "./paint.js";

export class LayerBar {
  constructor(choose) {
    this.choose = choose;
    for (const id of ["layers", "inside"]) roving($(id), (button) => choose(button.dataset.layer));
    new ResizeObserver(() => this.reveal()).observe($("layers"));
  }

  build(stages, colormaps) {
    this.stages = stages;
    this.colors = table(colormaps.inferno, 2, false);
    const most = Math.max(...stages.map(({ shape }) => shape.at(-1)));
    $("layers").replaceChildren(...stages.map(({ name, label: [block, part], shows, shape, kind }) => {
      const button = tag("button", { class: kind, title: name, "data-layer": shows, "data-stage": name, onclick: () => this.choose(shows) },
        block ? tag("span", {}, block) : null, tag("canvas", { width: 24, height: 24, "aria-hidden": "true" }), tag("b", {}, part),
        tag("span", {}, shape.length === 3 ? `${shape[2]} × ${shape[1]}²` : shape[0]));
      button.style.width = `${(3.6 + 2.9 * Math.sqrt(Math.min(1, shape.at(-1) / Math.min(most, 512)))).toFixed(2)}rem`;
      return button;
    }));
  }

  mark(layer) {
    const stage = this.stages.find(({ layers }) => layers.includes(layer));
    for (const button of $("layers").children) {
      const here = button.dataset.stage === stage?.name;
      button.setAttribute("aria-current", here);
    }
    this.reveal();
    stopAt($("layers"), (button) => button.getAttribute("aria-current") === "true");
    const inside = stage?.layers ?? [];
    $("inside").hidden = inside.length < 2;
    $("inside").replaceChildren(...inside.map((name) => tag("button", {
      "data-layer": name, "aria-pressed": name === layer, onclick: () => this.choose(name),
    }, name)));
    stopAt($("inside"), (button) => button.dataset.layer === layer);
  }

  // The stage that is shown, in the middle of the strip: as far as there is room on either side.
  reveal() {
    const bar = $("layers"), button = bar.querySelector("[aria-current=true]");
    if (button) bar.scrollTo({ left: button.offsetLeft - bar.clientWidth / 2 + button.clientWidth / 2 });
  }

  // The small pictures of a frame: (stages, h, w).
  draw({ data, shape: [, h, w] }) {
    [...$("layers").children].forEach((button, k) => {
      paintMap(button.querySelector("canvas"), { data: data.subarray(k * h * w, (k + 1) * h * w), shape: [h, w] }, this.colors);
    });
  }
}
