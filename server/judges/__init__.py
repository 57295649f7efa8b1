"""Judges: pure functions of recorded inputs and a recorded policy, each known by a name and a version.

Its face: `table.py` knows them all; `rulings.py` holds what goes in, and makes the events that judges call for.
"""
