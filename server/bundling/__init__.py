"""Bundles: what is on record of one model up to a moment, as one signed archive that a stranger can check."""
