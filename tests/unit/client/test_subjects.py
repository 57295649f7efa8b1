"""Whom rows are about goes with them to the server, row by row, and what cannot be said of one is not sent of any."""

from __future__ import annotations

import pytest
from remission.errors import InvalidArgumentError
from remission.reporting import merge

from server.intake.sealing import ROWS
from tests.fixtures.clients import Wireless
from tests.unit.client.batches import scored, send, told


def keys_of(intake: Wireless, subject: str) -> int:
    """Count the keys that the server has made for a subject."""
    vault = intake.service.desk.sealer.vault
    return len(vault.find(ROWS, pseudonym=vault.pseudonym("subject", subject)))


def test_subjects_arrive_with_their_rows(intake: Wireless) -> None:
    sender, buffer = send(intake, scored("a", "b", "c", subject_ids=["ann", "", "bob"]))

    assert told(sender, buffer) == (3, 0, 0)
    assert [keys_of(intake, one) for one in ("ann", "bob", "cat")] == [1, 1, 0]


def test_rows_with_and_without_subjects_go_in_one_batch(intake: Wireless) -> None:
    sender, buffer = send(intake, scored("a"), scored("b", subject_ids=["ann"]), scored("c"))

    assert told(sender, buffer) == (3, 0, 0)
    assert intake.sizes == [3]
    assert keys_of(intake, "ann") == 1


def test_each_row_keeps_its_subject_when_batches_are_merged_and_divided() -> None:
    whole = merge([scored("a", "b", subject_ids=["ann", ""]), scored("c", subject_ids=["cat"])])

    assert whole.subject_ids == ["ann", "", "cat"]
    assert (whole.part(0, 1).subject_ids, whole.part(1, 3).subject_ids) == (["ann"], ["", "cat"])


def test_what_is_erased_of_a_subject_is_what_was_sent_of_it(intake: Wireless) -> None:
    send(intake, scored("a", "b", subject_ids=["ann", "bob"]))
    (touched,) = intake.service.privacy.erase_subject("ann", "", "e-1").models

    assert touched.rows == 1


def test_a_subject_that_the_server_refuses_takes_no_other_row_with_it(intake: Wireless) -> None:
    sender, buffer = send(intake, scored("a", subject_ids=["ann"]), scored("b", subject_ids=["x" * 129]))

    assert told(sender, buffer) == (1, 1, 0)
    assert isinstance(sender.last_error, InvalidArgumentError)
    assert keys_of(intake, "ann") == 1


@pytest.mark.parametrize("subjects", [["", ""], ["ann", "ann"]])
def test_a_batch_carries_ids_of_subjects_only_where_there_are_any(intake: Wireless, subjects: list[str]) -> None:
    send(intake, scored("a", "b", subject_ids=subjects))

    assert keys_of(intake, "ann") == int(any(subjects))
