"""Turns what a model sees and does into findings; it never acts."""
