"""A whole log is derived again by any number of processes, and what was altered is named at its event."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from server.audit import auditing
from server.audit.checking import Failure, NoHands, Verification
from server.audit.crew import Crew
from server.history import folding
from store import Readable, migrate, open_reader
from tests.fixtures.histories import HISTORIES, History
from tests.fixtures.tampering import flip, past_the_store, payload, rejudge, rewrite

RECORDED = next(one for one in HISTORIES if one.name == "recorded")
LIVED = next(one for one in HISTORIES if one.name == "lived")
Change = Callable[[sqlite3.Connection], object]


def migrated(history: History, folder: Path) -> Path:
    file = history.unpacked(folder)
    migrate.upgrade(f"sqlite:///{file}")
    return file


@contextlib.contextmanager
def reading(file: Path) -> Iterator[Readable]:
    with contextlib.closing(open_reader(f"sqlite:///{file}")) as store:
        yield store


def verified(file: Path) -> Verification:
    with reading(file) as store:
        return auditing.verify(store)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return migrated(RECORDED, tmp_path)


def first(file: Path, kind: str) -> int:
    """Give the position of the first event of a type."""
    with contextlib.closing(sqlite3.connect(file)) as raw:
        (position,) = raw.execute("SELECT min(position) FROM events WHERE type = ?", (kind,)).fetchone()
    return int(position)


def altered(file: Path, change: Change) -> Verification:
    with past_the_store(file) as raw:
        change(raw)
    return verified(file)


def at(found: Verification, position: int) -> list[str]:
    """Give what is wrong at a position."""
    return [one.what for one in found.failures if one.position == position]


@pytest.mark.parametrize("jobs", [2, 4])
@pytest.mark.parametrize("history", [RECORDED, LIVED], ids=str)
def test_any_number_of_processes_finds_the_same(history: History, jobs: int, tmp_path: Path) -> None:
    file = migrated(history, tmp_path)
    alone = verified(file)

    with reading(file) as store, Crew(partial(open_reader, f"sqlite:///{file}"), jobs) as crew:
        together = auditing.verify(store, hands=crew)

    assert together == alone
    assert alone.rederived == alone.decisions == history.told["decisions"]
    assert alone.log_sha256 == history.told["log_sha256"]


def test_any_number_of_processes_finds_the_same_faults(recorded: Path) -> None:
    with past_the_store(recorded) as raw:
        raw.execute("UPDATE evidence SET body = body || x'20'")
    alone = verified(recorded)

    with reading(recorded) as store, Crew(partial(open_reader, f"sqlite:///{recorded}"), 3) as crew:
        together = auditing.verify(store, hands=crew)

    assert together == alone
    assert alone.failed == len(alone.failures) > 40
    assert alone.failures == sorted(alone.failures)


def test_pages_and_stretches_of_any_size_find_the_same(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = verified(recorded)

    for page, stretch in ((1, 1), (7, 3), (109, 1_000)):
        monkeypatch.setattr(folding, "PAGE", page)
        monkeypatch.setattr(auditing, "STRETCH", stretch)
        assert verified(recorded) == whole


def test_without_hands_nothing_is_derived_and_all_is_folded(recorded: Path) -> None:
    with reading(recorded) as store:
        found = auditing.verify(store, hands=NoHands())

    assert (found.events, found.decisions, found.failed) == (RECORDED.told["events"], 0, 0)
    assert found.log_sha256 == RECORDED.told["log_sha256"]


def test_one_byte_of_any_evidence_is_named_at_each_event_that_names_it(recorded: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - places, no secrets
    with contextlib.closing(sqlite3.connect(recorded)) as raw:
        kept = raw.execute("SELECT sha256, body FROM evidence").fetchall()
        bodies = raw.execute("SELECT position, CAST(payload AS TEXT) FROM events").fetchall()
    unseen = []
    with past_the_store(recorded) as raw:
        for sha256, body in chance.sample(kept, 12):
            named = {position for position, told in bodies if sha256 in told}
            raw.execute(
                "UPDATE evidence SET body = ? WHERE sha256 = ?", (flip(body, chance.randrange(len(body))), sha256)
            )
            found = verified(recorded)
            raw.execute("UPDATE evidence SET body = ? WHERE sha256 = ?", (body, sha256))
            if not named <= {one.position for one in found.failures}:
                unseen.append(sha256)

    assert len(kept) > 40
    assert unseen == []
    assert verified(recorded).failed == 0


def test_any_byte_of_a_policy_is_named_at_its_event(tmp_path: Path) -> None:
    file = migrated(LIVED, tmp_path)
    position = first(file, "policy_changed")
    with past_the_store(file) as raw:
        whole = payload(raw, position)
        for place in range(0, len(whole), 40):
            rewrite(raw, position, partial(flip, place=place))
            found = verified(file)
            assert "the payload was altered" in at(found, position), place
            assert not found.chain_ok
            rewrite(raw, position, lambda _: whole)

    assert verified(file).failed == 0


def test_a_policy_that_still_reads_is_named_and_so_is_what_it_would_have_changed(recorded: Path) -> None:
    found = altered(
        recorded, lambda raw: rewrite(raw, 1, lambda old: old.replace(b'"run_length":1000.0', b'"run_length":9999.0'))
    )  # fmt: skip

    assert at(found, 1) == ["the payload was altered"]
    assert any(one.type == "alarm_raised" and "the verdict differs" in one.what for one in found.failures)


@pytest.mark.parametrize("kind", ["alarm_raised", "canary_judged", "route_intended"])
def test_another_machine_version_is_named_at_its_event(recorded: Path, kind: str) -> None:
    position = first(recorded, kind)

    found = altered(
        recorded, lambda raw: raw.execute("UPDATE events SET machine_version = '3' WHERE position = ?", (position,))
    )

    assert at(found, position) == [
        "machine version '3' is unknown here; known: 1", "the envelope was altered",
    ]  # fmt: skip
    assert not found.replay_equal


def test_a_judge_of_another_version_is_named_at_its_event(recorded: Path) -> None:
    position = first(recorded, "gates_judged")

    found = altered(recorded, lambda raw: rejudge(raw, position, "gates@99"))

    assert "the payload was altered" in at(found, position)
    assert any(what.startswith("judge 'gates@99' is unknown here; known: ") for what in at(found, position))


def test_another_judge_that_is_known_is_named_by_what_it_says_instead(recorded: Path) -> None:
    position = first(recorded, "decline_confirmed")

    found = altered(recorded, lambda raw: rejudge(raw, position, "data_back@1"))

    assert any('event: recorded "decline_confirmed"' in what for what in at(found, position))


@pytest.mark.parametrize("column", ["type", "schema"])
def test_an_event_of_the_future_is_refused_at_its_place(recorded: Path, column: str) -> None:
    position = first(recorded, "diagnosis_made")

    found = altered(
        recorded, lambda raw: raw.execute(f"UPDATE events SET {column} = '9' WHERE position = ?", (position,))  # noqa: S608 - ours
    )  # fmt: skip

    assert any(what.startswith("unknown event") and "known: " in what for what in at(found, position))


def test_events_of_a_stream_without_a_state_are_missed(tmp_path: Path) -> None:
    found = altered(
        migrated(LIVED, tmp_path), lambda raw: raw.execute("DELETE FROM projections WHERE stream = 'people'")
    )

    assert [str(one) for one in found.failures] == ["the log has 218 events, of which 196 are of models with a state"]


def test_a_state_that_is_not_what_the_log_says_is_named(recorded: Path) -> None:
    found = altered(recorded, lambda raw: raw.execute("UPDATE projections SET body = x'7b7d'"))

    assert [str(one) for one in found.failures] == ["chicago: the replay differs from the stored state"]


def test_an_event_far_behind_the_end_is_found_without_counting_there(recorded: Path) -> None:
    found = altered(recorded, lambda raw: raw.execute("UPDATE events SET version = 1 << 60 WHERE version = 110"))

    assert f"version {2**60} stands where 110 belongs" in at(found, 110)


def test_many_failures_are_counted_and_the_first_are_kept() -> None:
    found = Verification()
    places = list(range(1, 3_001))
    random.Random(1).shuffle(places)  # noqa: S311 - an order, no secret

    for place in places:
        found.fail(Failure(place, "m", place, "held", "wrong"))
    found.settle()

    assert found.failed == 3_000
    assert [one.position for one in found.failures] == list(range(1, 1_001))
