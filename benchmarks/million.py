"""Lays a million events into both databases, and folds them again: the same digest, and every stored state.

    python -m benchmarks.million [--events 1000000] [--folder DIR]

Rates are printed; what is judged is sameness. In a folder that is kept, a log that was laid whole is not laid again.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.databases import both
from benchmarks.life import Life, a_life, lay
from server.audit import auditing
from server.audit.checking import NoHands
from store import Projection, Readable, Reader, open_reader, open_store

EVENTS, OF_A_LIFE = 1_000_000, 100
PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What one database gave."""

    events: int
    log_sha256: str
    projections_sha256: str
    failed: int
    append_rate: float  #: events a second; 0 where the log was there
    replay_rate: float

    @property
    def same(self) -> tuple[int, str, str]:
        """What must be equal between databases."""
        return self.events, self.log_sha256, self.projections_sha256


def main() -> int:
    """Measure both, print a line for each, and say whether they agree."""
    options = _options()
    life, found = a_life(OF_A_LIFE), {}
    with tempfile.TemporaryDirectory() as scratch, both(options.folder or Path(scratch)) as urls:
        for name, url in urls.items():
            found[name] = replay(url, life, -(-options.events // len(life)))
    return show(found)


def replay(url: str, life: Life, models: int) -> Replayed:
    """Lay the log, if it is not there, and fold it again."""
    begun = time.perf_counter()
    laid = _laid(url, life, models)
    appended = time.perf_counter() - begun
    store = open_reader(url)
    try:
        begun = time.perf_counter()
        checked = auditing.verify(store, hands=NoHands())
        seconds = time.perf_counter() - begun
        return Replayed(
            events=checked.events, log_sha256=checked.log_sha256, projections_sha256=projections(store),
            failed=checked.failed, append_rate=laid / appended, replay_rate=checked.events / seconds,
        )  # fmt: skip
    finally:
        store.close()


def projections(store: Readable) -> str:
    """Digest every stored state, in order of model."""
    sha256, after = hashlib.sha256(), ""
    while page := store.read(partial(_page, after)):
        for one in page:
            sha256.update(one.body)
        after = page[-1].stream
    return sha256.hexdigest()


def _page(after: str, reader: Reader) -> tuple[Projection, ...]:
    return reader.projections(after, PAGE)


def show(found: dict[str, Replayed]) -> int:
    """Print what each database gave; 1 when they differ, or when one is not what it was."""
    table = Table("database", "events", "append/s", "replay/s", "log_sha256", "states", "failed", header_style="bold")
    for name, one in found.items():
        table.add_row(
            name, str(one.events), f"{one.append_rate:,.0f}", f"{one.replay_rate:,.0f}", one.log_sha256[:16],
            one.projections_sha256[:16], str(one.failed),
        )  # fmt: skip
    console = Console(width=120)
    console.print(table)
    agreed = len({one.same for one in found.values()}) == 1 and not any(one.failed for one in found.values())
    console.print("the same digest and states on both" if agreed else "[red]they differ[/]")
    return 0 if agreed else 1


def _laid(url: str, life: Life, models: int) -> int:
    store = open_store(url, clock_us=lambda: 0)
    try:
        if store.read(lambda reader: reader.head().position):
            return 0
        return sum(_shown(lay(store, life, models), models * len(life), url.partition(":")[0]))
    finally:
        store.close()


def _shown(steps: Iterable[int], total: int, name: str) -> Iterable[int]:
    console = Console(stderr=True)
    return track(steps, description=f"{name}: {total:,} events", console=console, disable=not console.is_terminal)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=EVENTS, help="how many at least")
    parser.add_argument("--folder", type=Path, help="keeps the databases there; else they are thrown away")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
