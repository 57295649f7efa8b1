"""How a candidate earns traffic: `judge.py` says whether it climbs, by the ratio of bad events between arms."""
