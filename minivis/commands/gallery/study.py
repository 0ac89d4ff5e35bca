"""What a reader of the gallery may do with a section: what to look for, what to try, and where more is said.

Lessons stand in docs/lessons, and the scripts that spell a method out in demos/. Each section has an entry in STUDY.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Study:
    """``look`` and ``why`` are sentences; ``words``: the command to try, after ``minivis``."""

    look: str
    words: str
    why: str
    lesson: int
    demo: str                                   # a file of demos/
    file: str                                   # the method's file, below minivis/


STUDY = {
    "classify": Study(
        "Which classes come next, and what they share with the first.",
        "classify --top 20", "How soon do probabilities become too small to mean anything?",
        1, "01_activations.py", "methods/looking/classify.py"),
    "filters": Study(
        "Edges in several directions, and pairs of opposite colours.",
        "filters --net emoji-alexnet", "Larger filters are easier to read.",
        1, "02_filters.py", "methods/looking/filters.py"),
    "compare-filters": Study(
        "Which methods find edges at one place, and which find waves over the whole square.",
        "filters --compare --seed 1", "What changes with other patches, and what stays?",
        1, "02_filters.py", "methods/looking/dictionary.py"),
    "deep-filters": Study(
        "Nothing that can be named, which is the point.",
        "filters --layer conv3_1", "It gets worse with depth.",
        1, "02_filters.py", "methods/looking/filters.py"),
    "early-activations": Study(
        "Maps that follow the outline, and maps that fill areas of one colour.",
        "activations --layer pool1", "What does the pool lose?",
        1, "01_activations.py", "methods/looking/activations.py"),
    "activations": Study(
        "How few of the maps are on, and in how few places.",
        "activations --layer relu4_1 --order strength", "Do the strongest ones agree about the place?",
        1, "01_activations.py", "methods/looking/activations.py"),
    "occlude": Study(
        "Where the map is red outside the object: the net uses that, too.",
        "occlude --window 8 --stride 4", "Small windows find smaller parts, and miss what only works together.",
        3, "05_occlusion.py", "methods/attribution/occlusion.py"),
    "backprop": Study(
        "Which of the three draws an outline, and which looks like noise.",
        "backprop --unit duck", "The guided picture hardly changes with the class.",
        4, "06_backprop.py", "methods/attribution/backprop.py"),
    "neuron": Study(
        "How small the patch is, and how sharp its picture.",
        "backprop --unit relu2_1:3", "Earlier units see less, and need less.",
        4, "06_backprop.py", "methods/attribution/backprop.py"),
    "patches": Study(
        "What all nine patches share; the name that comes to mind first often fits only five.",
        "patches samples --layer relu3_1 --unit 5", "Earlier units are easier to name.",
        1, "03_patches.py", "methods/looking/patches.py"),
    "patches-by-layer": Study(
        "In which layer a unit first knows an eye, and in which a cat.",
        "patches families --all-layers --net emoji-alexnet", "Do other nets find the same steps?",
        1, "03_layers.py", "methods/looking/patches_by_layer.py"),
    "neighbours": Study(
        "Geese on other backgrounds among the codes; grey backgrounds and other things among the pixels.",
        "neighbours families --sheet", "The same for eight classes, counted over twenty.",
        2, "04_neighbours.py", "methods/looking/neighbours.py"),
    "tsne": Study(
        "Groups of one kind, and what stands between two groups.",
        "tsne digits", "Pixels beside codes, counted.",
        2, "04_tsne.py", "methods/looking/tsne.py"),
    "receptive-field": Study(
        "How the blue square, what a unit uses, stays behind the white one, what it could see.",
        "receptive-field --pictures 32", "More pictures make the mean smoother.",
        3, "09_receptive_field.py", "methods/looking/receptive.py"),
    "saliency": Study(
        "Whether the strongest pixels lie on the object, or beside it.",
        "saliency --net emoji-vgg-robust", "A net trained with attacks has cleaner gradients.",
        4, "07_saliency.py", "methods/attribution/saliency.py"),
    "smoothgrad": Study(
        "What the average keeps of the single gradient.",
        "saliency --map smoothgrad --seed 1", "Other noise: what stays?",
        4, "07_saliency.py", "methods/attribution/smoothgrad.py"),
    "kinds": Study(
        "Where all maps agree.",
        "saliency --map gradcam", "It sees coarsely, and depends on the class.",
        4, "07_saliency.py", "methods/attribution/saliency.py"),
    "curve": Study(
        "Which curve falls or rises before that of random order.",
        "saliency --curve --seed 1", "Other random orders: how far apart are they?",
        4, "07_saliency.py", "methods/attribution/curves.py"),
    "sanity": Study(
        "Maps that stay as they are when the weights are gone.",
        "saliency --sanity --seed 1", "Is it the same maps with other random weights?",
        4, "06_backprop.py", "methods/attribution/sanity.py"),
    "maximize": Study(
        "Parts of the class, and how often each comes back.",
        "maximize --net emoji-vgg-robust", "A net trained with attacks wants whole objects.",
        5, "10_maximize.py", "methods/synthesis/maximize.py"),
    "segment": Study(
        "Where the cut follows an edge of the picture rather than the object.",
        "segment --map gradcam", "A coarse map: what does the cut lose?",
        5, "08_segment.py", "methods/attribution/segment.py"),
    "invert": Study(
        "What comes back at its place, and what does not.",
        "invert --all-layers", "Where on the way is the outline lost?",
        6, "11_invert.py", "methods/synthesis/invert.py"),
    "dream-strokes": Study(
        "Strokes along the edges that were there already.",
        "dream --layer relu2_1", "A little deeper: what do strokes become?",
        7, "12_dream.py", "methods/synthesis/dream.py"),
    "dream": Study(
        "Eyes, wings and petals where the picture had only a hint of them.",
        "dream --layer relu4_1 --octaves 4", "More octaves let large things grow.",
        7, "12_dream.py", "methods/synthesis/dream.py"),
    "style": Study(
        "The painting’s strokes and colours, while every edge of the picture stays where it was.",
        "style --grams", "Which features fire together, and what does the picture pay?",
        7, "13_style.py", "methods/synthesis/style.py"),
    "fool": Study(
        "That there is nothing to see; then the difference, drawn large.",
        "robustness", "How much does training against attacks help, and is it enough?",
        8, "14_fool.py", "methods/adversarial/fool.py"),
    "noise": Study(
        "Whether anything of the class is in it.",
        "fool --from noise --to castle", "Every class can be found in noise.",
        8, "14_fool.py", "methods/adversarial/fool.py"),
    "evolve": Study(
        "Stripes and blobs that share a colour or a contour with the class, and no more.",
        "evolve --generations 100", "Longer evolution makes the net surer of more classes.",
        8, "15_evolve.py", "methods/adversarial/evolve.py"),
    "directions": Study(
        "How far apart the blue line and the grey ones are at the same distance from the picture.",
        "sound --say a --to i", "The same in another modality: a vowel is heard as another one.",
        8, "16_directions.py", "methods/adversarial/directions.py"),
    "linear": Study(
        "That no number moves by more than a half.",
        "linear --on digits", "The same with pictures.",
        8, "16_linear.py", "methods/adversarial/lecture_linear.py"),
    "linear-digits": Study(
        "The templates: each is a blurred mean of its digit, minus the others.",
        "linear --on emoji", "The same with 12,288 numbers: a bit of goldfish is enough.",
        8, "16_linear.py", "methods/adversarial/linear.py"),
}  # fmt: skip
