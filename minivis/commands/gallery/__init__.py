"""The gallery: one picture under every method, on one page."""
