"""What the gallery shows, as plain data: one section per method, in the lecture's order.

The lecture ends with the five things that gradients at the image are good for, and the sections stand in these parts.

A method joins with one entry of SECTIONS. Its words are a command line; `run.choices` fills in their {names} for the
net and the picture.
"""

from dataclasses import dataclass

PARTS = {                                       # name: a sentence. The first five words sum the lecture up
    "Understanding": "What does the net compute, and on which pixels does its answer depend?",
    "Segmenting": "Where does the object end? The net was never told.",
    "Inverting": "What can be seen again from the numbers of a layer?",
    "Fun": "The same gradients change the picture.",
    "Confusion": "How little it takes to mislead a net.",
}


@dataclass(frozen=True)
class Section:
    """One picture of the page. ``sentence`` and ``formula`` are HTML."""

    key: str                                    # the anchor, and a part of file names
    title: str
    sentence: str
    formula: str
    words: tuple[str, ...]
    of_picture: bool = True                     # False: it starts from something else
    slow: bool = False                          # only for nets whose pictures are small
    many: bool = False                          # it needs a folder: --pictures
    part: str = "Understanding"                 # one of PARTS
    tests: str = ""                             # the section before it whose maps, made by the same settings, it tests


SECTIONS = (
    Section(
        "classify", "What the net says",
        "The last layer gives every class a score, and the softmax turns scores into probabilities. Every picture "
        "below shows where in the image, and through which weights, this answer arises.",
        "<i>p<sub>k</sub></i> = exp <i>s<sub>k</sub></i> / Σ<i><sub>j</sub></i> exp <i>s<sub>j</sub></i>",
        ("classify",),
    ),
    Section(
        "filters", "Weights of the first layer",
        "The first layer reads colours, so each of its filters is a small picture of what it looks for. Squares of "
        "3 × 3 pixels have little room; larger ones, such as AlexNet’s of 11 × 11, show edges, stripes and blobs of "
        "colour.",
        "<i>a<sub>ijf</sub></i> = <i>b<sub>f</sub></i> + Σ<i><sub>uvc</sub></i> "
        "<i>x</i><sub><i>i</i>+<i>u</i>, <i>j</i>+<i>v</i>, <i>c</i></sub> · <i>w<sub>uvcf</sub></i>",
        ("filters",),
    ),
    Section(
        "compare-filters", "What else finds edges",
        "Four other methods learn from whitened patches of photographs. Independent components, cluster centres and "
        "sparse codes become edges at one place, near to the Gabor filters beside them; principal components are waves "
        "over the whole square.",
        "min Σ‖<i>x</i> − <i>Dz</i>‖² + <i>λ</i>|<i>z</i>|<sub>1</sub> &nbsp;|&nbsp; "
        "max independence of <i>Wx</i> &nbsp;|&nbsp; min Σ‖<i>x</i> − nearest centre‖²",
        ("filters", "--compare"),
    ),
    Section(
        "deep-filters", "Weights of a deeper layer",
        "From the second layer on, filters read feature maps and not colours: each row is a filter, and each square "
        "shows its weights on one input channel. These pictures are exact but hard to read, which motivates the "
        "methods below.",
        "<i>w<sub>uvcf</sub></i>, blue below zero, red above",
        ("filters", "--layer", "{second}"),
    ),
    Section(
        "early-activations", "Activations of an early layer",
        "Each channel gives one small picture, which is bright where its filter finds its pattern. Early maps still "
        "look like the image.",
        "<i>a</i> = max(0, <i>x</i> ∗ <i>w</i> + <i>b</i>)",
        ("activations", "--layer", "{early}"),
    ),
    Section(
        "activations", "Activations of a deep layer",
        "Deep layers have many coarse maps: each shows where a part or a pattern lies, and hardly any looks like the "
        "image. Here are the strongest.",
        "<i>a</i><sup>(<i>l</i>)</sup> = max(0, <i>a</i><sup>(<i>l</i>−1)</sup> ∗ <i>w</i> + <i>b</i>)",
        ("activations", "--layer", "{content}"),
    ),
    Section(
        "occlude", "Occlusion",
        "Slide a grey square over the image and watch the probability of the class: it falls where the map is red and "
        "rises where it is blue. This needs many forward passes, but no gradient.",
        "drop<i><sub>ij</sub></i> = mean over windows <i>W</i> ∋ (<i>i</i>, <i>j</i>) of "
        "<i>p</i>(<i>x</i>) − <i>p</i>(<i>x</i> with <i>W</i> covered)",
        ("occlude",),
    ),
    Section(
        "backprop", "Three backward passes",
        "The same backward pass from the score to the pixels, with three rules at each ReLU. The chain rule gives the "
        "true gradient; the deconvnet passes only positive gradients; guided backpropagation applies both rules.",
        "d<i>x</i> = d<i>y</i>·[<i>x</i> &gt; 0] &nbsp;|&nbsp; d<i>y</i>·[d<i>y</i> &gt; 0] &nbsp;|&nbsp; "
        "d<i>y</i>·[<i>x</i> &gt; 0]·[d<i>y</i> &gt; 0]",
        ("backprop",),
    ),
    Section(
        "neuron", "Three backward passes from one neuron",
        "A backward pass can start from any neuron, not only from a class. Here it starts from the strongest neuron "
        "of a deep layer, and shows the patch of the image that this neuron saw.",
        "∂<i>a<sub>ijc</sub></i> / ∂<i>x</i> &nbsp;at the neuron’s strongest position",
        ("backprop", "--unit", "{neuron}"),
    ),
    Section(
        "patches", "What else excites that neuron",
        "The places in many pictures where the same channel is most active; beside each, the deconvnet and guided "
        "backpropagation show which pixels excite it. A name for a unit should fit all of its patches.",
        "argmax<i><sub>n, i, j</sub></i> <i>a<sub>ijc</sub></i>(<i>x<sub>n</sub></i>)",
        ("patches", "{pictures}", "--layer", "{content}", "--unit", "{channel}"), of_picture=False, many=True,
    ),
    Section(
        "patches-by-layer", "What units of every layer look for",
        "The same for evenly spaced units of every layer, as in Zeiler and Fergus’ figure. From layer to layer a unit "
        "sees more of the picture, and what its nine patches share turns from a colour into an eye, then into a cat.",
        "argmax<i><sub>n, i, j</sub></i> <i>a</i><sup>(<i>l</i>)</sup><i><sub>ijc</sub></i>(<i>x<sub>n</sub></i>), "
        "&nbsp;<i>l</i> = 1, 2, 3, …",
        ("patches", "{families}", "--all-layers", "--beside", "deconv"), of_picture=False, many=True,
    ),
    Section(
        "neighbours", "The nearest codes",
        "A layer near the end describes each picture by some hundreds of numbers, its code. These are the pictures "
        "with the nearest codes, and below them those with the nearest pixels: codes find the same thing on other "
        "backgrounds, pixels a background of the same colour.",
        "1 − <i>φ</i>(<i>x</i>)·<i>φ</i>(<i>x<sub>n</sub></i>) / |<i>φ</i>(<i>x</i>)| |<i>φ</i>(<i>x<sub>n</sub></i>)|",
        ("neighbours", "{families}", "--pixels", "--top", "6"), many=True,
    ),
    Section(
        "tsne", "A map of similar pictures",
        "Each picture becomes a code, the activations of the layer before the classes. t-SNE places pictures with "
        "similar codes side by side, and a linear assignment moves them onto a grid. The groups of animals, fruit and "
        "vehicles come from the codes alone.",
        "min KL(<i>P</i>‖<i>Q</i>), &nbsp;<i>q<sub>ij</sub></i> ∝ 1 / (1 + |<i>y<sub>i</sub></i> − "
        "<i>y<sub>j</sub></i>|²)",
        ("tsne", "{pictures}"), of_picture=False, many=True,
    ),
    Section(
        "receptive-field", "What a unit looks at",
        "A unit could use all of its receptive field, but mostly uses the middle of it: this is the squared gradient "
        "of each layer’s central unit, averaged over pictures.",
        "<i>E<sub>ij</sub></i> = mean Σ<i><sub>k</sub></i> "
        "(∂<i>a</i><sub>centre,<i>k</i></sub> / ∂<i>x<sub>ij</sub></i>)²",
        ("receptive-field", "--pictures", "8"),
        slow=True,
    ),
    Section(
        "saliency", "Saliency",
        "How much does the score change if this pixel changes a little? One backward pass answers this; each pixel "
        "shows the largest size of its three colours.",
        "<i>M<sub>ij</sub></i> = max<i><sub>c</sub></i> |∂<i>s</i> / ∂<i>x<sub>ijc</sub></i>|",
        ("saliency",),
    ),
    Section(
        "smoothgrad", "Saliency, averaged over noise",
        "A gradient holds at one point only and varies strongly between neighbouring points. The mean over noisy "
        "copies of the image keeps what they have in common (SmoothGrad).",
        "<i>M</i> = max<i><sub>c</sub></i> |mean<i><sub>n</sub></i> ∂<i>s</i>/∂<i>x</i> "
        "(<i>x</i> + <i>ε<sub>n</sub></i>)|, &nbsp;<i>ε<sub>n</sub></i> ~ N(0, <i>σ</i>²)",
        ("saliency", "--map", "smoothgrad"),
    ),
    Section(
        "kinds", "Many answers to one question",
        "Later papers refined the method. Grad-CAM weights the last feature maps instead of the pixels; integrated "
        "gradients distribute the score over the pixels, so that all parts add up to the score.",
        "<i>M<sub>ij</sub></i> = Σ<i><sub>c</sub></i> (<i>x</i> − <i>x</i>′) ∫ ∂<i>s</i>/∂<i>x</i> "
        "(<i>x</i>′ + <i>α</i>(<i>x</i> − <i>x</i>′)) d<i>α</i> &nbsp;|&nbsp; "
        "max(0, Σ<i><sub>k</sub></i> mean(∂<i>s</i>/∂<i>A<sub>k</sub></i>) <i>A<sub>k</sub></i>)",
        ("saliency", "--map", "all"),
    ),
    Section(
        "curve", "Do the maps point at what the net needs?",
        "Cover the pixels in the order of each map, or place them on a blurred picture in the same order. The faster "
        "the probability of the class falls or rises, the better the map; a good map beats random order.",
        "deletion, insertion = ∫ <i>p</i>(<i>x</i> with the strongest part <i>q</i> of the pixels "
        "covered, shown) d<i>q</i>",
        ("saliency", "--curve", "--steps", "24"),
        slow=True, tests="kinds",
    ),
    Section(
        "sanity", "Do the maps depend on the weights?",
        "Shuffle the weights of one layer after another, from the top. A map that shows what the net has learned must "
        "change completely; a map that stays the same only shows edges of the picture, however convincing it looks.",
        "likeness = rank correlation of |<i>M</i>| and |<i>M</i> with weights shuffled|",
        ("saliency", "--sanity"), tests="kinds",
    ),
    Section(
        "maximize", "What the class likes best",
        "Reverse the question: which picture would have the largest score? Gradient ascent changes the image through "
        "its Fourier spectrum and under small random moves, so that shapes appear instead of noise.",
        "<i>x</i><sup>*</sup> = argmax<i><sub>x</sub></i> <i>s</i>(<i>x</i>) − <i>λ</i> TV(<i>x</i>)",
        ("maximize", "--unit", "{answer}", "--steps", "64"),
        of_picture=False, slow=True,
    ),
    Section(
        "segment", "Segmentation without training on outlines",
        "The object lies where guided backpropagation and Grad-CAM are strong, and the background where both are "
        "weak. From these hints GrabCut learns the colours of both, and cuts where neighbouring pixels differ.",
        "min<sub><i>α</i></sub> Σ<i><sub>i</sub></i> −log <i>p</i>(<i>x<sub>i</sub></i> | <i>α<sub>i</sub></i>) + "
        "<i>γ</i> Σ<i><sub>ij</sub></i> [<i>α<sub>i</sub></i> ≠ <i>α<sub>j</sub></i>] "
        "exp(−<i>β</i>‖<i>x<sub>i</sub></i> − <i>x<sub>j</sub></i>‖²)",
        ("segment",), part="Segmenting",
    ),
    Section(
        "invert", "What a layer still knows",
        "This image has the same activations in one layer as the picture. The layer has discarded everything in which "
        "the two differ.",
        "<i>x</i><sup>*</sup> = argmin<i><sub>x</sub></i> |Φ(<i>x</i>) − Φ(<i>x</i><sub>0</sub>)|² / "
        "|Φ(<i>x</i><sub>0</sub>)|² + <i>R</i>(<i>x</i>)",
        ("invert", "--layer", "{content}", "--steps", "80"),
        slow=True, part="Inverting",
    ),
    Section(
        "dream-strokes", "A dream of an early layer",
        "DeepDream changes the picture so that a layer sees more of what it already sees. An early layer sees edges, "
        "so this dream consists of strokes.",
        "<i>x</i> ← <i>x</i> + 1.5 <i>g</i> / mean |<i>g</i>|, &nbsp;<i>g</i> = ∂(½ |<i>a</i>|²) / ∂<i>x</i>",
        ("dream", "--layer", "{early}", "--side", "224", "--octaves", "3", "--steps", "6"), part="Fun",
    ),
    Section(
        "dream", "A dream of a deep layer",
        "The same for a layer that knows objects: they grow wherever the picture hints at them. The dream starts on a "
        "small picture, and its details are carried over to larger ones.",
        "d<i>a</i> = <i>a</i>: the gradient that starts backward is the activations themselves",
        ("dream", "--side", "224", "--octaves", "3", "--steps", "10"), part="Fun",
    ),
    Section(
        "style", "In the style of a painting",
        "Neural style keeps what a deep layer sees of the picture, and changes it until early layers see the texture "
        "of a painting, here a bundled one. Texture means which channels are active together, at any place: a Gram "
        "matrix.",
        "min |<i>F</i> − <i>P</i>|² / |<i>P</i>|² + <i>β</i> Σ<i><sub>l</sub></i> |<i>G<sub>l</sub></i> − "
        "<i>A<sub>l</sub></i>|² / |<i>A<sub>l</sub></i>|², &nbsp;<i>G<sub>cd</sub></i> = Σ<i><sub>p</sub></i> "
        "<i>f<sub>pc</sub></i> <i>f<sub>pd</sub></i>",
        ("style", "--side", "128", "--steps", "30"), part="Fun",
    ),
    Section(
        "fool", "Fooled",
        "The gradient that shows what a class depends on also shows how to remove it: by changing every pixel by a "
        "few levels of 255, each in the direction that misleads the net most. People still see the same picture, but "
        "the net does not.",
        "<i>x</i> ← <i>P</i>(<i>x</i> + <i>α</i> sign ∂(−log <i>p<sub>y</sub></i>) / ∂<i>x</i>), &nbsp;|<i>x</i> − "
        "<i>x</i><sub>0</sub>| ≤ <i>ε</i>",
        ("fool", "--steps", "10"), part="Confusion",
    ),
    Section(
        "noise", "Certainty about noise",
        "The same method, starting from noise, towards a class: it still looks like noise to us, but the net is "
        "certain to see what it saw in the picture. Far from its training pictures, a net’s confidence means little.",
        "max <i>p<sub>y</sub></i>(<i>x</i>), &nbsp;|<i>x</i> − noise| ≤ <i>ε</i>",
        ("fool", "--from", "noise", "--to", "{answer}", "--steps", "12"), of_picture=False, part="Confusion",
    ),
    Section(
        "evolve", "Certainty about evolved pictures",
        "Evolution needs no gradient: small nets draw pictures, the most convincing ones have children, and the best "
        "picture of each class is kept. These are the results of a few generations; the command runs for as many as "
        "you like.",
        "child = parent + mutation, &nbsp;champion<i><sub>k</sub></i> ← child, if <i>p<sub>k</sub></i>(child) &gt; "
        "<i>p<sub>k</sub></i>(champion<i><sub>k</sub></i>)",
        ("evolve", "--generations", "10", "--population", "100"), of_picture=False, slow=True, part="Confusion",
    ),
    Section(
        "directions", "Why so little is enough",
        "Each number of the picture moves by the same small step. Along the sign of the gradient all these steps add "
        "up, and the score falls at once; along random directions most of them cancel, and hardly anything happens. "
        "The more numbers there are, the larger the difference: pictures that fool a net lie close to every picture, "
        "where no noise finds them.",
        "Σ|<i>g<sub>i</sub></i>| / √Σ<i>g<sub>i</sub></i>² ∝ √<i>d</i>",
        ("directions", "--count", "20"), part="Confusion",
    ),
    Section(
        "linear", "Why nets are fooled: ten numbers",
        "Even a linear model can be fooled. Here are ten numbers and ten weights; each number moves by half in the "
        "direction of its weight. Every single change is small, but their sum is not.",
        "<i>w</i>·(<i>x</i> + <i>ε</i> sign <i>w</i>) = <i>w</i>·<i>x</i> + <i>ε</i> Σ|<i>w<sub>i</sub></i>|",
        ("linear",), of_picture=False, part="Confusion",
    ),
    Section(
        "linear-digits", "Why nets are fooled: a linear classifier",
        "This classifier of handwritten digits has no hidden layers: each class has one weight per pixel, a template "
        "that can be seen as a picture. The smallest change of an answer follows the signs of the difference of two "
        "templates, and enough of one template, mixed into any digit, makes the classifier certain of that class.",
        "<i>ε</i> = min<i><sub>k</sub></i> (<i>s<sub>y</sub></i> − <i>s<sub>k</sub></i>) / "
        "|<i>w<sub>k</sub></i> − <i>w<sub>y</sub></i>|<sub>1</sub>",
        ("linear", "--on", "digits"), of_picture=False, part="Confusion",
    ),
)  # fmt: skip
