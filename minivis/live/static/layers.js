// The bar of layers: one stop of the Tab key; the arrow keys walk along it.

import { $, roving, stopAt, tag } from "./dom.js";

const KINDS = { Conv2D: "conv", ReLU: "relu", MaxPool2D: "pool", AvgPool2D: "pool", GlobalAvgPool: "pool", FullyConnected: "fc", Softmax: "fc" };

export class LayerBar {
  constructor(choose) {
    this.choose = choose;
    roving($("layers"), (button) => choose(button.dataset.layer));
  }

  build(layers) {
    $("layers").replaceChildren(...layers.map(({ name, type, shape }) => tag("button", {
      class: KINDS[type] ?? "", "data-layer": name, onclick: () => this.choose(name),
    }, name, tag("span", {}, shape.length === 3 ? `${shape[2]} × ${shape[1]}²` : shape[0]))));
  }

  mark(layer) {
    for (const button of $("layers").children) {
      const here = button.dataset.layer === layer;
      button.setAttribute("aria-current", here);
      if (here) $("layers").scrollTo({ left: button.offsetLeft - $("layers").clientWidth / 2 + button.clientWidth / 2 });
    }
    stopAt($("layers"), (button) => button.dataset.layer === layer);
  }
}
