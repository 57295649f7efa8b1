"""Whether the data themselves are at fault: `inspection.py` looks at a window with every lookout that there is."""
