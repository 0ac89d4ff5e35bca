"""Emoji on backgrounds: what emoji-vgg and its kin are trained on."""
