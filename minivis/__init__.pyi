"""What `minivis` offers, for editors and type checkers; __init__.py reads from here where each name lives."""

import minivis.engine.gradcheck as gradcheck
import minivis.objectives.priors as image_priors
import minivis.optimize.parameterize as parameterize
import minivis.optimize.regularize as regularize
import minivis.optimize.transforms as transforms
import minivis.optimize.update_rules as descent
import minivis.training.trainer as train

from . import errors, exercises, layers, live, objectives, optimize
from .engine.network import Activations, Network
from .engine.units import one_hot, parse_unit, unit_values
from .figures.film import write_film
from .images.files import read_image, write_image
from .images.film_reader import read_film
from .images.preprocessing import Preprocessing
from .methods.adversarial.attacks import fgsm, pgd
from .methods.adversarial.deepfool import deepfool
from .methods.adversarial.directions import directions
from .methods.adversarial.evolve import evolve
from .methods.adversarial.few_pixels import jsma, one_pixel
from .methods.adversarial.fool import fool
from .methods.adversarial.hog import hog_net, hog_twin
from .methods.adversarial.lecture_linear import lecture_linear
from .methods.adversarial.linear import linear_fool
from .methods.adversarial.robustness import robustness
from .methods.adversarial.settings import (
    EvolveSettings,
    FoolSettings,
    HogSettings,
    LinearSettings,
    RobustnessSettings,
    SoundSettings,
)
from .methods.adversarial.sound import sound_fool
from .methods.adversarial.szegedy import szegedy
from .methods.adversarial.templates import linear_templates
from .methods.attribution.backprop import backprop
from .methods.attribution.curves import insertion_deletion
from .methods.attribution.first_class import first_classes
from .methods.attribution.occlusion import occlusion
from .methods.attribution.saliency import saliency, saliency_kinds
from .methods.attribution.sanity import sanity_check
from .methods.attribution.segment import segment
from .methods.attribution.settings import (
    BackpropSettings,
    CurveSettings,
    OcclusionSettings,
    SaliencySettings,
    SegmentSettings,
    WindowSettings,
)
from .methods.looking.activations import activation_grid
from .methods.looking.classify import classify
from .methods.looking.codes import codes, nearest, write_codes
from .methods.looking.dictionary import compare_filters
from .methods.looking.filters import filter_grid
from .methods.looking.neighbour_sheet import neighbour_sheet
from .methods.looking.neighbours import neighbours
from .methods.looking.patches import top_patches
from .methods.looking.patches_by_layer import patches_by_layer
from .methods.looking.receptive import effective_receptive_field
from .methods.looking.settings import (
    ActivationSettings,
    ClassifySettings,
    FilterSettings,
    NeighbourSettings,
    PatchSettings,
    ReceptiveFieldSettings,
    TsneSettings,
)
from .methods.looking.tsne import tsne_grid
from .methods.looking.tsne_labelled import tsne_labelled
from .methods.shared.side_by_side import side_by_side
from .methods.synthesis.building_blocks import activation_atlas, building_blocks
from .methods.synthesis.dream import dream, make_step
from .methods.synthesis.dream_films import dream_layers, dream_zoom
from .methods.synthesis.extremes import extremes
from .methods.synthesis.films import dream_film, style_film
from .methods.synthesis.invert import invert, invert_layers
from .methods.synthesis.maximize import maximize
from .methods.synthesis.maximize_layers import down_the_layers
from .methods.synthesis.settings import (
    AtlasSettings,
    BlockSettings,
    DreamSettings,
    InvertSettings,
    MaximizeSettings,
    StyleSettings,
    TextureSettings,
)
from .methods.synthesis.style import style_transfer, texture
from .methods.synthesis.style_grams import style_grams
from .methods.synthesis.style_methods import style_methods
from .methods.synthesis.style_preview import style_preview
from .methods.synthesis.walk import walk
from .objectives.words import parse_objective
from .optimize.problem import Problem
from .optimize.watch import Watch
from .version import __version__
from .weights.catalogue import load
from .weights.native import save

__all__ = [
    "ActivationSettings", "Activations", "AtlasSettings", "BackpropSettings", "BlockSettings", "ClassifySettings",
    "CurveSettings", "DreamSettings", "EvolveSettings", "FilterSettings", "FoolSettings", "HogSettings",
    "InvertSettings", "LinearSettings", "MaximizeSettings", "NeighbourSettings", "Network", "OcclusionSettings",
    "PatchSettings", "Preprocessing", "Problem", "ReceptiveFieldSettings", "RobustnessSettings", "SaliencySettings",
    "SegmentSettings", "SoundSettings", "StyleSettings", "TextureSettings", "TsneSettings", "Watch", "WindowSettings",
    "__version__", "activation_atlas", "activation_grid", "backprop", "building_blocks", "classify", "codes",
    "compare_filters", "deepfool", "descent", "directions", "down_the_layers", "dream", "dream_film", "dream_layers",
    "dream_zoom", "effective_receptive_field", "errors", "evolve", "exercises", "extremes", "fgsm", "filter_grid",
    "first_classes", "fool", "gradcheck", "hog_net", "hog_twin", "image_priors", "insertion_deletion", "invert",
    "invert_layers", "jsma", "layers", "lecture_linear", "linear_fool", "linear_templates", "live", "load", "make_step",
    "maximize", "nearest", "neighbour_sheet", "neighbours", "objectives", "occlusion", "one_hot", "one_pixel",
    "optimize", "parameterize", "parse_objective", "parse_unit", "patches_by_layer", "pgd", "read_film", "read_image",
    "regularize", "robustness", "saliency", "saliency_kinds", "sanity_check", "save", "segment", "side_by_side",
    "sound_fool", "style_film", "style_grams", "style_methods", "style_preview", "style_transfer", "szegedy", "texture",
    "top_patches", "train", "transforms", "tsne_grid", "tsne_labelled", "unit_values", "walk", "write_codes",
    "write_film", "write_image",
]
