"""Claims about sealed entries: what was accepted is what is read, and what is erased is gone, and nothing else is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from server.errors import ThingMissing
from server.intake import feed
from server.intake.sealing import ROWS, Sealer, erased_rows
from store.records import FeedItem
from store.vault import PERIOD_US, KeyUnknown, SealBroken, Vault, open_vault

FLOATS = st.floats(width=64)
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
SUBJECTS = ("", "ann", "bob", "cat")
CLOCK_US = iter(range(1, 10**9)).__next__


def a_sealer(now_us: int = 0) -> Sealer:
    return Sealer(open_vault("memory://", clock_us=CLOCK_US), lambda: now_us)


def item(kind: str, body: bytes, *, seq: int = 1, count: int = 0, first_row: int = 0, model: str = "m") -> FeedItem:
    return FeedItem(
        stream=model, seq=seq, kind=kind, batch_id="b", first_row=first_row, row_count=count, watermark_us=0, body=body
    )


def destroy(vault: Vault, *subjects: str) -> set[str]:
    """Destroy the keys of subjects, of which no subject is one; name them."""
    wanted = {vault.pseudonym("subject", one) if one else "" for one in subjects}
    gone = {key.key_id for one in wanted for key in vault.find(ROWS, pseudonym=one)}
    vault.destroy(gone)
    return gone


@st.composite
def some_rows(draw: st.DrawFn) -> tuple[feed.Rows, list[str]]:
    count, features = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    column = arrays.arrays(np.float64, count, elements=FLOATS)
    whole = arrays.arrays(np.int64, count, elements=st.integers(-(2**62), 2**62))
    outputs = draw(st.dictionaries(IDS, column, min_size=1, max_size=3))
    entry = feed.Rows(
        first_row=draw(st.integers(0, 10**9)),
        ids=draw(st.lists(IDS, min_size=count, max_size=count, unique=True)),
        times_us=draw(whole),
        features=draw(arrays.arrays(np.float64, (features, count), elements=FLOATS)),
        outputs=outputs,
        served_by=list(outputs),
        served=draw(arrays.arrays(np.uint8, count, elements=st.integers(0, len(outputs) - 1))),
        generation=draw(st.integers(0, 99)),
        categories={},
        latency_us=draw(st.none() | whole),
    )
    return entry, draw(st.lists(st.sampled_from(SUBJECTS), min_size=count, max_size=count) | st.just([]))


def bits(values: Any) -> Any:
    return values.tobytes() if isinstance(values, np.ndarray) else values


def plain(entry: feed.Rows, rows: np.ndarray[Any, Any]) -> list[Any]:
    """Give all that is known of some rows of an entry, as bits."""
    names = [entry.ids[i] for i in rows]
    columns = [entry.times_us, entry.served, *entry.outputs.values(), *entry.features, entry.latency_us]
    return [names, *(bits(column[rows]) if column is not None else None for column in columns)]


@given(some_rows())
def test_rows_are_read_as_they_were_sealed_whoever_they_are_about(found: tuple[feed.Rows, list[str]]) -> None:
    sealer, (entry, subjects) = a_sealer(), found
    keyed = sealer.keyed("m", entry, subjects)

    [(_, read)] = sealer.opened([item(feed.ROWS, sealer.sealed("m", 1, keyed), count=entry.count)])

    assert isinstance(read, feed.Rows)
    everything = np.arange(entry.count)
    assert plain(read, everything) == plain(entry, everything)
    assert (read.first_row, read.generation, read.served_by) == (entry.first_row, entry.generation, entry.served_by)
    assert read.erased is None


@given(some_rows(), st.sets(st.sampled_from(SUBJECTS), min_size=1))
def test_rows_whose_key_is_destroyed_are_unknown_and_no_others(
    found: tuple[feed.Rows, list[str]], gone: set[str]
) -> None:
    sealer, (entry, subjects) = a_sealer(), found
    body = sealer.sealed("m", 1, sealer.keyed("m", entry, subjects))
    mine = np.array([one in gone for one in subjects or [""] * entry.count])
    destroyed = destroy(sealer.vault, *gone)

    [(_, read)] = sealer.opened([item(feed.ROWS, body, count=entry.count)])

    assert isinstance(read, feed.Rows)
    erased = np.zeros(entry.count, dtype=bool) if read.erased is None else read.erased
    assert erased.tolist() == mine.tolist()
    assert plain(read, np.flatnonzero(~mine)) == plain(entry, np.flatnonzero(~mine))
    assert np.isnan(read.features[:, mine]).all()
    assert {read.ids[i] for i in np.flatnonzero(mine)} <= {""}
    items = [item(feed.ROWS, body, count=entry.count, first_row=entry.first_row)]
    assert erased_rows(items, destroyed)[0].tolist() == (entry.first_row + np.flatnonzero(mine)).tolist()


@given(st.lists(st.tuples(FLOATS, st.sampled_from(SUBJECTS)), min_size=1, max_size=8), st.sampled_from(SUBJECTS))
def test_labels_are_sealed_and_erased_with_their_rows(told: list[tuple[float, str]], gone: str) -> None:
    sealer = a_sealer()
    subjects = [subject for _, subject in told]
    count = len(told)
    rows = feed.Rows(
        first_row=0, ids=[f"p-{i}" for i in range(count)], times_us=np.zeros(count, dtype=np.int64),
        features=np.zeros((1, count)), outputs={"v": np.zeros(count)}, served_by=["v"],
        served=np.zeros(count, dtype=np.uint8), generation=0,
    )  # fmt: skip
    keys = sealer.keyed("m", rows, subjects).keys
    entry = feed.Labels(rows=np.arange(count), values=np.array([value for value, _ in told]), time_us=7)
    body = sealer.sealed("m", 2, entry, keys)
    destroyed = destroy(sealer.vault, gone)

    [(_, read)] = sealer.opened([item(feed.LABELS, body, seq=2, count=count)])

    assert isinstance(read, feed.Labels)
    assert (read.rows.tolist(), read.time_us) == (list(range(count)), 7)
    mine = np.array(subjects) == gone
    assert bits(read.values[~mine]) == bits(entry.values[~mine])
    assert np.isnan(read.values[mine]).all()
    assert erased_rows([item(feed.LABELS, body, seq=2, count=count)], destroyed)[1] == mine.sum()


def an_entry(**changes: Any) -> feed.Rows:
    known: dict[str, Any] = {
        "first_row": 0, "ids": ["p-1", "p-2"], "times_us": np.array([5, 9]), "features": np.full((1, 2), 3.25),
        "outputs": {"v1": np.full(2, 0.5)}, "served_by": ["v1"], "served": np.zeros(2, dtype=np.uint8), "generation": 1,
    }  # fmt: skip
    return feed.Rows(**{**known, **changes})


def test_nothing_of_a_row_stands_in_clear() -> None:
    sealer = a_sealer()
    body = sealer.sealed("m", 1, sealer.keyed("m", an_entry(), ["ann", ""]))

    assert [trace for trace in (b"p-1", b"p-2", b"ann", np.float64(3.25).tobytes()) if trace in body] == []


def test_an_entry_that_was_altered_or_moved_is_a_fault_that_names_its_key() -> None:
    sealer = a_sealer()
    keyed = sealer.keyed("m", an_entry(), [])
    body = sealer.sealed("m", 1, keyed)
    torn = body[:-1] + bytes([body[-1] ^ 1])

    for wrong in (item(feed.ROWS, torn, count=2), item(feed.ROWS, body, seq=2), item(feed.ROWS, body, model="n")):
        with pytest.raises(SealBroken, match=keyed.keys.ids[0] if keyed.keys else "no keys"):
            list(sealer.opened([wrong]))


def test_an_entry_that_another_vault_has_sealed_is_a_fault_and_not_erased() -> None:
    other = a_sealer()
    body = other.sealed("m", 1, other.keyed("m", an_entry(), []))

    with pytest.raises(KeyUnknown):
        list(a_sealer().opened([item(feed.ROWS, body, count=2)]))


def test_an_entry_of_a_release_that_sealed_nothing_is_read_as_it_is() -> None:
    entry = an_entry()

    [(_, read)] = a_sealer().opened([item(feed.ROWS, feed.encode(entry), count=2)])

    assert isinstance(read, feed.Rows)
    assert plain(read, np.arange(2)) == plain(entry, np.arange(2))


def test_each_period_has_keys_of_its_own() -> None:
    vault = open_vault("memory://", clock_us=CLOCK_US)
    ids = [Sealer(vault, lambda now=now: now).plain("m") for now in (0, PERIOD_US - 1, PERIOD_US)]  # type: ignore[misc]  # a bound default

    assert ids[0] == ids[1] != ids[2]


def test_labels_for_rows_that_were_erased_a_moment_ago_are_refused() -> None:
    sealer = a_sealer()
    keys = sealer.keyed("m", an_entry(), ["ann", "ann"]).keys
    destroy(sealer.vault, "ann")

    with pytest.raises(ThingMissing, match="erased while it came in"):
        sealer.sealed("m", 2, feed.Labels(rows=np.arange(2), values=np.zeros(2), time_us=0), keys)


def test_points_of_series_are_about_nobody_and_stay_in_clear() -> None:
    points = feed.Points(points=[{"name": "rate", "time_us": 1}])
    body = a_sealer().sealed("m", 1, points)

    assert [entry for _, entry in a_sealer().opened([item(feed.METRICS, body)])] == [points]
