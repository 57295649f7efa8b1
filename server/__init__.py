"""The service: what callers ask for is carried out in rooms, each with a docstring that says what it is for.

Outside of the rooms stands what all of them pass: `transport/` hands calls to `service.py`, which hands them on;
`desk.py` knows each model by heart; `act.py` is the one door to the log, and `ingestion.py` the one to the feed.
`serve.py` is the process, `wiring.py` picks implementations, and `settings.py` says which.
"""
