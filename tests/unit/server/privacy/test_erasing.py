"""Claims about erasing in the service: what goes, what stays, what is told, and what keeps it from going."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import orjson
import pytest

from retraining.dataset import Dataset
from server.act import SERVICE
from server.clock import wall_us
from server.errors import IdReused, Invalid, ThingMissing
from server.intake import feed
from server.intake.schema import OTHER
from server.intake.sealing import ROWS
from server.models import holding
from server.privacy import erasing, erasures
from server.privacy.ageing import Retention
from server.privacy.office import Finished
from server.requests import LabelsBatch
from server.service import Service
from server.watching.watch import Watch
from statemachine.errors import LegallyHeld, Refused
from store.errors import EvidenceErased, RequestIdReused
from store.vault import PERIOD_US, Owner
from tests.fixtures.services import MINUTE_US, REFERENCE_ROWS, Feed, a_model, a_service


@pytest.fixture
def service() -> Iterator[Service]:
    with a_service() as made:
        made.create_model(a_model()).result()
        yield made


def watch_of(service: Service) -> Watch:
    return service.store.read(lambda reader: service.desk.watch(reader, "m"))


def types(service: Service) -> list[str]:
    return [event.type for event in service.events("m", 0, 1_000)]


def test_only_rows_of_the_subject_are_unknown_and_every_other_bit_stays(service: Service) -> None:
    sender = Feed(service)
    ids = sender.rows(30, subjects=["ann", "bob", ""])
    sender.labels(ids, [0.0, 1.0, 1.0] * 10)
    before = watch_of(service)
    kept, labels = before.tape.features(0, before.tape.end), before.tape.labels[: before.tape.end].copy()
    found = service.privacy.erase_subject("ann", "", "e-1")
    tape = watch_of(service).tape
    mine = np.arange(tape.end) % 3 == 0
    mine[:REFERENCE_ROWS] = False

    assert [(one.rows, one.labels) for one in found.models] == [(10, 10)]
    assert tape.erased[: tape.end].tolist() == mine.tolist()
    assert np.isnan(tape.features(0, tape.end)[mine]).all()
    assert np.isnan(tape.labels[: tape.end][mine]).all()
    assert tape.features(0, tape.end)[~mine].tobytes() == kept[~mine].tobytes()
    assert tape.labels[: tape.end][~mine].tobytes() == labels[~mine].tobytes()


def test_no_border_of_a_block_or_window_moves_and_only_the_erased_are_not_counted(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(60, subjects=["ann", "bob"]), 1.0)
    before = watch_of(service)
    service.privacy.erase_subject("ann", "", "e-1")
    after = watch_of(service)

    assert [(one.first_row, one.end_row) for one in after.blocks] == [
        (one.first_row, one.end_row) for one in before.blocks
    ]
    assert [one.cost["v1"][0] * 2 for one in after.blocks] == [one.cost["v1"][0] for one in before.blocks]
    assert [(one.first_row, one.end_row) for one in after.windows] == [
        (one.first_row, one.end_row) for one in before.windows
    ]
    assert [one.profile.rows * 2 for one in after.windows] == [one.profile.rows for one in before.windows]


def test_what_a_process_counts_after_an_erasure_is_what_one_that_starts_counts(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(60, subjects=["ann", "bob"]), 1.0)
    service.privacy.erase_subject("ann", "", "e-1")
    sender.labels(sender.rows(60, subjects=["ann", "bob"]), 1.0)
    grown = watch_of(service)
    service.desk.forget("m")
    made = watch_of(service)

    assert made is not grown
    assert made.blocks == grown.blocks
    assert [one.profile for one in made.windows] == [one.profile for one in grown.windows]


def test_a_window_and_a_block_of_which_nothing_is_left_are_passed_over(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(60, subjects=["ann"]), 1.0)
    service.privacy.erase_subject("ann", "", "e-1")
    watch = watch_of(service)

    assert watch.windows == []
    assert [one.cost for one in watch.blocks] == [{}] * len(watch.blocks)
    sender.labels(sender.rows(60), 1.0)
    assert watch_of(service).labelled_end == REFERENCE_ROWS + 120


def test_an_id_of_an_erased_row_is_free_again_and_a_label_for_it_is_told_why(service: Service) -> None:
    sender = Feed(service)
    ids = sender.rows(2, subjects=["ann"])
    service.privacy.erase_subject("ann", "", "e-1")

    with pytest.raises(ThingMissing, match="one of 2 erased rows"):
        sender.labels(ids, 1.0)


def some_labels(ids: list[str]) -> LabelsBatch:
    """Give labels that are taken as far as there are rows."""
    return LabelsBatch(
        model="m", batch_id="l-1", ids=ids, values=np.ones(len(ids)), times_us=np.full(len(ids), wall_us()),
        allow_missing=True,
    )  # fmt: skip


def forget_ann(service: Service) -> None:
    service.privacy.erase_subject("ann", "", "e-1")


def forget_what_is_old(service: Service) -> None:
    service.privacy.erase_old(Retention(rows_days=60), periods(4))


@pytest.mark.parametrize("forget", [forget_ann, forget_what_is_old])
def test_labels_of_other_rows_are_taken_beside_those_of_rows_that_are_gone(
    service: Service, forget: Callable[[Service], None]
) -> None:
    sender = Feed(service)
    gone = sender.rows(2, subjects=["ann"])
    forget(service)
    labels = some_labels([gone[0], *sender.rows(3), gone[1]])
    first = service.ingest_labels(labels).result()
    again = service.ingest_labels(labels).result()

    assert (first.accepted, first.missing, first.erased, first.duplicate) == (3, [0, 4], 2, False)
    assert again == replace(first, duplicate=True)
    with pytest.raises(IdReused, match="'l-1' was used before"):
        service.ingest_labels(replace(labels, allow_missing=False)).result()
    assert service.verify().failures == []


def test_an_erasure_changes_no_answer_that_was_given_and_what_it_had_is_missing_from_the_next(service: Service) -> None:
    ids = Feed(service).rows(4, subjects=["ann", "bob"])
    first = service.ingest_labels(some_labels(ids)).result()
    forget_ann(service)
    again = service.ingest_labels(some_labels(ids)).result()
    other = service.ingest_labels(replace(some_labels(ids), batch_id="l-2")).result()

    assert again == replace(first, duplicate=True)
    assert (first.accepted, first.missing) == (4, [])
    assert (other.accepted, other.repeated, other.missing, other.labelled) == (0, 2, [0, 2], REFERENCE_ROWS + 2)


def test_a_subject_of_whom_nothing_is_kept_is_erased_too(service: Service) -> None:
    found = service.privacy.erase_subject("nobody-here", "", "e-1")

    assert (found.status, found.models) == (erasures.DONE, [])
    assert "erased" not in types(service)


def test_rows_that_come_after_an_erasure_are_kept_until_the_next(service: Service) -> None:
    sender = Feed(service)
    sender.rows(4, subjects=["ann"])
    service.privacy.erase_subject("ann", "", "e-1")
    sender.rows(6, subjects=["ann"])
    tape = watch_of(service).tape

    assert tape.erased[REFERENCE_ROWS : tape.end].tolist() == [True] * 4 + [False] * 6
    assert [one.rows for one in service.privacy.erase_subject("ann", "", "e-2").models] == [6]


def test_a_repeated_request_gets_the_first_answer_and_changes_nothing(service: Service) -> None:
    Feed(service).rows(4, subjects=["ann"])
    first = service.privacy.erase_subject("ann", "why", "e-1")
    before = types(service)

    assert service.privacy.erase_subject("ann", "why", "e-1") == first
    assert types(service) == before
    for subject, note in (("bob", "why"), ("ann", "for another reason")):
        with pytest.raises(RequestIdReused):
            service.privacy.erase_subject(subject, note, "e-1")


def test_an_erasure_says_when_it_was_asked_for_and_when_it_was_done(service: Service) -> None:
    Feed(service).rows(4, subjects=["ann"])
    before_us = wall_us()
    found = service.privacy.erase_subject("ann", "", "e-1")

    assert before_us <= found.created_us <= found.done_us <= wall_us()


def test_all_that_was_ever_erased_is_destroyed_again_when_an_old_copy_of_the_vault_comes_back(service: Service) -> None:
    vault = service.desk.sealer.vault
    first, last, kept = vault.keys([Owner(ROWS, "m", subject) for subject in ("ann", "bob", "cid")])
    lost = [("ann", [first.key_id]), *[("nobody", list[str]())] * 1_000, ("bob", [last.key_id])]
    erased = [
        erasures.ErasureView(
            erasure=f"{number:032}", status=erasures.DONE, scope="subject", note="", created_us=wall_us(),
            pseudonym=vault.pseudonym("subject", subject), keys=keys,
        )
        for number, (subject, keys) in enumerate(lost)
    ]  # fmt: skip
    for one in erased:
        service.do(partial(erasures.keep, one=one)).result()

    assert service.privacy.destroy_again() == 2
    assert vault.opened([first.key_id, last.key_id, kept.key_id]) == {kept.key_id: kept}


def test_nothing_that_is_kept_of_an_erasure_names_the_subject(service: Service) -> None:
    Feed(service).rows(4, subjects=["ann-of-whom-nobody-knows"])
    service.privacy.erase_subject("ann-of-whom-nobody-knows", "", "e-1")
    payloads = [event.payload or b"" for event in service.events("m", 0, 1_000)]
    [kept] = service.store.read(lambda reader: reader.erasures())

    assert [one for one in (*payloads, kept.body) if b"ann-of" in one] == []


def test_a_retired_model_forgets_as_well(service: Service) -> None:
    Feed(service).rows(4, subjects=["ann"])
    service.retire_model("m", "", "").result()

    assert [one.rows for one in service.privacy.erase_subject("ann", "", "e-1").models] == [4]
    assert types(service)[-1] == "erased"
    assert service.verify().failures == []


def test_a_legal_hold_keeps_every_model_of_the_subject_until_it_is_lifted(service: Service) -> None:
    service.create_model(a_model("n")).result()
    for model in ("m", "n"):
        Feed(service, model).rows(4, subjects=["ann"])
    service.do(lambda unit: holding.place(service.desk, unit, "n", "a case", SERVICE)).result()
    with pytest.raises(LegallyHeld, match="keeps the rows of n; accepted here: LiftLegalHold"):
        service.privacy.erase_subject("ann", "", "e-1")
    gone, intended = bool(watch_of(service).tape.erased.any()), service.privacy.erasures("", 10)
    service.do(lambda unit: holding.lift(service.desk, unit, "n", "", SERVICE)).result()
    found = service.privacy.erase_subject("ann", "", "e-1")

    assert (gone, intended) == (False, [])
    assert [(one.model, one.rows) for one in found.models] == [("m", 4), ("n", 4)]


def test_a_hold_on_a_model_that_has_lost_its_rows_of_a_subject_keeps_no_other(service: Service) -> None:
    service.create_model(a_model("n")).result()
    Feed(service).rows(8, subjects=["ann", "bob"])
    service.privacy.erase_subject("ann", "", "e-1")
    service.do(lambda unit: holding.place(service.desk, unit, "m", "a case", SERVICE)).result()
    Feed(service, "n").rows(4, subjects=["ann"])
    found = service.privacy.erase_subject("ann", "", "e-2")

    assert (found.status, [(one.model, one.rows) for one in found.models]) == (erasures.DONE, [("n", 4)])


def test_a_hold_that_nobody_placed_cannot_be_lifted(service: Service) -> None:
    with pytest.raises(Refused, match="no legal hold is placed"):
        service.do(lambda unit: holding.lift(service.desk, unit, "m", "", SERVICE)).result()


@pytest.mark.parametrize("destroyed", [False, True])
def test_what_was_intended_before_a_process_ended_is_carried_out_at_the_next_start(
    service: Service, *, destroyed: bool
) -> None:
    Feed(service).rows(4, subjects=["ann"])
    asked = erasures.Asked(subject="ann", note="", request_id="e-1", at_us=wall_us())
    erasure = service.do(lambda unit: erasing.intend(service.desk, unit, asked)).result()
    if destroyed:  # it ended between the vault and the log
        vault = service.desk.sealer.vault
        vault.destroy([key.key_id for key in vault.find("rows", pseudonym=vault.pseudonym("subject", "ann"))])
    finished = service.privacy.finish().done
    found = service.privacy.erasure(erasure)

    assert finished == 1
    assert (found.status, [one.rows for one in found.models]) == (erasures.DONE, [4])
    assert types(service)[-1] == "erased"
    assert service.privacy.finish() == Finished(0, {})


def test_what_was_destroyed_before_a_hold_is_told_and_what_was_not_stays(service: Service) -> None:
    sender, vault = Feed(service), service.desk.sealer.vault
    sender.rows(4, subjects=["ann", "bob"])
    for subject in ("ann", "bob"):
        asked = erasures.Asked(subject=subject, note="", request_id=subject, at_us=wall_us())
        service.do(partial(erasing.intend, service.desk, request=asked)).result()
    vault.destroy([key.key_id for key in vault.find("rows", pseudonym=vault.pseudonym("subject", "ann"))])
    service.do(lambda unit: holding.place(service.desk, unit, "m", "a case", SERVICE)).result()
    service.privacy.finish()
    found = {one.pseudonym: one for one in service.privacy.erasures("", 10)}

    gone, kept = (found[vault.pseudonym("subject", subject)] for subject in ("ann", "bob"))
    assert (gone.status, [(one.model, one.rows) for one in gone.models]) == (erasures.DONE, [("m", 2)])
    assert (kept.status, kept.models) == (erasures.INTENDED, [])
    assert service.verify().failures == []


@pytest.mark.parametrize("ahead_us", [0, -60 * MINUTE_US, 24 * 60 * MINUTE_US])
def test_what_another_server_has_left_undone_between_two_looks_is_carried_out_whatever_its_clock_said(
    service: Service, ahead_us: int
) -> None:
    Feed(service).rows(4, subjects=["ann"])
    asked = erasures.Asked(subject="ann", note="", request_id="e-1", at_us=wall_us() + ahead_us)
    erasure = service.do(lambda unit: erasing.intend(service.desk, unit, asked)).result()
    early, before = service.privacy.finish_left(), service.privacy.erasure(erasure)
    late, after = service.privacy.finish_left(), service.privacy.erasure(erasure)

    assert (early.done, before.status) == (0, erasures.INTENDED)
    assert (late.done, after.status, [one.rows for one in after.models]) == (1, erasures.DONE, [4])


def test_an_erasure_that_a_hold_has_stopped_is_carried_out_when_it_is_lifted(service: Service) -> None:
    Feed(service).rows(4, subjects=["ann"])
    asked = erasures.Asked(subject="ann", note="", request_id="e-1", at_us=wall_us())
    erasure = service.do(lambda unit: erasing.intend(service.desk, unit, asked)).result()
    service.do(lambda unit: holding.place(service.desk, unit, "m", "a case", SERVICE)).result()
    seen = [service.privacy.finish_left().done for _ in range(2)]
    held = service.privacy.erasure(erasure).status
    service.do(lambda unit: holding.lift(service.desk, unit, "m", "", SERVICE)).result()
    service.privacy.finish_left()

    assert seen == [0, 1]
    assert (held, service.privacy.erasure(erasure).status) == (erasures.INTENDED, erasures.DONE)


def test_work_under_way_with_rows_that_are_erased_is_stopped_and_its_dataset_is_gone(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(40, subjects=["ann", "bob"]), [0.0, 1.0] * 20)
    job = service.jobs.lease("w").result()
    assert job is not None
    found = service.privacy.erase_subject("ann", "", "e-1")

    assert [one.jobs for one in found.models] == [[job.job]]
    assert [one.status for one in service.store.read(lambda reader: reader.jobs())] == ["failed"]
    assert service.jobs.heartbeat(job.job, job.attempt, 0, "").result()[1]
    with pytest.raises(EvidenceErased):
        service.desk.blobs.get(job.datasets[0])


def test_a_challenge_that_held_erased_rows_is_given_up_on_record_and_no_other(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(40, subjects=["ann", "bob"]), [0.0, 1.0] * 20)
    service.privacy.erase_subject("ann", "", "e-1")
    [given_up] = [
        orjson.loads(one.payload or b"") for one in service.events("m", 0, 100) if one.type == "challenge_failed"
    ]
    sender.rows(4, subjects=["cid"])
    service.privacy.erase_subject("cid", "", "e-2")

    assert given_up["failure"] == "ROWS_ERASED"
    assert types(service).count("challenge_failed") == 1


@pytest.mark.parametrize("subject", ["ann", "eve"])
def test_a_remedy_that_held_erased_rows_is_given_up_and_any_other_goes_on(service: Service, subject: str) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(10, subjects=["ann"]), 1.0)
    service.start_retraining("m", "", "", [], SERVICE).result()
    job = service.jobs.lease("w", ("remedy",)).result()
    sender.rows(4, subjects=["eve"])
    service.privacy.erase_subject(subject, "", "e-1")

    state = service.state("m")
    assert job is not None
    assert (state.state, state.reason) == (("healthy", "ROWS_ERASED") if subject == "ann" else ("retraining", "LEASED"))


def test_work_under_way_without_rows_of_the_subject_goes_on(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(40, subjects=["bob"]), [0.0, 1.0] * 20)
    job = service.jobs.lease("w").result()
    assert job is not None
    sender.rows(4, subjects=["ann"])
    found = service.privacy.erase_subject("ann", "", "e-1")

    assert [one.jobs for one in found.models] == [[]]
    assert not service.jobs.heartbeat(job.job, job.attempt, 0, "").result()[1]
    assert service.desk.blobs.get(job.datasets[0])


def test_a_word_that_one_subject_alone_uses_is_not_learned_and_trains_nothing(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(4, subjects=["ann", "bob"], colour="violet") + sender.rows(36), [0.0, 1.0] * 20)
    vocabulary = service.store.read(lambda reader: service.desk.intake(reader, "m").vocabulary)
    job = service.jobs.lease("w").result()

    assert "violet" not in vocabulary.codes[1]
    assert job is not None
    assert b"violet" not in service.store.read(lambda reader: reader.jobs())[0].spec
    rows = Dataset.from_bytes(service.desk.blobs.get(job.datasets[0])).rows[REFERENCE_ROWS:]
    assert np.isnan(rows[:4, 1]).tolist() == [True, False, True, False]
    assert watch_of(service).tape.features(REFERENCE_ROWS, REFERENCE_ROWS + 4)[:, 1].tolist() == [OTHER, 1, OTHER, 1]


def test_a_batch_that_is_sent_again_after_an_erasure_gets_its_first_answer(service: Service) -> None:
    sender = Feed(service)
    batch = sender.a_batch(4, subjects=["ann"])
    first = service.ingest(batch).result()
    service.privacy.erase_subject("ann", "", "e-1")

    assert service.ingest(batch).result() == replace(first, duplicate=True)


def test_what_is_kept_of_a_request_is_no_plain_hash_of_its_rows(service: Service) -> None:
    batch = Feed(service).a_batch(1, subjects=["ann"])
    service.ingest(batch).result()
    kept = service.store.read(lambda reader: reader.request(f"rows/m/{batch.batch_id}"))

    assert kept is not None
    assert kept.payload_sha256 != batch.digest()


def periods(count: int) -> int:
    """Give a moment at which what is written now is older than so many periods."""
    return wall_us() + count * PERIOD_US


def test_rows_older_than_is_kept_are_erased_whoever_they_are_about_and_references_stay(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(40, subjects=["ann", ""]), [0.0, 1.0] * 20)
    young = service.privacy.erase_old(Retention(rows_days=60), periods(1)).erasures
    old = service.privacy.erase_old(Retention(rows_days=60), periods(4)).erasures
    again = service.privacy.erase_old(Retention(rows_days=60), periods(4)).erasures
    tape = watch_of(service).tape
    [told] = service.privacy.erasures("", 10)

    assert (young, old, again) == (0, 1, 0)
    assert (told.scope, [(one.rows, one.labels) for one in told.models]) == ("age", [(40, 40)])
    assert tape.erased[: tape.end].tolist() == [False] * REFERENCE_ROWS + [True] * 40
    assert not np.isnan(tape.labels[:REFERENCE_ROWS]).any()
    assert service.verify().failures == []


def test_old_rows_go_by_their_period_and_later_only_those_that_have_come_since(service: Service) -> None:
    sender = Feed(service)
    for count, rows in ((3, 4), (4, 6)):
        sender.rows(rows)
        service.privacy.erase_old(Retention(rows_days=1), periods(count))
    told = sorted(service.privacy.erasures("", 10), key=lambda one: one.before_period)

    assert [[one.rows for one in each.models] for each in told] == [[4], [6]]
    assert [one.keys for one in told] == [None, None]


def test_a_legal_hold_keeps_old_rows_too(service: Service) -> None:
    Feed(service).rows(4)
    service.do(lambda unit: holding.place(service.desk, unit, "m", "a case", SERVICE)).result()
    held = service.privacy.erase_old(Retention(rows_days=1), periods(3)).erasures
    service.do(lambda unit: holding.lift(service.desk, unit, "m", "", SERVICE)).result()

    assert (held, service.privacy.erase_old(Retention(rows_days=1), periods(3)).erasures) == (0, 1)


def test_a_model_whose_old_rows_are_gone_still_declines_and_is_explained(service: Service) -> None:
    sender = Feed(service)
    sender.labels(sender.rows(40), [0.0, 1.0] * 20)
    service.privacy.erase_old(Retention(rows_days=1), periods(3))
    for _ in range(4):
        sender.labels(sender.rows(20, output=0.99), 0.0)

    assert {"alarm_raised", "decline_confirmed", "diagnosis_made"} <= set(types(service))
    assert service.verify().failures == []


def test_an_erasure_that_nobody_asked_for_is_not_found(service: Service) -> None:
    with pytest.raises(ThingMissing, match="was ever asked for"):
        service.privacy.erasure("0" * 32)


def test_subjects_are_one_a_row_or_none(service: Service) -> None:
    batch = replace(Feed(service).a_batch(2), subjects=["ann"])

    with pytest.raises(Invalid, match="subject_ids"):
        service.ingest(batch).result()


def test_nothing_of_a_row_is_written_in_clear(service: Service) -> None:
    Feed(service).rows(3, subjects=["ann", ""])
    bodies = [
        item.body for item in service.store.read(lambda reader: reader.feed("m", 0, 10)) if item.kind == feed.ROWS
    ]

    assert [body for body in bodies if b"p-60" in body] == []
