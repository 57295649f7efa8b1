"""Lineage both ways: what a version was made of and by whom it was allowed, and what was made of data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from server.bundling.parts import Parts
from server.bundling.shelf import Shelf
from server.history.lineage import Document, Lineage
from statemachine import commands as c
from tests.fixtures.steps import of_scenario, scenario
from tests.scenarios.script import script
from tests.scenarios.service_stage import ServiceStage, on_stage


class Nothing:
    """Documents that were all erased."""

    def document(self, sha256: str) -> Document | None:
        """Give none."""
        del sha256
        return None


@pytest.fixture
def stage() -> Iterator[ServiceStage]:
    with on_stage() as found:
        yield found


def told(stage: ServiceStage, name: str, tmp_path: Any) -> dict[str, Any]:
    script(scenario("service", name)).play(stage)
    service = stage.service
    shelf = Shelf(service.store, service.desk.blobs, Parts(tmp_path))
    lineage = Lineage(shelf)
    for step in service.steps("m"):
        shelf.put_named(step.recorded.payload or b"{}")
        lineage.take(step)
    return lineage.told()


def versions(found: dict[str, Any]) -> dict[str, Any]:
    return {one["version"]: one for one in found["versions"]}


def test_a_champion_that_came_with_its_model_is_led_back_to_its_reference(stage: ServiceStage, tmp_path: Any) -> None:
    found = told(stage, "lasting_decline", tmp_path)
    first, registered = versions(found)["v1"], next(stage.service.steps("m")).after

    assert (first["origin"], first["code"]["recorded"]) == ("registered", False)
    assert first["data"]["reference"] == {"sha256": registered.reference_sha256, "rows": [[0, 600]]}
    assert [one["versions"] for one in found["data"] if one["kind"] == "reference"] == [["v1"]]


def test_a_candidate_is_led_back_to_data_code_parameters_and_whoever_asked(stage: ServiceStage, tmp_path: Any) -> None:
    found = told(stage, "approvals", tmp_path)
    made = versions(found)["remedy-2"]
    manifest = stage.service.manifest("m", "remedy-2")

    assert (made["origin"], made["remedy"], made["entrant"]) == ("trained", "refit", "recent")
    assert (made["requested_by"], [(one["said"], one["actor"]) for one in made["approvals"]]) == (
        "ann", [("approval_given", "bob")],
    )  # fmt: skip
    assert (made["manifest_sha256"], made["code"]["template"].split(":")[0]) == (manifest, "hgb-60@1")
    assert {"params", "seed", "artifact_sha256"} <= set(made["artifact"])
    assert made["scope"]["job"] == made["leased"].get("job", "m-2")


def test_data_lead_to_every_version_that_was_made_of_them(stage: ServiceStage, tmp_path: Any) -> None:
    found = told(stage, "restore_on_request", tmp_path)
    jobs = {one["job"]: one for one in found["data"] if one["kind"] == "bake-off"}

    assert {job: one["versions"] for job, one in jobs.items()} == {"m-1": ["remedy-1"], "m-2": [], "m-3": []}
    assert (jobs["m-1"]["rows"], jobs["m-1"]["holdout"], jobs["m-1"]["features"]) == (
        [[0, 600]], [500, 600], ["x", "colour"],
    )  # fmt: skip


def test_a_version_tells_when_it_served_as_what(stage: ServiceStage, tmp_path: Any) -> None:
    found = versions(told(stage, "restore_on_request", tmp_path))

    assert [(one["as"], one["until"] is None) for one in found["v1"]["served"]] == [
        ("champion", False), ("candidate", False), ("candidate", True),
    ]  # fmt: skip
    assert [(one["as"], one["until"] is None) for one in found["remedy-1"]["served"]] == [
        ("candidate", False), ("champion", True),
    ]  # fmt: skip


def test_each_verdict_about_a_version_stands_with_it(stage: ServiceStage, tmp_path: Any) -> None:
    found = versions(told(stage, "harm", tmp_path))["remedy-1"]

    assert [(one["type"], one.get("reason")) for one in found["events"]] == [
        ("gates_judged", None), ("canary_judged", "HARM"), ("rolled_back", "HARM"),
    ]  # fmt: skip


def test_what_was_erased_is_nothing_and_the_rest_stands() -> None:
    lineage = Lineage(Nothing())
    for step in of_scenario("lasting_decline"):
        lineage.take(step)
    made = versions(lineage.told())["remedy-1"]

    assert (made["artifact"], made["manifest_sha256"], made["requested_by"]) == (None, "h", "service")
    assert [one["sha256"] for one in lineage.told()["data"]] == ["r", None]


def test_an_erasure_is_told_with_the_versions_that_have_learned_from_the_rows(
    stage: ServiceStage, tmp_path: Any
) -> None:
    told(stage, "lasting_decline", tmp_path)
    service = stage.service
    erased = c.Erase(
        erasure="e" * 32, scope="subject", pseudonym="p" * 64, rows=3, labels=2, versions=["remedy-1"], jobs=[], note=""
    )  # fmt: skip
    service.do(lambda unit: service.desk.act(unit, "m", erased, 0)).result()
    lineage = Lineage(Nothing())
    for step in service.steps("m"):
        lineage.take(step)
    found = lineage.told()

    assert [(one["rows"], one["versions"]) for one in found["erasures"]] == [(3, ["remedy-1"])]
    assert versions(found)["remedy-1"]["events"][-1]["type"] == "erased"
