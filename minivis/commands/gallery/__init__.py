"""The gallery: everything on one picture, on one page."""
