"""A model whose policy asks candidates not to ruin a segment, and to cure the one that the incident is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from measures.losses import fixed
from retraining.dataset import Dataset
from retraining.held import Held
from server.act import Caller
from server.errors import Invalid
from server.requests import LabelsBatch, RowsBatch
from server.service import Service
from server.views import JobView
from tests.fixtures.jobs import LOSS, a_report, an_entry, hand_in, leased, place, spec_of, trained
from tests.fixtures.services import MINUTE_US, a_service
from tests.unit.server.reactions.test_segments import BY_REGION, DRIFTING, PAST, REGIONS, WINDOW, World, fact

ASKED: dict[str, Any] = {
    "segments": {**BY_REGION, "least_rows": 10},  # the north is small
    "gates": {"mandatory": ["holdout", "gain", "sample", "sanity", "segments", "cure"]},
}  # fmt: skip
NAMES = ["region=east", "region=north", "region=south"]
ANN = Caller(actor="ann", authentication="tests")


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with nothing in it."""
    with a_service() as found:
        yield found


def ill_in_the_north(service: Service, policy: dict[str, Any]) -> JobView:
    """Let the loss rise in the north until a remedy waits for a worker; give the job."""
    world = World(service, policy)
    world.fall_ill()
    while place(service) != "retraining.queued":
        world.send(1, north=0.8)
    return leased(service)


def reported(service: Service, job: JobView, **saved: float) -> dict[str, Any]:
    """Give the job's report of a candidate that leads in the whole, and saves so much a row in each segment."""
    spec = spec_of(job)
    held = Held.of(spec, Dataset.from_bytes(service.desk.blobs.get(spec.dataset)))
    values = np.full(len(held.rows), 0.2)
    for one, mine in zip(spec.segments, held.parts, strict=True):
        values[mine] = saved.get(one.name.removeprefix("region="), 0.3)
    lead, lost = fixed(values, 1.0), fixed(np.full(len(values), LOSS), 1.0)
    entry = an_entry(job, "recent", 0.2, lead=held.blocks(lead), segments=held.by_segment(lead))
    costs = zip(spec.segments, held.by_segment(lost), strict=True)
    return a_report(job, "recent", entry, segments=[{"name": one.name, "champion": cost} for one, cost in costs])


def judged(service: Service, saved: dict[str, float], policy: dict[str, Any] | None = None) -> dict[str, Any]:
    """Hand in what a candidate saves in segments; give what the gates said, and their evidence."""
    job = ill_in_the_north(service, policy or ASKED)
    hand_in(service, job, reported(service, job, **saved), trained(service, job))
    found = fact(service, "gates_judged")
    return {**found, "verdicts": {gate["name"]: gate["verdict"] for gate in found["gates"]}}


def test_a_job_names_the_segments_that_its_worker_is_to_tell_of(service: Service) -> None:
    job = ill_in_the_north(service, ASKED)

    told = job.spec["spec"]["segments"]
    assert [one["name"] for one in told] == NAMES
    assert {one["feature"] for one in told} == {1}


def test_a_job_of_a_model_without_segments_has_the_form_that_any_worker_knows(service: Service) -> None:
    world = World(service, {})
    while place(service) != "retraining.queued":
        world.send(1, south=0.8, east=0.8)

    assert "segments" not in leased(service).spec["spec"]


def test_who_cures_the_segment_of_the_incident_and_ruins_none_may_be_tried_and_it_derives_again(
    service: Service,
) -> None:
    found = judged(service, {"north": 0.3})

    [position] = [event.position for event in service.events("m", 0, 200) if event.type == "gates_judged"]
    again = service.explain("m", position)
    assert (again.judge, again.inputs["subject"], again.equal) == ("gates@2", "region=north", True)
    assert (found["passed"], found["verdicts"]["segments"], found["verdicts"]["cure"]) == (True, "pass", "pass")
    assert place(service) == "canary.shadow"
    audit = service.verify()
    assert (audit.failed, audit.rederived) == (0, audit.decisions)


def test_drift_within_a_segment_is_an_incident_of_that_segment(service: Service) -> None:
    world = World(service, {**DRIFTING, **ASKED, "segments": {**BY_REGION, "drift": True, "least_rows": 10}})
    world.send(15)
    while place(service) != "retraining.queued":
        world.send(1, older=17.0)
        assert world.next < PAST + 60 * WINDOW

    job = leased(service)
    hand_in(service, job, reported(service, job, north=0.0), trained(service, job))

    assert fact(service, "alarm_raised")["subject"] == "region=north: age"
    found = fact(service, "gates_judged")
    assert [gate["name"] for gate in found["gates"] if gate["verdict"] == "fail"] == ["cure"]


@pytest.mark.parametrize(
    ("saved", "failed"),
    [({"north": 0.0}, {"cure"}), ({"east": -0.4}, {"segments", "segments: region=east"})],
)
def test_who_does_not_cure_it_or_ruins_another_is_turned_away_and_the_gate_says_why(
    service: Service, saved: dict[str, float], failed: set[str]
) -> None:
    found = judged(service, saved)

    assert {name for name, verdict in found["verdicts"].items() if verdict == "fail"} == failed
    assert not found["passed"]
    assert place(service) == "degraded."
    assert service.verify().failed == 0


