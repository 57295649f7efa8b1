"""Whether inputs or outputs drift: evidence that grows window by window.

`detector.py` raises alarms, `departures.py` notes what leaves; `effects.py` tells people how much changed.
"""
