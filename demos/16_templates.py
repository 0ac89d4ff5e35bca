"""A bit of goldfish: a linear classifier of emoji, its templates, and what it takes to change its mind (lecture 9).

    s_k = sum over pixels i of w_ki x_i + b_k         the score of the goldfish rises most along its weights
"""

import sys

import numpy as np
from loading import chance, load_net, own_options, save, sheet_of, signed, upright

SHOWN = ("goose", "tropical fish", "blossom", "evergreen tree", "red apple", "panda", "lion", "hamburger", "bat")


def main(argv=None):
    out = own_options(__doc__, argv, "16_templates.jpg")
    net, pictures = load_net("emoji-linear"), upright()             # {class: uint8 (64, 64, 3)}
    names = list(net.class_names)
    w = net.preprocess_adjoint(net.layers["fc1"].params["w"].T.reshape(-1, 64, 64, 3))     # (125, 64, 64, 3), at pixels

    def probs(picture):
        return net.forward(net.preprocess(picture))["prob"][0]

    figure = {"templates\nsome of the 125": sheet_of([signed(w[names.index(k)]) for k in SHOWN], 3)}
    for start, goal in (("goose", "tropical fish"), ("tropical fish", "blossom")):
        picture, k = pictures[start], names.index(goal)
        template = w[k] - w.mean(axis=0)                            # what speaks for this class and not for all
        for levels in range(1, 256):                                # the largest change of any number
            moved = picture + levels * template / abs(template).max()
            mixed = np.uint8(np.rint(moved.clip(0, 255)))
            if probs(mixed)[k] >= 0.99:
                break
        change = mixed.astype(int) - picture
        figure[f"{names[probs(picture).argmax()]} {chance(probs(picture).max())}\nthe linear classifier"] = picture
        magnified = np.uint8((128 + 3 * change).clip(0, 255))
        figure[f"+ a bit of {goal}, times 3\nmean {abs(change).mean():.1f} of 255"] = magnified
        figure[f"= {names[probs(mixed).argmax()]} {chance(probs(mixed).max())}\nat most {levels} of 255"] = mixed
    save(out, figure)


if __name__ == "__main__":
    sys.exit(main())
