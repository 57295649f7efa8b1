"""Backtests every public stream into both databases, and makes every decision again: in one process, and in four.

    python -m benchmarks.derive --data DIR [--quick] [--streams a,b]

Counts and digests must agree between databases, and between one process and four. What was done is kept below
`.cache/derive`, by the content of code and data, so that a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.databases import database, dropped, postgresql
from benchmarks.evaluate import CODE, QUICK, ROOT, digest_of, run_backtest
from server.audit import auditing
from server.audit.checking import OwnHands, Verification
from server.audit.crew import Crew
from server.settings import Settings
from server.wiring import open_log
from store import migrate

CACHE = ROOT / ".cache" / "derive"
JOBS = (1, 4)


@dataclass(frozen=True, slots=True)
class Place:
    """A stream in a database, once the code and the data are what they are."""

    entry: dict[str, Any]
    kind: str
    key: str

    @property
    def name(self) -> str:
        """Name it, as file and as database."""
        return f"{self.entry['name']}-{self.key}"

    def kept(self, step: str) -> Path:
        """Say where the outcome of a step is kept."""
        return CACHE / f"{self.name}-{self.kind}-{step}.json"


def main() -> int:
    """Do what is missing, print the table, and say whether everything agrees."""
    options = _options()
    entries = json.loads((options.data / "manifest.json").read_text(encoding="utf-8"))["datasets"]
    wanted = options.streams.split(",") if options.streams else (QUICK if options.quick else None)
    chosen = [entry for entry in entries if wanted is None or entry["name"] in wanted]
    CACHE.mkdir(parents=True, exist_ok=True)
    with postgresql(CACHE / "postgresql") as server:
        found = {entry["name"]: list(_stream(options.data, entry, server)) for entry in chosen}
    return _show(found)


def _stream(data: Path, entry: dict[str, Any], server: str) -> Iterator[dict[str, Any]]:
    """Give what each database and number of processes came to."""
    file = data / entry["file"]
    code = digest_of(sorted(path for room in CODE for path in (ROOT / room).rglob("*.py")))
    key = hashlib.sha256(f"{code}{digest_of([file])}{json.dumps(entry, sort_keys=True)}".encode()).hexdigest()[:16]
    for kind in ("sqlite", "postgresql"):
        place = Place(entry, kind, key)
        url = _backtested(place, file, server)
        for jobs in JOBS:
            yield _derived(place, url, jobs)


def _backtested(place: Place, file: Path, server: str) -> str:
    """Give the address of the log of a backtest; one that was interrupted is begun anew."""
    url, kept = _address(place, server), place.kept("report")
    if not kept.exists():
        _empty(place, server)
        migrate.upgrade(_address(place, server))
        run_backtest(place.entry, file, "--db", url, "--json", str(kept.with_suffix(".part")))
        kept.with_suffix(".part").rename(kept)
    return url


def _address(place: Place, server: str) -> str:
    return f"sqlite:///{CACHE / place.name}.db" if place.kind == "sqlite" else database(server, place.name)


def _empty(place: Place, server: str) -> None:
    if place.kind == "postgresql":
        dropped(server, place.name)
        return
    for end in ("", "-wal", "-shm", ".lock"):
        (CACHE / f"{place.name}.db{end}").unlink(missing_ok=True)


def _derived(place: Place, url: str, jobs: int) -> dict[str, Any]:
    """Make every decision again, unless that was done."""
    kept = place.kept(f"jobs-{jobs}")
    if not kept.exists():
        begun = time.perf_counter()
        checked = _checked(url, jobs)
        told = {
            "kind": place.kind, "jobs": jobs, "seconds": time.perf_counter() - begun, "events": checked.events,
            "decisions": checked.decisions, "rederived": checked.rederived, "log_sha256": checked.log_sha256,
            "failures": [str(one) for one in checked.failures],
        }  # fmt: skip
        kept.with_suffix(".part").write_text(json.dumps(told), encoding="utf-8")
        kept.with_suffix(".part").rename(kept)
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _checked(url: str, jobs: int) -> Verification:
    opening = partial(open_log, Settings(database=url))
    store = opening()
    try:
        if jobs == 1:
            return auditing.verify(store, hands=OwnHands(store))
        with Crew(opening, jobs) as crew:
            return auditing.verify(store, hands=crew)
    finally:
        store.close()


def agreed(found: list[dict[str, Any]]) -> bool:
    """Say whether all came to the same, with every decision made again and nothing wrong."""
    same = {(one["events"], one["decisions"], one["log_sha256"]) for one in found}
    return len(same) == 1 and all(one["rederived"] == one["decisions"] and not one["failures"] for one in found)


def _show(found: dict[str, list[dict[str, Any]]]) -> int:
    names = ("stream", "events", "decisions", "log_sha256", *(f"{kind}, {jobs}: s" for kind, jobs in _runs(found)))
    table = Table(*names, "agree", header_style="bold", title="every decision made again: database, processes: seconds")
    for name, runs in found.items():
        first = runs[0]
        table.add_row(
            name, str(first["events"]), f"{first['rederived']}/{first['decisions']}", first["log_sha256"][:16],
            *(f"{one['seconds']:.1f}" for one in runs), "yes" if agreed(runs) else "[red]NO[/]",
        )  # fmt: skip
    console = Console(width=150)
    console.print(table)
    console.print(f"{sum(map(agreed, found.values()))} of {len(found)} streams agree")
    for failure in (one for runs in found.values() for run in runs for one in run["failures"][:3]):
        console.print(failure)
    return 0 if all(map(agreed, found.values())) else 1


def _runs(found: dict[str, list[dict[str, Any]]]) -> list[tuple[str, int]]:
    return [(one["kind"], one["jobs"]) for one in next(iter(found.values()), [])]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.json")
    parser.add_argument("--quick", action="store_true", help="a few small streams only")
    parser.add_argument("--streams", default="", help="names, separated by commas")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
