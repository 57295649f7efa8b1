"""Claims about workers of whom nothing is heard, by a clock that is never set."""

from __future__ import annotations

from dataclasses import replace

from server.jobs.vigil import LEASE_US, Vigil, sign_of
from store.records import Lease

MINE = Lease(job_id="a", attempt=1, worker="w", token="", lease_until_us=0, heartbeat_us=7)
OTHER = replace(MINE, job_id="b")


def test_a_worker_is_silent_a_lease_after_it_was_first_seen_whatever_its_dates_say() -> None:
    vigil = Vigil()

    assert [vigil.silent([MINE], at_us) for at_us in (5, LEASE_US + 4)] == [[], []]
    assert vigil.silent([MINE, OTHER], LEASE_US + 5) == [sign_of(MINE)]


def test_each_sign_of_life_and_each_attempt_begins_anew() -> None:
    vigil = Vigil()
    vigil.silent([MINE, OTHER], 0)
    heard = vigil.silent([replace(MINE, heartbeat_us=3), replace(OTHER, attempt=2)], LEASE_US)

    assert heard == []
    assert vigil.silent([replace(MINE, heartbeat_us=3)], 2 * LEASE_US) == [("a", 1, 3)]


def test_what_could_not_be_said_while_the_database_was_away_is_no_silence() -> None:
    vigil = Vigil()
    vigil.silent([MINE], 0)
    vigil.begin_anew()

    assert [vigil.silent([MINE], at_us) for at_us in (LEASE_US, 2 * LEASE_US)] == [[], [sign_of(MINE)]]
