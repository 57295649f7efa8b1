"""Checkpoints: the log as it is signed, kept outside the database, cosigned by witnesses, and proved to strangers.

Its face: `notary.py` signs; `receipts.py` proves an event's place; `keys.py`, `kept.py` and `witnessing.py` serve both.
"""
