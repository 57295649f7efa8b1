"""The whole service on a stage, in memory: rows, labels, metric points, workers, routers and people, line by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from server.act import Caller
from server.errors import RequestError
from server.requests import Categories, Floats, Ints, LabelsBatch, MetricsBatch, Point, ReferenceRows, RowsBatch
from server.service import Service
from statemachine.errors import Refused
from statemachine.externals import ExternalSignal
from statemachine.replay import fact_in
from tests.fixtures.jobs import a_report, an_entry, expire, hand_in, trained
from tests.fixtures.services import MINUTE_US, a_model, a_service
from tests.scenarios import telling
from tests.scenarios.lines import Line, duration_us

MODEL = "m"
REFERENCE_ROWS, RIGHT_SHARE = 600, 0.9


class ServiceStage:
    """One model of a service, and the world around it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.chance = np.random.default_rng(7)
        self.row, self.now_us, self.position = REFERENCE_ROWS, REFERENCE_ROWS * MINUTE_US, 0

    def times(self, count: int) -> Ints:
        """Let so many minutes pass, and give the time of each."""
        found = self.now_us + np.arange(count) * MINUTE_US
        self.now_us += count * MINUTE_US
        return found

    def play(self, line: Line) -> list[str]:
        """Carry out *line*; tell the events that followed, and where the model stands, or the refusal."""
        try:
            VERBS[line.verb](self, line)
        except (Refused, RequestError) as refusal:
            return [f"refused: {refusal}"]
        events = self.service.events(MODEL, self.position, 1_000)
        self.position = max([self.position, *(event.position for event in events)])
        told = [telling.fact(fact_in(event)) for event in events]
        health = self.service.store.read(lambda reader: self.service.desk.health(reader, MODEL))
        stands = f"{health.place}, {health.reason}" + ("" if health.automation == "auto" else f", {health.automation}")
        return [*(told or ["nothing follows"]), f"= {stands}, {health.champion} serves"]


@contextmanager
def on_stage() -> Iterator[ServiceStage]:
    """Give a stage with nothing on it."""
    with a_service() as service:
        yield ServiceStage(service)


def _watch(stage: ServiceStage, line: Line) -> None:
    numbers = np.arange(REFERENCE_ROWS)
    labels, outputs = _answers(stage, REFERENCE_ROWS, 1 - RIGHT_SHARE)
    reference = ReferenceRows(
        columns={"x": stage.chance.normal(size=REFERENCE_ROWS), "colour": _colours(numbers)},
        labels=labels, outputs=outputs, times_us=numbers * MINUTE_US,
    )  # fmt: skip
    policy = {"regret": {"every": 0}, **json.loads(line.get("policy", "{}"))}
    stage.service.create_model(replace(a_model(MODEL), policy=policy, reference=reference)).result()


def _rows(stage: ServiceStage, line: Line) -> None:
    """Send rows with their labels, of which the champion and the candidate have so many wrong."""
    count, route = int(line.word()), stage.service.route(MODEL)
    numbers = np.arange(stage.row, stage.row + count)
    labels, outputs = _answers(stage, count, float(line.get("wrong", str(1 - RIGHT_SHARE))))
    answers = {route.champion: outputs}
    for version in (route.candidate, *route.shadows):
        if version and version in line.options:
            answers[version] = _flipped(stage, labels, float(line.get(version)))
    x = stage.chance.normal(size=count) * float(line.get("times", "1"))
    x[stage.chance.uniform(size=count) < float(line.get("missing", "0"))] = np.nan
    ids = [f"p-{number}" for number in numbers]
    stage.row += count
    stage.service.ingest(
        RowsBatch(
            model=MODEL, batch_id=ids[0], ids=ids, times_us=stage.times(count),
            columns={"x": x, "colour": _colours(numbers)}, outputs=answers, served=np.zeros(count, dtype=np.uint8),
            generation=route.generation,
        )
    ).result()  # fmt: skip
    if line.get("labels") != "none":
        times = np.full(count, stage.now_us)
        batch = LabelsBatch(model=MODEL, batch_id=ids[0], ids=ids, values=labels, times_us=times)
        stage.service.ingest_labels(batch).result()


