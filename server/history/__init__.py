"""History: what the log of a model tells, folded event by event: what it is, was and went through. It only reads.

Its face: `folding.py` reads a log and folds it; `reading.py` answers for now, `moments.py` for then; `incidents.py`,
`lineage.py` and `inventory.py` hear the steps of a log and tell a story; `precedents.py` finds incidents alike.
"""
