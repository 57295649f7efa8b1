"""The scenarios: what happens in each, and what a sound policy does about it. A new one is a row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from backtest.drills import planting as p
from backtest.drills.ground import WINDOWS_AFTER, Plan
from backtest.drills.scenario import Kind, Scenario
from backtest.stream import Floats, Stream
from monitoring.profiles.reference import LABEL
from monitoring.quality.clock import BEHIND, CLOCK, STILL, TIME
from monitoring.quality.labels import LABEL_CLASS, LABELS

END = float(WINDOWS_AFTER)
FAULT = (0.0, 6.0)  #: windows; shorter than a policy waits before it takes a fault for the world
SILENT = 1.5  #: times what the policy lets pass as silence
ZONE_US = 23 * 3_600_000_000  #: what a clock is set back by; a day would be refused
LOST = 0.6  #: share of the labels that never come
RISE = 3.0  #: times the usual latency


def _as_it_is(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    del plan, chance
    return p.Planted(stream=stream, touched=np.zeros(stream.rows, dtype=np.bool_))


def _rows_moved(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    del chance
    return p.Planted(stream=stream, touched=p.between(plan, (0, END)))


def _turned(*spans: tuple[float, float]) -> Callable[[Stream, Plan, p.Chance], p.Planted]:
    return lambda stream, plan, _: p.concept(stream, p.between(plan, *spans))


def _gradual(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    return p.concept(stream, p.ramp(plan, END / 3, chance))


def _local(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    del chance
    return p.concept(stream, p.segment(stream) & p.between(plan, (0, END)))


def _declared(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    del chance
    return p.declared(stream, plan, p.between(plan, (0, END)))


def _stuck(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    del chance
    return p.broken(stream, p.between(plan, FAULT), lambda x: np.full_like(x, np.nanquantile(x, 0.9)), p.varied)


def _frozen(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    del chance
    return p.frozen(stream, p.between(plan, FAULT))


def _broken(change: Callable[[Floats], Floats], share: float = 0.5) -> Callable[..., p.Planted]:
    def plant(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
        return p.broken(stream, p.between(plan, FAULT) & (chance.random(stream.rows) < share), change)

    return plant


def _new_word(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    return p.new_word(stream, p.between(plan, FAULT) & (chance.random(stream.rows) < 1 / 2))


def _sent_twice(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    return p.sent_twice(stream, p.between(plan, FAULT) & (chance.random(stream.rows) < 1 / 2))


def _far_out(values: Floats) -> Floats:
    return np.asarray(np.nanmax(values) + 2 * (np.nanmax(values) - np.nanmin(values)) + 0 * values)


def _late(windows: float) -> Callable[[Stream, Plan, p.Chance], p.Planted]:
    def plant(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
        row, planted = np.arange(stream.rows), _as_it_is(stream, plan, chance)
        return replace(planted, due=np.where(row >= plan.change, row + round(windows * plan.window), row))

    return plant


def _withheld(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    row, end = np.arange(stream.rows), plan.after(plan.silent_windows * SILENT)
    return replace(_as_it_is(stream, plan, chance), due=np.where((row >= plan.change) & (row < end), end, row))


def _thinned(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    lost = p.between(plan, FAULT) & (chance.random(stream.rows) < LOST)
    due = np.where(lost, stream.rows, np.arange(stream.rows))
    return p.Planted(stream=stream, touched=lost, feature=LABEL, due=due)


def _behind(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    del chance
    where = p.between(plan, FAULT)
    return p.Planted(stream=replace(stream, times_us=stream.times_us - where * ZONE_US), touched=where, feature=TIME)


def _gap(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    gap_us = np.where(np.arange(stream.rows) >= plan.change, int(plan.silence_us * SILENT), 0)
    return _as_it_is(replace(stream, times_us=stream.times_us + gap_us), plan, chance)


def _slow(stream: Stream, plan: Plan, chance: p.Chance) -> p.Planted:
    points = 100 + chance.normal(size=stream.rows // plan.window + 1)
    first = (plan.change - plan.reference_rows) // plan.window
    points[first : first + round(END / 3)] *= RISE
    return replace(_as_it_is(stream, plan, chance), series=points)


_CONCEPT = ("concept_change",)
#: Where no other column knows it, a column that is turned round and a truth that is turned along it look alike.
_CONCEPT_OR_COLUMN = (*_CONCEPT, "upstream_change")
_BAD = ("data_quality",)
#: A value far beyond all others that comes in many rows is each of these.
_FAR = ("out_of_range", "absurd", "sentinel")
_BROKEN = (
    "The fault is named as one of the data, nothing is retrained, and the model is healthy once they are repaired."
)
_REMEDY = "the decline is confirmed and named, and a remedy earns its traffic"

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="calm", kind=Kind.NOTHING, plant=_as_it_is,
        happens="Nothing changes.", sound="The model stays in service, and no decline is confirmed.",
    ),
    Scenario(
        name="covariate", kind=Kind.CHANGE, plant=_rows_moved, pick=p.rows_by_bend, causes=("covariate_drift",),
        happens="At once, rows that were rare become the rule, in a part that the model knows badly.",
        sound=f"Where the loss rises, {_REMEDY}.",
    ),
    Scenario(
        name="harmless", kind=Kind.NOTHING, plant=_rows_moved, pick=p.rows_by_feature(-1), causes=("covariate_drift",),
        happens="The least telling number moves; what follows from a row does not, and the loss does not rise.",
        sound="Nothing is done about it as long as labels show that it costs nothing.",
    ),
    Scenario(
        name="concept", kind=Kind.CHANGE, plant=_turned((0, END)), causes=_CONCEPT,
        happens="At once, what spoke for an outcome speaks against it.", sound=f"At once, {_REMEDY}.",
    ),
    Scenario(
        name="gradual", kind=Kind.CHANGE, plant=_gradual, causes=_CONCEPT,
        happens="The concept turns round row by row, over ten windows.",
        sound=f"Before it is through or after, {_REMEDY}.",
    ),
    Scenario(
        name="recurring", kind=Kind.CHANGE, plant=_turned((0, 10), (20, END)), causes=_CONCEPT, lasts=False,
        happens="The concept turns round for ten windows, is as it was for ten, and turns round again.",
        sound="The decline is confirmed and named; whatever is promoted never costs more than the model left alone.",
    ),
    Scenario(
        name="blip-1", kind=Kind.BLIP, plant=_turned((0, 1)), causes=_CONCEPT,
        happens="The concept turns round for one window.", sound="At most a suspicion, which later rows clear.",
    ),
    Scenario(
        name="blip-2", kind=Kind.BLIP, plant=_turned((0, 2)), causes=_CONCEPT, loud=True,
        happens="The concept turns round for two windows.", sound="No more than a suspicion, which later rows clear.",
    ),
    Scenario(
        name="prior", kind=Kind.CHANGE, plant=_rows_moved, pick=p.rows_by_label, causes=("label_shift",),
        happens="One outcome becomes much more frequent; what its rows look like stays.",
        sound=f"Where the loss rises, {_REMEDY}.",
    ),
    Scenario(
        name="local", kind=Kind.CHANGE, plant=_local, causes=_CONCEPT_OR_COLUMN,
        happens="The concept turns round in one segment of the rows.", sound=f"Where the loss rises, {_REMEDY}.",
    ),
    Scenario(
        name="segment", kind=Kind.LOCAL, plant=_declared, causes=(*_CONCEPT, "segment"),
        happens="What is true turns round in the smallest segment that the policy declares, and nowhere else.",
        sound="The segment is named, though it may drown in the whole.",
    ),
    Scenario(
        name="missing", kind=Kind.FAULT, plant=_broken(lambda x: np.full_like(x, np.nan)), causes=_BAD,
        faults=("missing",),
        happens="Half of the values of the most telling number are missing, for six windows.", sound=_BROKEN,
    ),
    Scenario(
        name="out-of-range", kind=Kind.FAULT, plant=_broken(_far_out), causes=_BAD,
        faults=_FAR,
        happens="Half of the values of the most telling number are impossible, for six windows.", sound=_BROKEN,
    ),
    Scenario(
        name="unit-change", kind=Kind.FAULT, plant=_broken(lambda x: x * 1_000, 1.0), causes=_BAD,
        faults=("unit", *_FAR),
        happens="The most telling number comes in another unit, a thousand times as large, for six windows.",
        sound=_BROKEN,
    ),
    Scenario(
        name="sentinel", kind=Kind.FAULT, plant=_broken(lambda x: np.full_like(x, -9_999.0)), causes=_BAD,
        faults=_FAR,
        happens="Half of the values of the most telling number are a code for nothing, -9999, for six windows.",
        sound=_BROKEN,
    ),
    Scenario(
        name="stuck", kind=Kind.FAULT, plant=_stuck, causes=_BAD,
        faults=("stuck", "frozen"),
        happens="The most telling of the numbers that always vary is stuck at one value, for six windows.",
        sound=_BROKEN,
    ),
    Scenario(
        name="frozen", kind=Kind.FAULT, plant=_frozen, causes=_BAD,
        faults=("frozen", "stuck"), alike=("sentinel",),
        happens="The most telling of the numbers that always vary stands still in all groups but one, for six windows.",
        sound=_BROKEN,
    ),
    Scenario(
        name="new-category", kind=Kind.FAULT, plant=_new_word, causes=_BAD,
        faults=("new_category",),
        happens="Half of the values of a column are a word that nobody has seen, for six windows.", sound=_BROKEN,
    ),
    Scenario(
        name="duplicate", kind=Kind.FAULT, plant=_sent_twice, causes=_BAD,
        faults=("duplicate", "resent"),
        happens="Half of the rows are the row before, sent again, for six windows.", sound=_BROKEN,
    ),
    Scenario(
        name="label-delay", kind=Kind.NOTHING, plant=_late(4),
        happens="Labels come four windows later than they did.",
        sound="The model stays in service; late labels are no decline.",
    ),
    Scenario(
        name="labels-stop", kind=Kind.SILENCE, plant=_withheld, stops="labels",
        happens="Labels stop, and come back all at once.",
        sound="The silence is told, nothing is retrained, and the model is healthy when labels are back.",
    ),
    Scenario(
        name="labels-thin", kind=Kind.FAULT, plant=_thinned, causes=_BAD, looked_for=LABELS,
        faults=(LABELS, LABEL_CLASS),
        happens="Of the rows of six windows, six in ten never get a label.",
        sound="Where a policy looks for it, it is named as a fault of the data, and nothing is retrained.",
    ),
    Scenario(
        name="clock-back", kind=Kind.FAULT, plant=_behind, causes=_BAD, looked_for=CLOCK,
        faults=(BEHIND, STILL),
        happens="The clock of the sender is set back by 23 hours, for six windows.",
        sound="Where a policy looks for it, it is named as a fault of the data, and nothing is retrained.",
    ),
    Scenario(
        name="rows-stop", kind=Kind.SILENCE, plant=_gap, stops="rows",
        happens="Rows stop, and come back.",
        sound="The silence is told, nothing is retrained, and the model is healthy when rows are back.",
    ),
    Scenario(
        name="latency", kind=Kind.METRIC, plant=_slow,
        happens="A series of latencies rises to three times its level for ten windows, and comes back.",
        sound="The series is named, and nothing is trained for it where no cause is found.",
    ),
    Scenario(
        name="relapse", kind=Kind.RELAPSE, plant=_turned((0, END)), causes=_CONCEPT,
        happens="The concept turns round, and turns back just when a candidate begins to serve.",
        sound="The candidate, now worse than the champion, is never promoted, and serves few rows.",
    ),
)  # fmt: skip
