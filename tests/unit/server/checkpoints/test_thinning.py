"""With age of each minute, hour and day the last checkpoint is kept, and what went stays proven."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from remission_verify.merkle import verify_consistency

from server.checkpoints import receipts
from server.checkpoints.keys import fresh_keys
from server.checkpoints.notary import Notary
from server.checkpoints.thinning import DAY_US, SECOND_US, spare
from server.errors import ThingMissing
from store import Store, open_store
from store.records import Checkpoint
from tests.fixtures.events import some_events
from tests.fixtures.work import appending, keeping

NOW_US = 20_000 * DAY_US
MINUTE_US, HOUR_US = 60 * SECOND_US, 3_600 * SECOND_US
EVER = 1_000_000


def a_store(*ages_us: int, epoch: int = 1) -> Store:
    """Give a store with checkpoints of these ages, the oldest first; sizes count them from 1."""
    store = open_store("memory://", clock_us=lambda: 7)
    rows = [
        Checkpoint(epoch=epoch, size=size, root="", note=b"", created_us=NOW_US - age)
        for size, age in enumerate(ages_us, start=1)
    ]
    store.run(keeping(*rows))
    return store


def thinned(store: Store, now_us: int = NOW_US) -> list[Checkpoint]:
    """Let go of what may go, and give what is left, the oldest first."""
    store.run(keeping(*store.read(lambda reader: spare(reader, now_us, EVER))))
    return list(reversed(store.read(lambda reader: reader.checkpoints(limit=EVER))))


@pytest.mark.parametrize(
    ("age_us", "apart_us", "left"),
    [
        (DAY_US - HOUR_US, SECOND_US, 600),
        (2 * DAY_US, SECOND_US, 10),
        (30 * DAY_US, SECOND_US, 10),
        (40 * DAY_US, MINUTE_US, 10),
        (365 * DAY_US, MINUTE_US, 10),
        (400 * DAY_US, HOUR_US, 25),
    ],
)
def test_older_checkpoints_lie_farther_apart(age_us: int, apart_us: int, left: int) -> None:
    store = a_store(*(age_us + apart_us * count for count in range(600, 0, -1)))

    assert len(thinned(store)) == left


def test_the_last_of_a_stretch_is_the_one_that_is_kept() -> None:
    noon = 3 * DAY_US
    store = a_store(*(noon - SECOND_US * second for second in range(120)))

    assert [one.created_us - (NOW_US - noon) for one in thinned(store)] == [59 * SECOND_US, 119 * SECOND_US]


def test_who_thins_often_keeps_what_who_thins_once_keeps() -> None:
    rng = np.random.default_rng(5)
    bursts = rng.integers(0, 500 * DAY_US, 20)  # twenty checkpoints in each, within two hours
    ages = sorted((int(age) for burst in bursts for age in burst + rng.integers(0, 2 * HOUR_US, 20)), reverse=True)
    often, once = a_store(*ages), a_store(*ages)
    for day in range(-480, 0, 12):
        thinned(often, NOW_US + day * DAY_US)

    assert thinned(often) == thinned(once)
    assert 0 < len(thinned(once)) < 200


def test_nothing_goes_of_what_is_left() -> None:
    store = a_store(*(DAY_US * 400 - SECOND_US * 70_000 * count for count in range(400)))
    thinned(store)

    assert store.read(lambda reader: spare(reader, NOW_US, EVER)) == []


def test_dates_that_go_back_never_make_the_last_of_a_day_go() -> None:
    ages = [400 * DAY_US, 401 * DAY_US, 400 * DAY_US + 1, 399 * DAY_US, 401 * DAY_US]
    store = a_store(*ages)

    left = {one.created_us // DAY_US for one in thinned(store)}  # the store refuses the last of a day
    assert left == {(NOW_US - age) // DAY_US for age in ages}


def test_no_more_go_than_are_asked_for() -> None:
    store = a_store(*(2 * DAY_US - count for count in range(50)))

    assert len(store.read(lambda reader: spare(reader, NOW_US, 7))) == 7


def test_who_holds_a_checkpoint_that_went_gets_the_proof_that_the_log_begins_with_it() -> None:
    clock = [NOW_US - 3 * DAY_US]
    store, notary = (
        open_store("memory://", clock_us=lambda: 7),
        Notary(fresh_keys("log.example"), None, lambda: clock[0]),
    )
    held = []
    for number in range(9):
        store.run(appending(f"s{number}", 0, *some_events(f"s{number}", 37)))
        held.append(store.run(notary.sign))
        clock[0] += SECOND_US
    left = thinned(store)

    assert [one.size for one in left] == [held[-1].size]
    for old, newer in pairwise([*held[:-1], held[-1]]):
        assert old.size < newer.size
        found = store.read(lambda reader, old=old: receipts.consistency(reader, old.size, 0))  # type: ignore[misc]  # bound
        roots = bytes.fromhex(old.root), bytes.fromhex(found.newer.root)
        verify_consistency(old.size, roots[0], found.newer.size, roots[1], found.path)
    with pytest.raises(ThingMissing, match="no checkpoint of 37 events is kept; none before it is"):
        store.read(lambda reader: receipts.receipt(reader, 1, 37))
