"""Keras' files: their layouts, and their nets."""