def test_a_policy_that_asks_for_no_segments_takes_the_same_candidate(service: Service) -> None:
    found = judged(service, {"east": -0.4}, {"segments": BY_REGION})

    assert (found["passed"], found["verdicts"]["segments"]) == (True, "fail")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda told: told.pop("segments"), "report_json.segments"),
        (lambda told: told["segments"].reverse(), "report_json.segments"),
        (lambda told: told["segments"][1]["champion"].pop(), "report_json.segments[1].champion"),
        (lambda told: told["entrants"][0].pop("segments"), "report_json.entrants[0].segments"),
        (lambda told: told["entrants"][0]["segments"].pop(), "report_json.entrants[0].segments"),
        (lambda told: told["entrants"][0]["segments"][2].pop(), "report_json.entrants[0].segments[2]"),
    ],
)
def test_a_report_that_tells_of_other_segments_than_its_job_is_refused_by_its_field(
    service: Service, change: Any, field: str
) -> None:
    job = ill_in_the_north(service, ASKED)
    report = reported(service, job)
    change(report)

    with pytest.raises(Invalid) as caught:
        hand_in(service, job, report, trained(service, job))

    assert [where for where, _ in caught.value.violations] == [field]
    assert place(service) == "retraining.leased"


def test_a_report_that_tells_of_segments_that_nobody_asked_for_is_refused(service: Service) -> None:
    world = World(service, {})
    while place(service) != "retraining.queued":
        world.send(1, south=0.8, east=0.8)
    job = leased(service)
    told = [{"name": name, "champion": [[0, 0, 0]] * 10} for name in NAMES]

    with pytest.raises(Invalid, match="region=east, region=north, region=south in it; nothing as in the job"):
        hand_in(service, job, {**reported(service, job), "segments": told}, trained(service, job))


def served_by_both(world: World, good: float, bad: float, east: float | None = None) -> None:
    """Serve a window in which the champion is right in so many rows, and all others that score in so many.

    In the east these are right in other shares, where one is given.
    """
    service, rows, where = world.service, np.arange(world.next, world.next + WINDOW), world.where(WINDOW)
    world.next += WINDOW
    route, labels = service.route("m"), world.labels(where, {})
    service.acknowledge_route("m", route.generation, "router", route.exposure_bp).result()
    others = {*route.shadows, *([route.candidate] if route.candidate else [])}
    theirs = np.where(where == REGIONS.index("east"), bad if east is None else east, bad)
    shares: dict[str, Any] = {route.champion: good, **dict.fromkeys(others, theirs)}
    right = {version: world.chance.random(WINDOW) < share for version, share in shares.items()}
    ids = [f"p-{row}" for row in rows]
    service.ingest(
        RowsBatch(
            model="m", batch_id=ids[0], ids=ids, times_us=rows * MINUTE_US, columns=world.columns(where),
            outputs={version: np.where(well, labels, 1 - labels) for version, well in right.items()},
            served=np.zeros(WINDOW, dtype=np.uint8), generation=route.generation,
        )
    ).result()  # fmt: skip
    told = LabelsBatch(model="m", batch_id=f"of-{ids[0]}", ids=ids, values=labels, times_us=rows * MINUTE_US)
    service.ingest_labels(told).result()


def test_a_version_that_is_restored_is_judged_in_each_segment_by_what_it_answered_in_shadow(service: Service) -> None:
    calm = {"loss": {"run_length": 1e9}, "metrics": {"alarm": 1e9}, "bakeoff": {"holdout": 0.5}}
    world = World(service, {**calm, "segments": {**BY_REGION, "alarms": "never"}})
    service.start_retraining("m", "", "", [], ANN).result()
    job = leased(service)
    hand_in(service, job, reported(service, job), trained(service, job))
    while place(service) != "healthy.":
        served_by_both(world, good=0.5, bad=0.95)
        assert world.next < PAST + 60 * WINDOW
    for _ in range(11):
        served_by_both(world, good=0.5, bad=0.95)

    service.start_retraining("m", "", "", ["restore"], ANN).result()

    judged = [event for event in service.events("m", 0, 500) if event.type == "gates_judged"]
    told = json.loads(judged[-1].payload or b"")
    found = {gate["name"]: gate for gate in told["gates"]}
    assert (told["chosen"], told["passed"]) == ("v1", True)
    assert [found[f"segments: {name}"]["verdict"] for name in NAMES] == ["pass"] * 3
    assert found["segments: region=south"]["value"] < -2
    assert service.explain("m", judged[-1].position).equal


@pytest.mark.parametrize(("policy", "end"), [(ASKED, "HARM"), ({"segments": BY_REGION}, "PROMOTION_HELD")])
def test_a_canary_that_harms_a_segment_is_turned_back_and_its_note_names_it(
    service: Service, policy: dict[str, Any], end: str
) -> None:
    """The report is made up, so it passed its gates; in the east, a third of the rows, it is always wrong."""
    calm = {"loss": {"run_length": 1e9}, "segments": {**BY_REGION, "alarms": "never"}}
    world = World(service, {**policy, **calm, "canary": {"most_windows": 100}})
    service.start_retraining("m", "", "", [], ANN).result()
    job = leased(service)
    hand_in(service, job, reported(service, job), trained(service, job))
    while place(service).startswith("canary") and place(service) != "canary.aborting":
        served_by_both(world, good=0.6, bad=0.98, east=0.0)
        assert world.next < PAST + 90 * WINDOW

    moves = [json.loads(one.payload or b"") for one in service.events("m", 0, 500) if one.type == "state_changed"]
    assert (moves[-1]["reason"], moves[-1]["note"]) == (end, "region=east" if end == "HARM" else "")
    audit = service.verify()
    assert (audit.failed, audit.rederived) == (0, audit.decisions)
