"""Bundles: what is on record of one model up to a moment, as one signed archive that a stranger can check.

Its face: `bundle.py` writes one, with kept rows by `kept.py` where they are asked for; `opening.py` opens such rows.
"""
