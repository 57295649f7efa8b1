"""Privacy: what is forgotten, what must be kept, and who stands behind an id.

Its face: `office.py`, to which callers turn; `scopes.py`, what can be erased; `actors.py`, the names behind ids.
"""
