"""Claims about the alarm of segments: one budget of error over all, and declines that drown in the whole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from measures.losses import fixed
from measures.sums import Block, block, log_e, span
from monitoring.performance import decline
from monitoring.performance.segments import alarm, normal
from statemachine.policies.policy import Policy
from statemachine.policies.sections import Segments

POLICY = Policy()
WINDOW, REFERENCE = 100, 1_000
Rows = tuple[np.typing.NDArray[np.int64], np.typing.NDArray[np.int64]]


def of(block: Block) -> tuple[int, int, int]:
    rows, total, squares = block
    return rows, total, squares


class World:
    """Rows of equal segments and a rest; losses are 0 or 1."""

    def __init__(self, seed: int, segments: int, share: float, rate: float) -> None:
        self.chance, self.rate, self.segments, self.share = np.random.default_rng(seed), rate, segments, share
        where, lost = self.draw(REFERENCE)
        self.whole = float(lost.mean()) / (1 << 20)
        blocks = [block(lost[where == k]) for k in range(segments)]
        self.levels = [normal((of(one),), segments, POLICY.segments) for one in blocks]
        self.windows: list[list[Block]] = []
        self.all: list[Block] = []

    def draw(self, rows: int, ill: float | None = None) -> Rows:
        """Draw the segment and the loss of each row; segment 1 fails at the rate *ill*, if it is given."""
        rest = 1 - self.segments * self.share
        where = self.chance.choice(self.segments + 1, size=rows, p=[*[self.share] * self.segments, rest])
        rates = np.where((where == 1) & (ill is not None), ill or 0.0, self.rate)
        return where, fixed((self.chance.random(rows) < rates).astype(float), 1.0)

    def pass_window(self, ill: float | None = None) -> str:
        """Add a window; name the segment that raises an alarm, if one does."""
        where, lost = self.draw(WINDOW, ill)
        self.windows.append([block(lost[where == k]) for k in range(self.segments)])
        self.all += [block(lost[at : at + 20]) for at in range(0, WINDOW, 20)]
        found = alarm(self.inputs(), POLICY)
        return found.name if found.raised else ""

    def inputs(self) -> dict[str, Any]:
        """Give what the judge asks for."""
        rows = round(WINDOW * self.share)
        told = [
            {"name": str(k), "level": level * 1.05, "window": rows, "blocks": [one[k] for one in self.windows[-20:]]}
            for k, level in enumerate(self.levels)
            if level is not None
        ]
        return {"segments": told}

    def whole_alarms(self) -> bool:
        """Say whether the loss of all rows together raises an alarm by now."""
        told = {"blocks": self.all[-100:], "level": self.whole * 1.05, "window": WINDOW}
        return decline.alarm(told, POLICY).raised


def test_steady_segments_raise_fewer_alarms_together_than_one_run_length_allows() -> None:
    """48 lives of 40 windows, each a look, with 4 to 16 segments, at a run length of 1,000: 1.9 are allowed."""
    lives = [(segments, share, rate) for segments, share in ((4, 0.05), (16, 0.06)) for rate in (0.05, 0.3)]
    raised = 0
    for seed in range(12):
        for segments, share, rate in lives:
            world = World(seed, segments, share, rate)
            raised += any(world.pass_window() for _ in range(40))

    assert raised <= 1


def test_a_decline_of_eight_percent_of_the_rows_is_found_and_named_where_the_whole_may_drown_it() -> None:
    """One of eight segments fails six times in ten, not two: the whole shows it in half of the lives, at most."""
    named, whole = [], 0
    for seed in range(12):
        world = World(seed, 8, 0.08, 0.2)
        found = [world.pass_window() for _ in range(10)] + [world.pass_window(0.6) for _ in range(30)]
        named += [next(filter(None, found), "")]
        whole += world.whole_alarms()

    assert named.count("1") >= 10
    assert set(named) <= {"1", ""}
    assert whole <= 6


def test_a_segment_of_few_reference_rows_has_no_normal() -> None:
    least = Segments().least_rows

    assert [normal(((rows, 0, 0),), 1, Segments()) is None for rows in (least - 1, least)] == [True, False]


def test_what_is_normal_is_wrong_in_any_segment_as_rarely_as_alpha_says() -> None:
    """2,000 references of 8 segments, of 80 rows each that fail three times in ten; the normal law is an estimate."""
    chance, policy = np.random.default_rng(5), Segments()
    wrong = 0
    for _ in range(2_000):
        lost = fixed((chance.random((8, 80)) < 0.3).astype(float), 1.0)
        wrong += any((normal((of(block(one)),), 8, policy) or 0.0) < 0.3 for one in lost)

    assert wrong / 2_000 <= 1.3 * policy.alpha


def test_no_segment_raises_nothing() -> None:
    assert not alarm({"segments": []}, POLICY).raised


def test_the_evidence_is_the_mean_of_what_each_segment_shows() -> None:
    """One window of each: one that rose, and one that speaks for nothing."""
    rose, calm = ([of(block(fixed(np.full(20, lost), 1.0)))] for lost in (0.5, 0.1))
    told = [{"name": name, "level": 0.3, "window": 20, "blocks": each} for name, each in (("a", calm), ("b", rose))]

    found = alarm({"segments": told}, POLICY)

    shown = math.exp(log_e(span(rose, 0.3), decline.DESIGN_WINDOWS * 20))
    assert (found.name, found.raised) == ("b", False)
    assert found.log_evidence == pytest.approx(math.log((shown + 1) / 2))


def test_segments_that_do_better_than_is_normal_speak_for_nothing() -> None:
    few = {"level": 0.3, "window": 20, "blocks": [of(block(fixed(np.zeros(20), 1.0)))] * 5}

    found = alarm({"segments": [{"name": "a", **few}, {"name": "b", **few}]}, POLICY)

    assert (found.log_evidence, found.raised) == (0.0, False)
