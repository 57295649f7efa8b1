"""Claims about followers: one on the way to each model, and another when one came back without having looked."""

from __future__ import annotations

from server.following.backlog import Backlog


def test_many_batches_need_one_follower() -> None:
    backlog = Backlog()

    assert [backlog.calls("m"), backlog.calls("m"), backlog.calls("other")] == [True, False, True]


def test_entries_that_come_after_a_follower_has_arrived_need_another() -> None:
    backlog = Backlog()
    backlog.calls("m")
    backlog.begun("m")

    assert backlog.calls("m")


def test_a_model_whose_follower_failed_is_left_until_another_arrives() -> None:
    backlog = Backlog()
    backlog.calls("m")
    backlog.failed("m")
    left = backlog.left()
    backlog.begun("m")

    assert left == ["m"]
    assert backlog.left() == []
