"""Weights from files: our own HDF5 (native.py), Keras files, and the catalogue that finds them by name."""
