"""Judges: pure functions of recorded inputs and a recorded policy. `table.py` knows them by name and version."""
