"""ONNX models as nets of our layers; start with reader.py."""

from minivis.weights.onnx.reader import is_onnx, load

__all__ = ["is_onnx", "load"]
