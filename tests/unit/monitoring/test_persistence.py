"""Claims about blips of the loss: what confirms a decline lies farther behind its onset than a blip lasts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.detectors.losses import LASTING, Rise, extra_delay, followed
from measures.losses import fixed
from measures.sums import block
from monitoring.performance.decline import persists, resolve
from statemachine.policies.policy import Policy

POLICY = Policy()
WINDOW, SIZE = 100, 20
RUNS = 25


def losses(seed: int, *means: float) -> list[list[int]]:
    """Give blocks of losses of 0 and 1, one mean a block."""
    chance = np.random.default_rng(seed)
    return [block(fixed((chance.random(SIZE) < mean).astype(float), 1.0)) for mean in means]


def inputs(before: list[float], since: list[float]) -> dict[str, Any]:
    """Give what is recorded behind an alarm, of a champion whose accepted level is 0.3."""
    told = losses(1, *before, *since)
    return {"before": told[: len(before)], "blocks": told[len(before) :], "level": 0.3, "window": WINDOW}


CALM, EARLY = [0.28] * 20, [0.9] * 5  #: an alarm a window behind the rise


def test_what_a_blip_leaves_behind_its_alarm_proves_no_decline() -> None:
    blip = inputs(CALM + EARLY, [0.9] * 5)

    assert resolve(blip, POLICY).verdict == "confirmed"
    assert persists(blip, POLICY).verdict == "open"


def test_a_blip_that_went_is_cleared() -> None:
    assert persists(inputs(CALM + EARLY, [0.9] * 5 + [0.1] * 10), POLICY).verdict == "cleared"


def test_a_decline_is_confirmed_by_the_first_blocks_that_no_blip_reaches() -> None:
    """Two windows, a block in which the rise began, and two blocks that say the same."""
    assert persists(inputs(CALM + EARLY, [0.9] * 7), POLICY).verdict == "open"
    assert persists(inputs(CALM + EARLY, [0.9] * 8), POLICY).verdict == "confirmed"


def test_a_decline_that_was_seen_late_waits_for_nothing() -> None:
    late = inputs(CALM + [0.6] * 15, [0.6] * 5)

    assert persists(late, POLICY) == resolve(late, POLICY)


def test_a_rest_that_is_small_beside_the_rise_is_no_decline() -> None:
    """Evidence against the level alone stands where a share of what raised the alarm does not."""
    rest = inputs(CALM + EARLY, [0.9] * 6 + [0.45] * 16)

    assert persists(rest, POLICY).verdict == "open"
    assert persists(rest, Policy.from_json({"confirmation": {"lasting_share": 0.0}})).verdict == "confirmed"


def test_a_doubt_ends_where_later_rows_prove_nothing() -> None:
    rest = inputs(CALM + EARLY, [0.9] * 6 + [0.42] * (5 * POLICY.confirmation.most_windows + 2))

    assert persists(rest, POLICY).verdict == "cleared"


def test_a_policy_that_knows_no_blips_confirms_by_rows_behind_the_alarm() -> None:
    hasty = Policy.from_json({"confirmation": {"blip_windows": 0, "lasting_share": 0.0}})
    blip = inputs(CALM + EARLY, [0.9] * 5)

    assert persists(blip, hasty) == resolve(blip, hasty)


def test_blocks_before_the_alarm_may_be_gone() -> None:
    """Rows can be erased: then the alarm's own row is the earliest that the rise could have begun at."""
    assert persists(inputs([], [0.9] * 11), POLICY).verdict == "open"
    assert persists(inputs([], [0.9] * 15), POLICY).verdict == "confirmed"


@pytest.mark.parametrize("rise", [Rise(0.5, 1), Rise(0.28, 2), Rise(0.5, 2), Rise(0.7, 2)])
def test_blips_of_one_and_two_windows_are_not_confirmed(rise: Rise) -> None:
    """At most 1 % is allowed; `make evaluate-detectors` looks at 400 runs of each."""
    told = [followed(rise, run) for run in range(RUNS)]

    assert any(one["alarmed"] for one in told)
    assert not any(one["confirmed"] for one in told)


@pytest.mark.parametrize("rise", [Rise(0.24, LASTING), Rise(0.7, LASTING)])
def test_declines_that_last_are_confirmed_within_a_window_of_what_it_took(rise: Rise) -> None:
    told = [followed(rise, run) for run in range(RUNS)]

    assert all(one["confirmed"] is not None for one in told)
    assert extra_delay(told) <= 1.0
