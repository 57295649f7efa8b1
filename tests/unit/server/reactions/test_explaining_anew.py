"""A degraded model is diagnosed anew when rows since its onset have doubled, and remedies follow what is said then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from server.requests import LabelsBatch, ReferenceRows, RowsBatch
from server.service import Service
from statemachine.record.envelope import RecordedEvent
from tests.fixtures.bundles import source_of, unpacked, written
from tests.fixtures.services import MINUTE_US, a_model, a_service
from tests.fixtures.turning import BLAMED, CALM_WINDOWS, NAMES, PAST, POLICY, WINDOW, Floats, World, answers, columns

FOLLOWED = ("diagnosis_made", "remediation_started")
ASTRAY = 0.8  #: what a serving process that is broken adds to every column


class Served:
    """A model under watch in a world that turns after some calm windows."""

    def __init__(self, service: Service, **policy: Any) -> None:
        self.service, self.world = service, World(BLAMED)
        x, outputs, labels = self.world.past
        past = ReferenceRows(
            columns={**columns(x)}, labels=labels, outputs=outputs, times_us=np.arange(PAST) * MINUTE_US
        )
        features = [{"name": name, "kind": "numeric", "categories": []} for name in NAMES]
        asked = replace(a_model(), features=features, reference=past, policy={**POLICY, **policy})
        service.create_model(asked).result()
        for _ in range(CALM_WINDOWS):
            self._send(*self.world.window(turned=False))

    def turn(self, windows: int) -> list[str]:
        """Send windows of the world that has turned; give what was diagnosed and begun by then, in order."""
        for _ in range(windows):
            self._send(*self.world.window(turned=True))
        return [one.type for one in events(self.service) if one.type in FOLLOWED]

    def until(self, kind: str) -> None:
        """Send windows of the world that has turned until there is an event of this kind."""
        while kind not in {one.type for one in events(self.service)}:
            self.turn(1)
            assert self.world.next < PAST + 50 * WINDOW

    def astray(self, windows: int) -> None:
        """Send windows of the world as it was, with answers to other rows."""
        for _ in range(windows):
            numbers, x, _, labels = self.world.window(turned=False)
            self._send(numbers, x, answers(x + ASTRAY), labels)

    def _send(self, numbers: range, x: Floats, outputs: Floats, labels: Floats) -> None:
        ids, times_us = [f"p-{row}" for row in numbers], np.array(numbers) * MINUTE_US
        route = self.service.route("m")
        rows = RowsBatch(
            model="m", batch_id=ids[0], ids=ids, times_us=times_us, columns={**columns(x)},
            outputs={route.champion: outputs}, served=np.zeros(len(ids), np.uint8), generation=route.generation,
        )  # fmt: skip
        self.service.ingest(rows).result()
        truth = LabelsBatch(model="m", batch_id=f"of-{ids[0]}", ids=ids, values=labels, times_us=times_us)
        self.service.ingest_labels(truth).result()


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with nothing in it."""
    with a_service() as found:
        yield found


def events(service: Service) -> list[RecordedEvent]:
    """Give all events of the model."""
    return list(service.events("m", 0, 300))


def diagnoses(service: Service) -> list[dict[str, Any]]:
    """Give what each diagnosis says."""
    return [json.loads(one.payload or b"") for one in events(service) if one.type == "diagnosis_made"]


def test_a_cause_that_few_rows_named_gives_way_to_what_twice_the_rows_say_and_the_remedy_begins(
    service: Service,
) -> None:
    told = Served(service).turn(12)

    first, second = diagnoses(service)
    onset = first["onset_row"]
    assert (first["cause"], first["instead_of"]) == ("serving", "")
    assert (second["cause"], second["instead_of"]) == ("concept_change", "serving")
    assert second["onset_row"] == onset
    assert second["at_row"] - onset >= 2 * (first["at_row"] - onset)
    assert second["at_row"] - WINDOW - onset < 2 * (first["at_row"] - onset)
    assert told == ["diagnosis_made", "diagnosis_made", "remediation_started"]


def test_both_diagnoses_are_derived_again_each_from_its_own_evidence(service: Service) -> None:
    Served(service).turn(12)

    made = [one for one in events(service) if one.type == "diagnosis_made"]
    again = [service.explain("m", one.position) for one in made]
    assert [one.told for one in again] == ["the bits agree"] * 2
    assert [one.judge for one in again] == ["diagnosis@3", "diagnosis_anew@3"]
    assert len({one.evidence for one in again}) == len(made)
    found = service.verify()
    assert (found.failed, found.replay_equal, found.rederived) == (0, True, found.decisions)


def test_the_report_of_a_bundle_tells_both_causes_the_latest_last(service: Service) -> None:
    Served(service).turn(12)

    archive, _ = written(source_of(service))

    assert "serving, then concept_change" in unpacked(archive)["report.html"].decode()


def test_a_state_says_at_which_row_it_is_diagnosed_anew(service: Service) -> None:
    served = Served(service)
    served.until("diagnosis_made")
    wait = service.state("m").wait
    assert wait is not None

    served.turn(12)

    row = int(wait.awaited.rpartition(" ")[2])
    assert wait.awaited == f"a remedy, or evidence of recovery; it is diagnosed anew at row {row}"
    assert row <= diagnoses(service)[1]["at_row"] < row + WINDOW


def test_a_model_that_people_hold_is_diagnosed_anew_and_stays_held(service: Service) -> None:
    served = Served(service)
    served.until("diagnosis_made")
    service.operate("hold", "m", "", "we look ourselves").result()

    told = served.turn(12)

    assert told == ["diagnosis_made", "diagnosis_made"]
    assert (service.state("m").state, service.state("m").automation) == ("degraded", "held")
    service.operate("release", "m", "", "go on").result()
    assert served.turn(1) == [*told, "remediation_started"]


def test_a_policy_may_ask_for_one_diagnosis_alone(service: Service) -> None:
    told = Served(service, diagnosis={"anew": False}).turn(12)

    wait = service.state("m").wait
    assert wait is not None
    assert (told, wait.awaited) == (["diagnosis_made"], "a remedy, or evidence of recovery")


def test_a_cause_that_more_rows_name_as_well_is_told_once_and_stays(service: Service) -> None:
    served = Served(service)

    served.astray(40)

    (found,) = diagnoses(service)
    assert found["cause"] == "serving"
    assert service.state("m").state == "degraded"
