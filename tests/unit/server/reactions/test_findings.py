"""What a diagnosis is told of faults: those of windows that reach behind the onset, and none that were laid to rest."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from server.reactions.findings import faults_since
from tests.fixtures.services import Feed, a_model, a_service

POLICY = {"windows": {"rows": 20}, "quality": {"alarms": "never"}}


def test_a_fault_is_told_of_an_onset_within_its_window_and_of_none_behind_it() -> None:
    with a_service() as service:
        service.create_model(replace(a_model(), policy=POLICY)).result()
        feed = Feed(service)
        feed.rows(20)
        feed.rows(20, colour="blue")
        watch, health = service.store.read(
            lambda reader: (service.desk.watch(reader, "m"), service.desk.health(reader, "m"))
        )
    begin, end = watch.windows[-1].first_row, watch.windows[-1].end_row

    told = [faults_since(watch, health, row) for row in (begin, end - 1, end)]

    assert [[one["feature"] for one in faults] for faults in told] == [["colour"], ["colour"], []]
    assert [fault["onset_row"] for fault in told[0]] == [begin]
    assert faults_since(watch, msgspec.structs.replace(health, calm_row=begin + 1), begin) == []
    assert faults_since(watch, msgspec.structs.replace(health, calm_row=begin), begin) == told[0]
