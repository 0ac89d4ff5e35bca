"""A net, and passes over it."""
