"""The guided tour: six steps through the claims of the lecture, each done on the page before one's eyes.

A step is a title, a text, and what the page does: choose a sample picture, a layer, a unit and a rule, begin a tool,
change the net, bring a part of it into view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minivis.engine.network import Network
ROBUST = "emoji-vgg-robust"


def tour(net: Network, nets: Any) -> list[dict[str, Any]]:
    """[{"title", "text", "does"}, ...] for a net; empty for one that does not know the goose and the owl."""
    names = list(net.class_names)
    logits = net.roles.get("logits")
    if not {"goose", "owl"} <= set(names) or not logits:
        return []
    goose, owl = (f"{logits}:{names.index(name)}" for name in ("goose", "owl"))
    deep = [name for name, layer in net.layers.items() if type(layer).__name__ == "ReLU"
            and len(net.shapes()[name]) == 4][-1]
    steps = [
        ("Hide a part, and see what the net misses",
         "A grey square moves over the goose. Where the score falls, the net needed what was hidden: red marks these "
         "places. A net that looked at the background would be red there.",
         {"sample": 0, "unit": goose, "tool": "occlusion"}),
        ("Three ways back to the pixels",
         "The gradient says which pixels move the score. It is noisy. Deconvnet and guided backpropagation stop the "
         "signal at ReLUs in other ways, and draw a clearer picture; but a clear picture is not a better explanation. "
         "Try the buttons gradient, deconvnet and guided backprop.",
         {"sample": 0, "unit": goose, "rule": "guided", "see": "rules"}),
        ("What does one unit look for?",
         "A unit deep in the net is on for some pictures only. The nine parts of the sample pictures that excite it "
         "most often show one thing: its patches, and what deconvnet and guided backpropagation draw of them.",
         {"sample": 0, "layer": deep, "unit": f"{deep}:0", "see": "least"}),
        ("A picture made for a class",
         "Gradient ascent changes the pixels until the net sees a goose and nothing else. What comes out shows what "
         "the net knows of geese: watch it grow under Maximised.",
         {"sample": 0, "unit": goose, "see": "maximized"}),
        ("Fool the net",
         "The same ascent towards the owl, starting from the goose. After a few steps the net is sure of an owl. You "
         "still see a goose: the change is small, and it is not what makes an owl for us.",
         {"sample": 0, "unit": owl, "tool": "grow"}),
    ]
    if ROBUST in nets:
        steps.append(
            ("A net that is harder to fool",
             "This net was trained with pictures that were made to fool it. Its gradient, under Back to pixels, has "
             "shapes where the other net's has noise; and to turn the goose into an owl one has to draw an owl.",
             {"net": ROBUST, "sample": 0, "unit": owl, "rule": "normal", "tool": "grow"}))
    return [{"title": title, "text": text, "does": does} for title, text, does in steps]
