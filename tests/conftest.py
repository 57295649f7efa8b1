"""What every test shares: the same examples on every run, and a PostgreSQL server for those that ask for one."""

from __future__ import annotations

import os

# Tests that have called a server start programs as another user, which Python does by fork and exec. What gRPC does
# between the two crashes the child now and then where its threads are busy; behind an exec nothing of it is needed.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# As `make` has it: trees on few rows gain nothing from threads, and threads of many processes wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

from tests.fixtures.postgres import postgres

__all__ = ["postgres"]

# Same seed, same result; and how fast a machine is decides nothing.
settings.register_profile("remission", derandomize=True, deadline=None)
settings.load_profile("remission")
