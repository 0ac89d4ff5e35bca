"""Steps of a plan that run several layers at once."""
