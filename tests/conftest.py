"""What every test shares: the same examples on every run."""

from __future__ import annotations

from hypothesis import settings

# Same seed, same result; and how fast a machine is decides nothing.
settings.register_profile("remission", derandomize=True, deadline=None)
settings.load_profile("remission")
