"""Checkpoints: the log as it is signed, kept outside the database, cosigned by witnesses, and proved to strangers.

Its face: `office.py`, for which `notary.py` signs and `receipts.py` proves an event's place; `keys.py`, `kept.py` and
`witnessing.py` serve both. `thinning.py` says which checkpoints go with age.
"""
