"""`remission replay --db`: logs folded and derived again from a database alone, with no server."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.interrupts import interruptible
from cli.tables import plain, visible, wide
from server.audit import auditing
from server.audit.auditing import Told
from server.audit.checking import Hands, NoHands, OwnHands, Verification
from server.audit.crew import Crew
from server.errors import ThingMissing
from server.history import folding
from server.settings import Settings
from server.wiring import open_log, opened_vault
from store import Readable

EVENTS_A_PROCESS = 5_000  #: below, a process takes longer to begin than to derive
MOST_SHOWN = 20  #: failures that people are shown; machines get the first thousand


class ReplayInterrupted(Exception):
    """Somebody has stopped a replay; nothing was written."""

    def __init__(self, found: Verification, events: int) -> None:
        super().__init__(
            f"interrupted: {found.events} of {events} events folded, {found.rederived} decisions derived again, "
            f"{found.failed} failures so far; nothing was written"
        )


def run_recheck(model: str, settings: Settings, *, derive: bool, jobs: int, as_json: bool) -> bool:
    """Fold logs again, and derive their decisions when asked; say whether all is as it was."""
    with contextlib.closing(open_log(settings)) as store, opened_vault(settings) as vault:
        models = [model] if model else []
        events, found = _events(store, model), Verification()
        jobs = (jobs or worthwhile(events)) if derive else 0
        try:
            with _hands(store, settings, jobs) as hands, _bar(model or "log", events) as told:
                auditing.verify(store, models, hands, found, told, vault=vault)
        except KeyboardInterrupt as error:
            raise ReplayInterrupted(found, events) from error
    _show(_report(found, derive=derive), as_json=as_json)
    return not found.failed


def worthwhile(events: int) -> int:
    """Say how many processes are worth their beginning, at most one a processor."""
    return min(len(os.sched_getaffinity(0)), 1 + events // EVENTS_A_PROCESS)


def _events(store: Readable, model: str) -> int:
    if not model:
        return store.read(lambda reader: reader.head().position)
    if not folding.version_of(store, model):
        raise ThingMissing("model", f"the log holds no model {model!r}")
    return folding.version_of(store, model)


@contextlib.contextmanager
def _hands(store: Readable, settings: Settings, jobs: int) -> Iterator[Hands]:
    """Give who derives: nobody, this process, or a crew."""
    if jobs > 1:
        with Crew(partial(open_log, settings), jobs) as crew:
            yield crew
    else:
        yield OwnHands(store) if jobs else NoHands()


@contextlib.contextmanager
def _bar(name: str, events: int) -> Iterator[Told]:
    parts = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with interruptible() as again, Progress(*parts, console=plain(stderr=True)) as bar:
        line = bar.add_task(name, total=events)

        def told(more: int) -> None:
            again()
            bar.advance(line, more)

        yield told


def _report(found: Verification, *, derive: bool) -> dict[str, Any]:
    told = {
        "models": found.models, "events": found.events, "equal": found.replay_equal, "chain_ok": found.chain_ok,
        "beside_ok": found.beside_ok, "feed_entries": found.feed_entries, "without_feed": found.without_feed,
        "unopened": found.unopened,
        "log_sha256": found.log_sha256,
    }  # fmt: skip
    if derive:
        told |= {"decisions": found.decisions, "rederived": found.rederived, "erased": found.erased}
    if found.root:
        told |= {"tree_ok": found.tree_ok, "root": found.root}
    return {**told, "failed": found.failed, "failures": [asdict(one) for one in found.failures]}


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    console = wide()
    if as_json:
        console.print_json(json.dumps(told))
        return
    console.print(", ".join(f"{name} {value}" for name, value in told.items() if name != "failures"))
    if told["failures"]:
        table = Table("model", "version", "position", "type", "what", header_style="bold")
        for one in told["failures"][:MOST_SHOWN]:
            table.add_row(one["model"], str(one["version"]), str(one["position"]), one["type"], visible(one["what"]))
        console.print(table)
