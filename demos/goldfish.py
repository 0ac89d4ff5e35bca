"""A bit of goldfish in the last layer of three nets, whose answer is linear in the code (Karpathy 2015; lecture 9).

    python demos/goldfish.py                needs: pip install "minivis[imagenet]"

    s = W code + b      the code moves by a bit of what W has for the goldfish and does not have for every class

emoji-linear's code is the picture, emoji-vgg's is fc7, and SqueezeNet's is fire9's, at each place. On the right the
picture moves instead: deeper nets need no more than the linear one.
"""

import sys

import numpy as np
from loading import CHECKOUT, chance, mv, own_options, percent, save, upright

NETS = {"emoji-linear": ("flatten", "fc1", "tropical fish"), "emoji-vgg": ("relu7", "fc8", "tropical fish"),
        "squeezenet": ("fire9/concat", "conv10", "goldfish")}
SURE = 0.99


def main(argv=None):
    out = own_options(__doc__, argv, CHECKOUT / "demos" / "goldfish.jpg")
    goose, figure = mv.read_image(CHECKOUT / "minivis" / "data" / "goose.png"), []
    for name, (code, last, goal) in NETS.items():
        net = mv.load(name)
        picture = upright()["goose"] if name == "emoji-linear" else net.fit(goose).image
        k, logits = net.class_names.index(goal), net.role("logits")
        before = net.forward(net.preprocess(picture), keep=[code, "prob"], grad=None)
        w = net.layers[last].params["w"].reshape(before[code].shape[-1], -1)    # (d, classes)
        bit = np.broadcast_to(w[:, k] - w.mean(axis=1), before[code].shape)
        bit = bit * (np.linalg.norm(before[code]) / np.linalg.norm(bit))        # as long as the code
        for share in np.arange(0, 10, 0.01, net.dtype):
            p = net.forward(before[code] + share * bit, start_after=code, grad=None)["prob"][0]
            if p[k] >= SURE:
                break

        moved = picture[None].astype(np.float32)
        for _ in range(256):                                        # by a level at each step
            acts = net.forward(net.preprocess(moved))
            if acts["prob"][0, k] >= SURE:
                break
            seed = -acts["prob"]                                    # d log p(goal) / d scores = [k = goal] - p
            seed[0, k] += 1
            dacts, _ = net.backward(acts, {logits: seed})
            moved = (moved + np.sign(net.preprocess_adjoint(dacts["input"]))).clip(0, 255)
        change, before = moved[0] - picture, before["prob"][0]
        figure += [
            (f"{name}: {net.class_names[before.argmax()]} {chance(before.max())}\n"
             f"{percent(share)} of goldfish in the code: {chance(p.max())}", picture),
            (f"or + this, times {90 / max(1, abs(change).max()):.0f}\n"
             f"at most {abs(change).max():.0f} of 255, mean {abs(change).mean():.1f}",
             np.uint8((128 + 90 / max(1, abs(change).max()) * change).clip(0, 255))),
            (f"= {net.class_names[acts['prob'][0].argmax()]} {chance(acts['prob'].max())}", moved[0].astype(np.uint8)),
        ]
    save(out, figure, height=224, columns=3)
    print("\n".join(title.replace("\n", "; ") for title, _ in figure))


if __name__ == "__main__":
    sys.exit(main())
