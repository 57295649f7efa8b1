"""Watching: entries of the feed are added up into windows of rows and blocks of labels. Nothing is decided here.

Its face: `watch.py`, the watch over one model, and `closings.py`, what it gives when a window or a block is full.
"""
