"""Intake: what comes in, checked against the model, numbered, turned into codes, and sealed as entries of its feed.

Its face: `admission.py` takes a batch or refuses it, `feed.py` says what an entry is, `sealing.py` seals it and opens
it. Who calls it is `server/ingestion.py`, the one door to the feed.
"""
