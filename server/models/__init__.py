"""Models: what callers do to one: put it under watch, order, hold and route it, and look at its latest windows.

Its face: a module for each kind of call: `registration.py`, `operating.py`, `holding.py`, `routing.py`, `windows.py`.
"""
