"""A condition holds, cannot have held, or is open: on the windows that are on record, and no others."""

from __future__ import annotations

import pytest

from monitoring.signals.conditions import ALARMING, FAILS, HOLDS, OPEN, Signals, first, holds, stands
from statemachine.policies.sections import Condition, Persistence

YES: Signals = {"loss.up": 0.2}
NO: Signals = {"loss.up": 0.0}
UNKNOWN: Signals = {"loss.up": None}


def condition(of: int = 1, at_least: int = 1, then: str = "suspect") -> Condition:
    """Give a condition on a risen loss."""
    lasting = Persistence(of=of, at_least=at_least)
    return Condition(name="risen", when="loss.up > 0.1", persistence=lasting, then=then)


@pytest.mark.parametrize(
    ("looks", "stand"),
    [
        ([], OPEN),
        ([YES], OPEN),
        ([YES, YES], HOLDS),
        ([NO, NO], FAILS),
        ([YES, NO, YES], HOLDS),
        ([YES, NO, NO], FAILS),
        ([YES, UNKNOWN, NO], OPEN),
        ([UNKNOWN, UNKNOWN, UNKNOWN], OPEN),
        ([YES, YES, NO, NO], FAILS),
    ],
)
def test_two_of_the_last_three_windows_decide(looks: list[Signals], stand: str) -> None:
    assert stands(condition(3, 2), looks) == stand


def test_a_signal_that_is_not_known_makes_the_condition_not_known_also_beside_one_that_would_settle_it() -> None:
    assert holds("loss.up > 0.1 || rows > 0.0", {"loss.up": 0.2, "rows": None}) is None


def test_the_first_that_asks_for_what_is_wanted_is_found() -> None:
    found = first([condition(then="accept"), condition()], ALARMING, [YES])

    assert found == condition()


def test_numbers_are_reckoned_as_the_language_does() -> None:
    signals: Signals = {"rows": 0.0, "loss.up": 0.1}

    assert holds("1.0 / rows > 1e9 && 0.1 + 0.2 != 0.3 && -loss.up * 2.0 == -0.2", signals) is True


def test_what_is_reckoned_to_no_number_is_not_known() -> None:
    signals: Signals = {"rows": 0.0}

    assert holds("rows / rows < 1.0", signals) is None
