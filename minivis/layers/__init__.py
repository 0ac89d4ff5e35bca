"""The layers, one idea a file. Start with base.py (the contract), then relu.py and conv.py."""

from minivis.layers.base import BackwardMode, ForwardMode, Layer, LayerGradients
from minivis.layers.conv import Conv2D
from minivis.layers.elementwise import (
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    PReLU,
    Sigmoid,
    SiLU,
    Tanh,
    ThresholdReLU,
)
from minivis.layers.fc import Flatten, FullyConnected, Unflatten
from minivis.layers.global_max import GlobalMaxPool
from minivis.layers.hog import BlockNorm, Gradient, OrientationCells
from minivis.layers.merge import Add, Concat, Multiply
from minivis.layers.norm import LRN, BatchNorm, Dropout, fold_batch_norm
from minivis.layers.pad import Crop2D, Pad2D
from minivis.layers.permute import Permute
from minivis.layers.pool import AvgPool2D, GlobalAvgPool, MaxPool2D
from minivis.layers.relevance import RelevanceRule
from minivis.layers.relu import RELU_RULES, ReLU
from minivis.layers.resize import ConvTranspose2D, Upsample
from minivis.layers.rules import RULES
from minivis.layers.scale import Scale
from minivis.layers.slice import Slice
from minivis.layers.smooth import ELU, GELU, Mish, Softplus, Softsign
from minivis.layers.softmax import LogSoftmax, Softmax, cross_entropy

LAYER_TYPES = {
    cls.__name__: cls
    for cls in (
        Conv2D, ReLU, MaxPool2D, AvgPool2D, GlobalAvgPool, Flatten, FullyConnected,
        Softmax, Concat, Add, BatchNorm, LRN, Dropout, Gradient, OrientationCells, BlockNorm,
        Pad2D, Permute, Scale, Sigmoid, Tanh, SiLU, HardSigmoid, HardSwish, LeakyReLU, PReLU, ConvTranspose2D, Upsample,
        GlobalMaxPool, LogSoftmax, ThresholdReLU, ELU, GELU, Softplus, Softsign, Mish, Multiply, Unflatten, Crop2D,
        Slice,
    )
}  # fmt: skip

__all__ = [
    "ELU", "GELU", "LAYER_TYPES", "LRN", "RELU_RULES", "RULES", "Add", "AvgPool2D", "BackwardMode", "BatchNorm",
    "BlockNorm", "Concat", "Conv2D", "ConvTranspose2D", "Crop2D", "Dropout", "Flatten", "ForwardMode",
    "FullyConnected", "GlobalAvgPool", "GlobalMaxPool", "Gradient", "HardSigmoid", "HardSwish", "Layer",
    "LayerGradients", "LeakyReLU", "LogSoftmax", "MaxPool2D", "Mish", "Multiply", "OrientationCells", "PReLU",
    "Pad2D", "Permute", "ReLU", "RelevanceRule", "Scale", "SiLU", "Sigmoid", "Slice", "Softmax", "Softplus",
    "Softsign", "Tanh", "ThresholdReLU", "Unflatten", "Upsample", "cross_entropy", "fold_batch_norm",
]  # fmt: skip
