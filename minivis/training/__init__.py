"""Training: the loop, its recipes, and its adversaries."""
