"""What is remembered of erasures, and of what forbids them."""

from __future__ import annotations

from statemachine import events as e
from tests.unit.statemachine.laws import born, folded


def test_erasures_are_counted_and_a_legal_hold_lasts_until_it_is_lifted() -> None:
    gone = e.Erased(erasure="x", scope="age", pseudonym="", rows=1, labels=0, versions=[], jobs=[], note="")
    held = folded(born(), gone, gone, e.LegalHoldPlaced(note=""))

    assert (held.erasures, held.legal_hold) == (2, True)
    assert not folded(held, e.LegalHoldLifted(note="")).legal_hold
