"""A bundle is a function of log, checkpoint and period, and holds all it must. One that fails its check is withheld."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from remission_verify.trust import Trust

from server.bundling.bundle import BundleUnsound, Source, write_bundle
from server.bundling.period import MOST_US, Period
from server.errors import Invalid, ModelMissing, NoRoom, OutOfRecord, ThingMissing
from statemachine.record.canonical import digest
from store.blobs import BlobMissing
from tests.fixtures.bundles import ALWAYS, NOTARY, SIGNER, checked, source_of, unpacked, written
from tests.fixtures.disks import a_small_disk
from tests.fixtures.services import a_model
from tests.fixtures.steps import scenario
from tests.scenarios.script import script
from tests.scenarios.service_stage import ServiceStage, on_stage


@pytest.fixture
def stage() -> Iterator[ServiceStage]:
    """A model that declined, was remedied, and serves a new champion; its log is signed."""
    with on_stage() as found:
        script(scenario("service", "lasting_decline")).play(found)
        yield found


@pytest.fixture
def source(stage: ServiceStage) -> Source:
    return source_of(stage.service)


def documents(data: bytes) -> dict[str, Any]:
    return {name: json.loads(body) for name, body in unpacked(data).items() if name.endswith(".json")}


def events(data: bytes) -> list[Any]:
    return [json.loads(line) for line in unpacked(data)["events.jsonl"].splitlines()]


def test_the_same_log_checkpoint_and_period_give_the_same_bytes(source: Source) -> None:
    first, told = written(source)

    assert written(source) == (first, told)
    assert (told.size, told.events) == (len(first), 32)


def test_names_dates_and_rights_are_always_the_same(source: Source) -> None:
    with zipfile.ZipFile(io.BytesIO(written(source)[0])) as archive:
        infos = archive.infolist()

    assert [one.filename for one in infos] == sorted(one.filename for one in infos)
    assert {(one.date_time, one.external_attr) for one in infos} == {((1980, 1, 1, 0, 0, 0), 0o100644 << 16)}


def test_events_are_written_as_they_are_on_the_log(stage: ServiceStage, source: Source) -> None:
    recorded = stage.service.events("m", 0, 100)
    found = events(written(source)[0])

    assert [one["hash"] for one in found] == [one.hash for one in recorded]
    assert [one["payload"] for one in found] == [(one.payload or b"").decode() for one in recorded]
    assert [one["envelope"]["position"] for one in found] == [one.position for one in recorded]


def test_everything_that_events_name_is_there_under_its_hash(source: Source) -> None:
    files = unpacked(written(source)[0])
    named = {
        value
        for event in events(written(source)[0])
        for name, value in json.loads(event["payload"]).items()
        if name in ("evidence", "spec", "features_sha256", "reference_sha256", "manifest") and value
    }

    assert {f"evidence/{one}" for one in named} == {name for name in files if name.startswith("evidence/")}
    assert all(digest(data) == name[9:] for name, data in files.items() if name.startswith("evidence/"))


def test_a_period_ends_the_record_and_begins_what_is_told_of_it(stage: ServiceStage, source: Source) -> None:
    recorded = stage.service.events("m", 0, 100)
    confirmed, gates = (
        next(one for one in recorded if one.type == kind) for kind in ("decline_confirmed", "gates_judged")
    )
    before = documents(written(source, Period(until_us=confirmed.occurred_us - 1))[0])
    after = written(source, Period(from_us=gates.occurred_us + 1))[0]

    assert (before["incidents.json"]["open"], before["gates.json"]["gates"]) == (1, [])
    assert before["inventory.json"]["models"][0]["findings"][0]["what"] == "incident"
    assert (len(events(after)), documents(after)["gates.json"]["gates"]) == (len(recorded), [])
    assert documents(after)["incidents.json"]["incidents"][0]["outcome"] == "promoted"
    assert documents(after)["manifest.json"]["from_us"] == gates.occurred_us + 1


def test_of_events_at_one_instant_all_are_in_the_period_that_ends_there(stage: ServiceStage, source: Source) -> None:
    recorded = stage.service.events("m", 0, 100)
    instant = next(one for one in recorded if one.type == "decline_confirmed").occurred_us
    found = events(written(source, Period(until_us=instant))[0])

    assert found[-1]["envelope"]["occurred_us"] == instant
    assert len(found) == max(one.version for one in recorded if one.occurred_us == instant)


@pytest.mark.parametrize(
    ("period", "refusal", "said"),
    [
        (Period(from_us=2, until_us=1), Invalid, "from_us: 2 lies behind until_us; 1 or less is accepted"),
        (Period(until_us=1), OutOfRecord, "until_us: 1 lies before the first event of the model"),
        (Period(from_us=MOST_US + 1), Invalid, f"from_us: {MOST_US + 1} is not accepted"),
        (Period(until_us=-MOST_US - 1), Invalid, f"until_us: {-MOST_US - 1} is not accepted"),
    ],
)
def test_a_period_that_is_none_is_refused_and_nothing_is_written(
    source: Source, period: Period, refusal: type[Exception], said: str
) -> None:
    out = io.BytesIO()

    with pytest.raises(refusal, match=said):
        write_bundle(source, "m", period, 32, out)
    assert out.getvalue() == b""


def test_a_model_that_nobody_registered_has_no_bundle(source: Source) -> None:
    with pytest.raises(ModelMissing, match="'ghost'"):
        written(source, model="ghost")


def test_events_that_no_checkpoint_covers_are_not_passed_over_in_silence(stage: ServiceStage, source: Source) -> None:
    before = stage.service.events("m", 0, 100)[-1]
    stage.service.operate("hold", "m", "", "a drill").result()

    with pytest.raises(ThingMissing, match="position 33, and the newest covers the positions 1 to 32"):
        written(source)
    assert written(source, Period(until_us=before.occurred_us - 1))[1].events < before.version


def test_without_a_checkpoint_there_is_no_bundle(stage: ServiceStage) -> None:
    with pytest.raises(ThingMissing, match="none was signed so far"):
        written(Source(stage.service.store, stage.service.desk.blobs, NOTARY))


def test_a_log_that_others_have_signed_is_not_handed_out(stage: ServiceStage) -> None:
    stage.service.checkpoints.sign()  # under keys of the service's own

    with pytest.raises(BundleUnsound, match=r"checkpoint: expected a signed checkpoint of 'log.example/bundles'"):
        written(Source(stage.service.store, stage.service.desk.blobs, NOTARY))


def test_a_manifest_that_is_not_among_the_artefacts_is_named(stage: ServiceStage, source: Source) -> None:
    with on_stage() as other, pytest.raises(BlobMissing, match=stage.service.manifest("m", "remedy-1")) as missing:
        written(Source(source.store, other.service.desk.blobs, source.sealer))

    assert str(missing.value).startswith("The artefacts that are configured hold nothing under this hash")


def test_a_bundle_is_of_one_model_among_many(stage: ServiceStage) -> None:
    stage.service.create_model(a_model("n")).result()
    source = source_of(stage.service)
    data, told = written(source, model="n")

    assert (checked(data).faults, told.events) == ([], 2)
    assert [one["envelope"]["position"] for one in events(data)] == [33, 34]


def test_a_new_key_signs_and_the_old_one_still_opens_what_it_signed(source: Source) -> None:
    data, _ = written(source)

    assert checked(data, Trust((SIGNER.verifier,), "log.example/bundles")).whole
    assert documents(data)["keys.json"] == [SIGNER.verifier.text]
    assert written(source, ALWAYS)[0] == data


def test_a_bundle_that_finds_no_room_for_its_parts_is_refused_by_their_folder(source: Source) -> None:
    with (
        pytest.raises(NoRoom, match=f"{tempfile.gettempdir()}: File too large; nothing was handed out"),
        a_small_disk(100),
    ):
        written(source)
