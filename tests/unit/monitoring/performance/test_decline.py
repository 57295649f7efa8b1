"""Claims about the alarm of loss and the second look. Error rates are simulated with seeds, against their bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from measures.losses import fixed
from measures.sums import block
from monitoring.performance.decline import alarm, persists, recovered, resolve, returned
from statemachine.policies.policy import Policy

POLICY = Policy()
WINDOW, SIZE = 100, 20


def blocks(rate: float, windows: int, seed: int = 1, size: int = SIZE) -> list[list[int]]:
    """Give blocks of 0/1 losses with mean *rate*."""
    chance = np.random.default_rng(seed)
    return [block(fixed((chance.random(size) < rate).astype(float), 1.0)) for _ in range(windows * 5)]


def inputs(found: list[list[int]], level: float = 0.3) -> dict[str, Any]:
    return {"blocks": found, "level": level, "window": WINDOW}


def test_a_steady_loss_raises_fewer_alarms_than_its_run_length_allows() -> None:
    """60 streams of 60 looks at a promised run length of 1,000 looks: 3.6 alarms are allowed on average."""
    raised = 0
    for seed in range(60):
        whole = blocks(0.3, 60, seed)
        raised += any(alarm(inputs(whole[max(end - 100, 0) : end]), POLICY).raised for end in range(5, 301, 5))

    assert raised <= 6


def test_a_loss_below_its_level_speaks_for_nothing() -> None:
    found = alarm(inputs(blocks(0.1, 8)), POLICY)

    assert (found.log_evidence, found.raised) == (0.0, False)


def test_a_doubled_loss_is_noticed_and_dated() -> None:
    """Twenty steady windows are the memory; the rise begins four windows before the end."""
    found = alarm(inputs([*blocks(0.3, 16), *blocks(0.6, 4, seed=2)]), POLICY)

    assert found.raised
    assert 70 <= found.onset <= 90


def test_a_gradual_rise_is_noticed_too() -> None:
    rising = [one for step in range(20) for one in blocks(0.3 + 0.01 * step, 1, seed=step)]

    assert alarm(inputs(rising), POLICY).raised


def test_no_block_raises_nothing() -> None:
    assert not alarm(inputs([]), POLICY).raised


def test_a_rise_that_stays_is_confirmed_and_one_that_went_is_cleared() -> None:
    assert resolve(inputs(blocks(0.6, 3)), POLICY).verdict == "confirmed"
    assert resolve(inputs(blocks(0.1, 3)), POLICY).verdict == "cleared"


def test_less_than_a_window_leaves_a_doubt_open() -> None:
    assert resolve(inputs(blocks(0.9, 3)[:4]), POLICY).verdict == "open"


def test_a_doubt_is_cleared_in_time_when_nothing_shows() -> None:
    level = inputs(blocks(0.3, POLICY.confirmation.most_windows + 1))

    assert resolve(level, POLICY).verdict != "open"


def test_false_confirmations_keep_to_their_level() -> None:
    """200 blips that are over when the second look begins: at most a third may be confirmed; fewer are."""
    confirmed = 0
    for seed in range(200):
        whole = blocks(0.3, 7, seed)
        for end in range(5, 36, 5):
            found = resolve(inputs(whole[:end]), POLICY)
            if found.verdict != "open":
                confirmed += found.verdict == "confirmed"
                break

    assert confirmed / 200 <= POLICY.confirmation.alpha


def test_a_degraded_champion_recovers_on_strong_evidence_only() -> None:
    windows = POLICY.confirmation.most_windows

    assert recovered(inputs(blocks(0.05, windows)), POLICY).verdict == "recovered"
    assert recovered(inputs(blocks(0.05, windows - 1)), POLICY).verdict == "open"
    assert recovered(inputs(blocks(0.28, windows)), POLICY).verdict == "open"


def back(risen: list[list[int]], late: list[list[int]], level: float = 0.105) -> dict[str, Any]:
    """Give what is asked of a degraded champion: what it cost first, and what of late."""
    return {**inputs(late, level), "risen": risen}


def first_return(high: float, later: float, level: float, seed: int, windows: int = 18) -> int:
    """Say at which window behind the first six a champion is called back, looked at with each; 0 for never."""
    risen, late = blocks(high, 6, seed), blocks(later, windows, seed + 1_000)
    for seen in range(1, windows + 1):
        asked = back(risen, late[max(seen - 12, 0) * 5 : seen * 5], level)
        if returned(asked, POLICY).verdict == "recovered":
            return seen
    return 0


def test_a_loss_that_is_normal_again_is_a_recovery_though_nothing_proves_it_below_its_level() -> None:
    risen, late = blocks(0.3, 6), blocks(0.1, 6, seed=2)

    assert recovered(inputs(late, 0.105), POLICY).verdict == "open"
    assert returned(back(risen, late), POLICY).verdict == "recovered"


def test_nine_in_ten_champions_that_are_as_good_as_ever_are_called_so_within_a_memory_of_windows() -> None:
    found = [first_return(0.25, 0.1, 0.105, seed) for seed in range(100)]

    assert sum(one > 0 for one in found) >= 90
    assert min(one for one in found if one) == POLICY.confirmation.most_windows


@pytest.mark.parametrize(("level", "high"), [(0.105, 0.3), (0.105, 0.15), (0.315, 0.4)])
def test_a_decline_that_lasts_is_seldom_called_over(level: float, high: float) -> None:
    """One in twenty is allowed; each of 100 declines is looked at with each of 18 windows."""
    assert sum(first_return(high, high, level, seed) > 0 for seed in range(100)) <= 5


def test_a_loss_that_fell_to_half_of_its_rise_is_still_a_decline() -> None:
    assert sum(first_return(0.5, 0.3, 0.105, seed) > 0 for seed in range(100)) <= 5


def test_without_rows_that_tell_of_the_rise_a_recovery_must_be_proved_below_the_level() -> None:
    assert returned(back([], blocks(0.1, 12)), POLICY).verdict == "open"
    assert returned(back([], blocks(0.05, 6), level=0.3), POLICY).verdict == "recovered"


def since(before: list[list[int]], after: list[list[int]]) -> dict[str, Any]:
    """Give a second look at a rise: what the alarm looked at, and what has come behind it."""
    return {**inputs(after), "before": before}


ROSE = [*blocks(0.3, 4), *blocks(0.9, 1, seed=2)]


def test_a_rise_that_stays_for_longer_than_a_blip_is_lasting() -> None:
    assert persists(since(ROSE, blocks(0.9, 5, seed=3)), POLICY).verdict == "confirmed"


def test_a_blip_that_began_before_the_alarm_and_ended_behind_it_confirms_nothing() -> None:
    later = since(ROSE, [*blocks(0.9, 1, seed=3), *blocks(0.3, 2, seed=4)])

    assert resolve(later, POLICY).verdict == "confirmed"
    assert persists(later, POLICY).verdict != "confirmed"


def test_what_stays_of_a_rise_must_be_the_share_of_it_that_the_policy_asks_for() -> None:
    rows = [[SIZE, int(SIZE * rate) << 20, int(SIZE * rate) << 20] for rate in (0.55, 0.65) for _ in range(30)]
    less, enough = (since(ROSE, part) for part in (rows[:30], rows[30:]))

    assert resolve(less, POLICY).verdict == "confirmed"
    assert [persists(one, POLICY).verdict for one in (less, enough)] == ["open", "confirmed"]


def test_within_what_a_blip_may_last_a_rise_is_in_doubt_and_once_it_is_over_it_is_cleared() -> None:
    assert persists(since(ROSE, blocks(0.9, 1, seed=3)), POLICY).verdict == "open"
    assert persists(since(ROSE, blocks(0.1, 4, seed=3)), POLICY).verdict == "cleared"


def flat(*rates: float) -> list[list[int]]:
    """Give blocks of 0/1 losses of exactly these means."""
    return [[SIZE, round(SIZE * rate) << 20, round(SIZE * rate) << 20] for rate in rates]


FLAT = flat(*[0.3] * 20, *[0.9] * 5)


def test_two_blocks_behind_a_blip_and_the_one_that_it_may_end_in_make_a_rise_lasting() -> None:
    found = [persists(since(FLAT, flat(*[0.9] * count)), POLICY).verdict for count in (7, 8)]

    assert found == ["open", "confirmed"]


def test_later_rows_that_are_far_apart_confirm_nothing_however_high_their_mean() -> None:
    assert persists(since(FLAT, flat(*[0.9] * 6, 1.0, 0.3)), POLICY).verdict == "open"
