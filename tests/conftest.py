"""What every test shares: the same examples on every run, and a PostgreSQL server for those that ask for one."""

from __future__ import annotations

from hypothesis import settings

from tests.fixtures.postgres import postgres

__all__ = ["postgres"]

# Same seed, same result; and how fast a machine is decides nothing.
settings.register_profile("remission", derandomize=True, deadline=None)
settings.load_profile("remission")
