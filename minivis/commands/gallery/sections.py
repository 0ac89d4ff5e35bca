"""What the gallery shows: a section a method, in the lecture's order, and the chapters of further nets, as plain data.

A method joins with one entry of SECTIONS. Its words are a command line; {names} in them are filled in for the net and
the picture by `gallery.choices`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One picture of the page. ``sentence`` and ``formula`` are HTML."""

    key: str                                    # the anchor, and a part of file names
    title: str
    sentence: str
    formula: str
    words: tuple[str, ...]
    of_picture: bool = True                     # False: it begins with something else
    slow: bool = False                          # only for nets whose pictures are small
    many: bool = False                          # it looks at many pictures: --pictures


SECTIONS = (
    Section(
        "classify", "What the net says",
        "The last layer gives every class a score; the softmax turns scores into probabilities. Every picture below "
        "asks where in the image, and by way of which weights, this answer came about.",
        "<i>p<sub>k</sub></i> = exp <i>s<sub>k</sub></i> / Σ<i><sub>j</sub></i> exp <i>s<sub>j</sub></i>",
        ("classify",),
    ),
    Section(
        "filters", "Weights of the first layer",
        "The first layer reads colours, so each of its filters is a small picture of what it looks for. Squares of "
        "3 × 3 pixels have little room; larger ones, AlexNet’s of 11 × 11, show edges, stripes and blobs of colour.",
        "<i>a<sub>ijf</sub></i> = <i>b<sub>f</sub></i> + Σ<i><sub>uvc</sub></i> "
        "<i>x</i><sub><i>i</i>+<i>u</i>, <i>j</i>+<i>v</i>, <i>c</i></sub> · <i>w<sub>uvcf</sub></i>",
        ("filters",),
    ),
    Section(
        "compare-filters", "What else finds edges",
        "Patches of photographs, of the size of those filters, and four other ways to learn from them. Independent "
        "components, cluster centres and sparse codes become edges at one place, as in trained nets; principal "
        "components are waves over the whole square.",
        "min Σ‖<i>x</i> − <i>Dz</i>‖² + <i>λ</i>|<i>z</i>|<sub>1</sub> &nbsp;|&nbsp; "
        "max independence of <i>Wx</i> &nbsp;|&nbsp; min Σ‖<i>x</i> − nearest centre‖²",
        ("filters", "--compare"),
    ),
    Section(
        "deep-filters", "Weights of a deeper layer",
        "Filters of the second layer on read feature maps, not colours: a row is a filter, a square its weights on one "
        "input channel. They are honest, and hard to read; hence the methods that follow.",
        "<i>w<sub>uvcf</sub></i>, blue below zero, red above",
        ("filters", "--layer", "{second}"),
    ),
    Section(
        "early-activations", "Activations of an early layer",
        "One small picture a channel: bright where its filter found what it looks for. Early maps still look like the "
        "image.",
        "<i>a</i> = max(0, <i>x</i> ∗ <i>w</i> + <i>b</i>)",
        ("activations", "--layer", "{early}"),
    ),
    Section(
        "activations", "Activations of a deep layer",
        "Deeper maps are coarse, and there are many: each says where something lies, a part or a pattern, and hardly "
        "any looks like the image. The strongest are shown.",
        "<i>a</i><sup>(<i>l</i>)</sup> = max(0, <i>a</i><sup>(<i>l</i>−1)</sup> ∗ <i>w</i> + <i>b</i>)",
        ("activations", "--layer", "{content}"),
    ),
    Section(
        "occlude", "Occlusion",
        "Slide a grey square over the image and watch the probability of the class: red is where covering hurts, blue "
        "where it helps. No gradient is needed, only many forward passes.",
        "drop<i><sub>ij</sub></i> = mean over windows <i>W</i> ∋ (<i>i</i>, <i>j</i>) of "
        "<i>p</i>(<i>x</i>) − <i>p</i>(<i>x</i> with <i>W</i> covered)",
        ("occlude",),
    ),
    Section(
        "backprop", "Three ways back",
        "The same sweep from the score down to the pixels, with three rules at each ReLU. The chain rule gives the "
        "true gradient; the deconvnet keeps what is positive on the way down; guided backpropagation asks for both.",
        "d<i>x</i> = d<i>y</i>·[<i>x</i> &gt; 0] &nbsp;|&nbsp; d<i>y</i>·[d<i>y</i> &gt; 0] &nbsp;|&nbsp; "
        "d<i>y</i>·[<i>x</i> &gt; 0]·[d<i>y</i> &gt; 0]",
        ("backprop",),
    ),
    Section(
        "neuron", "Three ways back from one neuron",
        "Nothing is special about classes: any neuron in the middle can be asked. Here it is the strongest one of a "
        "deep layer, and what arrives is the patch of the image that it saw.",
        "∂<i>a<sub>ijc</sub></i> / ∂<i>x</i> &nbsp;at the neuron’s strongest position",
        ("backprop", "--unit", "{neuron}"),
    ),
    Section(
        "patches", "What else excites that neuron",
        "The places in many pictures at which the same channel answers most strongly; beside each, what in it does, by "
        "deconvnet and by guided backpropagation. A name for a unit should fit all of its patches.",
        "argmax<i><sub>n, i, j</sub></i> <i>a<sub>ijc</sub></i>(<i>x<sub>n</sub></i>)",
        ("patches", "{pictures}", "--layer", "{content}", "--unit", "{channel}"), of_picture=False, many=True,
    ),
    Section(
        "neighbours", "The nearest codes",
        "A layer near the end says of each picture some hundreds of numbers, its code. These are the pictures whose "
        "codes lie nearest to this one’s: alike in what they show, hardly ever in their pixels.",
        "1 − <i>φ</i>(<i>x</i>)·<i>φ</i>(<i>x<sub>n</sub></i>) / |<i>φ</i>(<i>x</i>)| |<i>φ</i>(<i>x<sub>n</sub></i>)|",
        ("neighbours", "{pictures}"), many=True,
    ),
    Section(
        "tsne", "What the net finds alike",
        "Each picture becomes a code, what the layer before the classes says. t-SNE lays pictures of similar codes "
        "side by side, and a linear assignment moves them onto a grid. Nobody told it of animals, fruit or vehicles.",
        "min KL(<i>P</i>‖<i>Q</i>), &nbsp;<i>q<sub>ij</sub></i> ∝ 1 / (1 + |<i>y<sub>i</sub></i> − "
        "<i>y<sub>j</sub></i>|²)",
        ("tsne", "{pictures}"), of_picture=False, many=True,
    ),
    Section(
        "receptive-field", "What a unit looks at",
        "A unit could see all of its receptive field, and hardly looks beyond the middle of it: the gradient of each "
        "layer’s central unit, squared, on average over pictures.",
        "<i>E<sub>ij</sub></i> = mean Σ<i><sub>k</sub></i> "
        "(∂<i>a</i><sub>centre,<i>k</i></sub> / ∂<i>x<sub>ij</sub></i>)²",
        ("receptive-field", "--pictures", "8"),
    ),
    Section(
        "saliency", "Saliency",
        "How much does the score change if this pixel changes a little? One backward pass, the largest of the three "
        "colours, no sign.",
        "<i>M<sub>ij</sub></i> = max<i><sub>c</sub></i> |∂<i>s</i> / ∂<i>x<sub>ijc</sub></i>|",
        ("saliency",),
    ),
    Section(
        "smoothgrad", "Saliency, averaged over noise",
        "A gradient is true only at one point, and jumps from one to the next. The mean over noisy copies of the image "
        "keeps what they agree on (SmoothGrad).",
        "<i>M</i> = max<i><sub>c</sub></i> |mean<i><sub>n</sub></i> ∂<i>s</i>/∂<i>x</i> "
        "(<i>x</i> + <i>ε<sub>n</sub></i>)|, &nbsp;<i>ε<sub>n</sub></i> ~ N(0, <i>σ</i>²)",
        ("saliency", "--map", "smoothgrad"),
    ),
    Section(
        "kinds", "Eight maps of one question",
        "What later years made of it. Grad-CAM asks the last feature maps and not the pixels; integrated gradients "
        "share the score out among the pixels, so that all parts together are the whole of it.",
        "<i>M<sub>ij</sub></i> = Σ<i><sub>c</sub></i> (<i>x</i> − <i>x</i>′) ∫ ∂<i>s</i>/∂<i>x</i> "
        "(<i>x</i>′ + <i>α</i>(<i>x</i> − <i>x</i>′)) d<i>α</i> &nbsp;|&nbsp; "
        "max(0, Σ<i><sub>k</sub></i> mean(∂<i>s</i>/∂<i>A<sub>k</sub></i>) <i>A<sub>k</sub></i>)",
        ("saliency", "--map", "all"),
    ),
    Section(
        "curve", "Do the maps point at what the net needs?",
        "Cover the pixels in the order of each map, and lay them on a blurred picture in the same order. The sooner "
        "the class falls, or rises, the better the map; pixels in random order are what it has to beat.",
        "deletion, insertion = ∫ <i>p</i>(<i>x</i> with the strongest part <i>q</i> of the pixels "
        "covered, shown) d<i>q</i>",
        ("saliency", "--curve"),
    ),
    Section(
        "sanity", "Do the maps depend on the weights?",
        "Shuffle the weights of one layer after the other, from the top. A map that shows what the net has learnt "
        "must fall apart; one that stays as it was shows edges of the picture, however convincing it looks.",
        "likeness = rank correlation of |<i>M</i>| and |<i>M</i> with weights shuffled|",
        ("saliency", "--sanity"),
    ),
    Section(
        "segment", "Cut out, without ever having seen an outline",
        "Where guided backpropagation is strongest lies the object, where it is weakest the ground. From these hints "
        "GrabCut learns the colours of both, and cuts where neighbouring pixels differ.",
        "min<sub><i>α</i></sub> Σ<i><sub>i</sub></i> −log <i>p</i>(<i>x<sub>i</sub></i> | <i>α<sub>i</sub></i>) + "
        "<i>γ</i> Σ<i><sub>ij</sub></i> [<i>α<sub>i</sub></i> ≠ <i>α<sub>j</sub></i>] "
        "exp(−<i>β</i>‖<i>x<sub>i</sub></i> − <i>x<sub>j</sub></i>‖²)",
        ("segment",),
    ),
    Section(
        "dream-strokes", "A dream of an early layer",
        "DeepDream: take what a layer sees in the picture, and move the picture so that it sees more of it. An early "
        "layer sees edges, so the dream is of strokes.",
        "<i>x</i> ← <i>x</i> + 1.5 <i>g</i> / mean |<i>g</i>|, &nbsp;<i>g</i> = ∂(½ |<i>a</i>|²) / ∂<i>x</i>",
        ("dream", "--layer", "{early}", "--side", "224", "--octaves", "3", "--steps", "6"),
    ),
    Section(
        "dream", "A dream of a deep layer",
        "The same, of a layer that knows things: where the picture hints at one, it grows. Small pictures first, and "
        "what came up there is carried on into the larger ones.",
        "d<i>a</i> = <i>a</i>: the gradient that starts backward is the activations themselves",
        ("dream", "--side", "224", "--octaves", "3", "--steps", "10"),
    ),
    Section(
        "style", "In the style of a painting",
        "Neural style: keep what a deep layer sees of the picture, and change it until early layers see the texture of "
        "a painting, here one of ours. Texture is which channels fire together, wherever it is: a Gram matrix.",
        "min |<i>F</i> − <i>P</i>|² / |<i>P</i>|² + <i>β</i> Σ<i><sub>l</sub></i> |<i>G<sub>l</sub></i> − "
        "<i>A<sub>l</sub></i>|² / |<i>A<sub>l</sub></i>|², &nbsp;<i>G<sub>cd</sub></i> = Σ<i><sub>p</sub></i> "
        "<i>f<sub>pc</sub></i> <i>f<sub>pd</sub></i>",
        ("style", "--side", "128", "--steps", "50"),
    ),
    Section(
        "maximize", "What the class likes best",
        "Turn the question round: which picture would make the score as large as can be? Gradient ascent on the image, "
        "over its Fourier spectrum and under small moves, so that what appears is a shape and not noise.",
        "<i>x</i><sup>*</sup> = argmax<i><sub>x</sub></i> <i>s</i>(<i>x</i>) − <i>λ</i> TV(<i>x</i>)",
        ("maximize", "--unit", "{answer}"),
        of_picture=False, slow=True,
    ),
    Section(
        "invert", "What a layer still knows",
        "An image whose activations in one layer are those of the picture: what differs from the picture, that layer "
        "has thrown away.",
        "<i>x</i><sup>*</sup> = argmin<i><sub>x</sub></i> |Φ(<i>x</i>) − Φ(<i>x</i><sub>0</sub>)|² / "
        "|Φ(<i>x</i><sub>0</sub>)|² + <i>R</i>(<i>x</i>)",
        ("invert", "--layer", "{content}"),
        slow=True,
    ),
    Section(
        "fool", "Fooled",
        "The gradient that shows what a class hangs on also shows how to take it away: a change of a few levels of 255 "
        "in every pixel, each in the direction that misleads most. People see the same picture, the net does not.",
        "<i>x</i> ← <i>P</i>(<i>x</i> + <i>α</i> sign ∂(−log <i>p<sub>y</sub></i>) / ∂<i>x</i>), &nbsp;|<i>x</i> − "
        "<i>x</i><sub>0</sub>| ≤ <i>ε</i>",
        ("fool", "--steps", "10"),
    ),
    Section(
        "noise", "Sure of noise",
        "The same towards a class, from noise: still noise to us, and to the net a sure case of what it saw in the "
        "picture. High confidence says little far from the pictures that a net was trained on.",
        "max <i>p<sub>y</sub></i>(<i>x</i>), &nbsp;|<i>x</i> − noise| ≤ <i>ε</i>",
        ("fool", "--from", "noise", "--to", "{answer}", "--steps", "20"), of_picture=False,
    ),
    Section(
        "evolve", "Sure of what nobody drew",
        "Without any gradient: small nets draw pictures, those of which the net is surest have children, and of each "
        "class the best is kept. These are after a few generations; the command goes on for as long as you like.",
        "child = parent + mutation, &nbsp;champion<i><sub>k</sub></i> ← child, if <i>p<sub>k</sub></i>(child) &gt; "
        "<i>p<sub>k</sub></i>(champion<i><sub>k</sub></i>)",
        ("evolve", "--generations", "12", "--population", "100"), of_picture=False, slow=True,
    ),
    Section(
        "linear", "Why: ten numbers",
        "No depth is needed to be fooled. Ten numbers and ten weights, each number moved by half in the direction of "
        "its weight: every part is small, and the sum is not.",
        "<i>w</i>·(<i>x</i> + <i>ε</i> sign <i>w</i>) = <i>w</i>·<i>x</i> + <i>ε</i> Σ|<i>w<sub>i</sub></i>|",
        ("linear",), of_picture=False,
    ),
    Section(
        "linear-digits", "Why: a classifier without hidden layers",
        "Handwritten digits, and for each class one weight a pixel: a template, seen as a picture. The smallest nudge "
        "that changes an answer follows the signs of two templates’ difference; and enough of one template, mixed into "
        "any digit, makes the classifier sure of that class.",
        "<i>ε</i> = min<i><sub>k</sub></i> (<i>s<sub>y</sub></i> − <i>s<sub>k</sub></i>) / "
        "|<i>w<sub>k</sub></i> − <i>w<sub>y</sub></i>|<sub>1</sub>",
        ("linear", "--on", "digits"), of_picture=False,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Chapter:
    """More sections, with another net: one of ours, or one that comes in a package (the extra ``pretrained``)."""

    title: str
    sentence: str
    net: str
    keys: tuple[str, ...]                       # of SECTIONS
    ours: bool = False                          # about our goose; else about scikit-image's cat


CHAPTERS = (                                    # of the page without IMAGE and --net, where the packages are installed
    Chapter(
        "The same net, trained against attacks",
        "emoji-vgg-robust learned from pictures that were moved against it in every step. It knows a little less, and "
        "its gradients look far more like pictures.",
        "emoji-vgg-robust", ("classify", "saliency", "backprop", "maximize"), ours=True,
    ),
    Chapter(
        "A photograph, and a net of a thousand classes",
        "EfficientNet-Lite0 learned from ImageNet’s photographs. Same methods, same code, a net three times as deep.",
        "efficientnet-lite0", ("classify", "activations", "backprop", "saliency"),
    ),
    Chapter(
        "Dreams and paint from a VGG",
        "The convolutions of a VGG-16 that went on from ImageNet to find text. For pictures that are made rather than "
        "explained, VGG’s features are still the ones to take; this one dreams of letters.",
        "vgg16-craft", ("dream", "style"),
    ),
)  # fmt: skip
