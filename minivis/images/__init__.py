"""Pixels in and out of files, and what a net wants of them. No net in here."""