def _metrics(stage: ServiceStage, line: Line) -> None:
    values = [float(word) for word in line.words[1:]] * line.number("times", 1)
    points = [
        Point(name=line.word(), time_us=int(time_us), value=value, higher_is_worse=True, tolerance=0.2)
        for time_us, value in zip(stage.times(len(values)), values, strict=True)
    ]
    batch = MetricsBatch(model=MODEL, request_id=f"at-{stage.now_us}", points=points)
    stage.service.ingest_metrics(batch).result()


def _declare(stage: ServiceStage, line: Line) -> None:
    """Declare one signal by its name and what its options say, or none."""
    told = {name: _NUMBERS[name](text) if name in _NUMBERS else text for name, text in line.options.items()}
    fields: dict[str, Any] = {"tolerance": 0.2, "relative": True, **told}
    signals = [ExternalSignal(name=line.word(), **fields)] if line.words else []
    stage.service.declare_signals(MODEL, "", signals).result()


def _points(stage: ServiceStage, line: Line) -> None:
    """Send points of a declared signal, one a minute, from a provider and in a unit."""
    values = [float(word) for word in line.words[1:]] * line.number("times", 1)
    times = stage.times(len(values))
    points = [
        Point(name=line.word(), time_us=int(time_us), value=value, unit=line.get("unit"))
        for time_us, value in zip(times, values, strict=True)
    ]
    batch = MetricsBatch(model=MODEL, request_id=f"at-{stage.now_us}", points=points, provider=line.get("by"))
    stage.service.ingest_metrics(batch).result()


def _hand_in(stage: ServiceStage, line: Line) -> None:
    """Have a worker lease the job and hand in a bake-off that this entrant won, or nobody."""
    job = stage.service.jobs.lease(line.get("worker", "w1")).result()
    assert job is not None
    name = line.word("nothing")
    entry = an_entry(job, "recent", 0.0) if name == "nothing" else an_entry(job, name, 0.2)
    hand_in(stage.service, job, a_report(job, name, entry), trained(stage.service, job, entry["name"]))


def _lease(stage: ServiceStage, line: Line) -> None:
    assert stage.service.jobs.lease(line.word("w1")).result() is not None


def _lose(stage: ServiceStage, _: Line) -> None:
    expire(stage.service)


def _ack(stage: ServiceStage, _: Line) -> None:
    route = stage.service.route(MODEL)
    stage.service.acknowledge_route(MODEL, route.generation, "r1", route.exposure_bp).result()


def _timer(stage: ServiceStage, line: Line) -> None:
    wait = stage.service.state(MODEL).wait
    assert wait is not None
    due_us = stage.now_us if "later" in line.options else wait.due_us
    stage.now_us = max(stage.now_us, due_us + duration_us(line.get("later", line.get("after", "0s"))))
    for fired in stage.service.fire_timers(stage.now_us):
        fired.result()


def _order(stage: ServiceStage, line: Line) -> None:
    caller = Caller(actor=line.get("by", "ann"), authentication="scenario")
    stage.service.operate(line.verb, MODEL, "", "", caller).result()


def _retrain(stage: ServiceStage, line: Line) -> None:
    caller = Caller(actor=line.get("by", "ann"), authentication="scenario")
    stage.service.start_retraining(MODEL, "", "", list(line.words), caller).result()


def _answers(stage: ServiceStage, count: int, wrong: float) -> tuple[Floats, Floats]:
    labels = (stage.chance.uniform(size=count) < 0.5).astype(float)
    return labels, _flipped(stage, labels, wrong)


def _flipped(stage: ServiceStage, labels: Floats, wrong: float) -> Floats:
    """Give answers of which this share is wrong."""
    miss = stage.chance.uniform(size=len(labels)) < wrong
    return np.where(miss, 1 - labels, labels) * 0.8 + 0.1


def _colours(numbers: Ints) -> Categories:
    return Categories(dictionary=["red", "green"], codes=(numbers % 2).astype(np.int32))


_NUMBERS: dict[str, Callable[[str], Any]] = {"tolerance": float, "interval_seconds": float, "silent_after": int}

VERBS: dict[str, Callable[[ServiceStage, Line], None]] = {
    "watch": _watch, "rows": _rows, "metrics": _metrics, "declare": _declare, "points": _points,
    "lease": _lease, "hand_in": _hand_in, "lose": _lose,
    "ack": _ack, "timer": _timer, "retrain": _retrain,
    **dict.fromkeys(("approve", "reject", "hold", "release", "freeze", "unfreeze", "abort", "roll_back"), _order),
}  # fmt: skip
