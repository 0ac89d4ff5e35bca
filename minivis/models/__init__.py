"""Architectures as tables of layers: vgg.py for real nets, tiny.py for tests and for reading."""
