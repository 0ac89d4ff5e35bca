"""Freeze ten random graphs and what PyTorch makes of them, for tests/engine/test_golden.py. Needs torch.

    python tests/golden/make_graphs.py                  (from the checkout, with minivis installed or on the path)

graph0.npz ... graph9.npz: the net (its description as JSON, its parameters), a picture, seeds, and from PyTorch in
float64 every output, the gradient at the picture by each ReLU rule, and the gradients of the parameters.
"""

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "benchmarks")]

import parity  # noqa: E402

from minivis.engine.layer_table import describe  # noqa: E402
from minivis.layers import LAYER_TYPES, RELU_RULES  # noqa: E402


def freeze(graph, path):
    """Write one graph; return its kinds of layers."""
    arrays = {"x": graph.x, "net": json.dumps(describe(graph.net)), "training": graph.training}
    for name, layer in graph.net.layers.items():
        arrays |= {f"param {name} {key}": p for key, p in layer.params.items()}
    arrays |= {f"seed {name}": seed for name, seed in graph.seeds.items()}
    acts = graph.net.forward(graph.x, training=graph.training)      # decides where values tie but for rounding
    for rule in RELU_RULES:
        outputs, dinput, dparams = parity.torch_pass(graph, acts, rule=rule)
        arrays[f"dinput {rule}"] = dinput
        if rule == "normal":
            arrays |= {f"out {name}": out for name, out in outputs.items() if name != "input"}
            arrays |= {f"d {name} {key}": grad for name, some in dparams.items() for key, grad in some.items()}
    np.savez_compressed(path, **arrays)
    return {type(layer).__name__ for layer in graph.net.layers.values()}


def main():
    wanted = set(LAYER_TYPES) - {"Gradient", "OrientationCells", "BlockNorm"}       # HOG's are in hog.npz
    kept, number = 0, 0
    seen = set()
    while kept < 10:
        graph = parity.random_graph(number, seed=2016)
        number += 1
        kinds = {type(layer).__name__ for layer in graph.net.layers.values()}
        size = sum(a.size for a in graph.net.forward(graph.x, grad=None, training=graph.training).values())
        nothing_new = kept > 4 and seen != wanted and kinds <= seen
        if size > 6000 or len(graph.net.nodes) < 8 or nothing_new:      # small files, all kinds of layers among them
            continue
        seen |= freeze(graph, HERE / f"graph{kept}.npz")
        kept += 1
    assert seen == wanted, wanted - seen
    print(f"{sum(path.stat().st_size for path in HERE.glob('graph*.npz')) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
