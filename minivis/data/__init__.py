"""Data sets to train on: each is a folder of files from packages, read into arrays."""
