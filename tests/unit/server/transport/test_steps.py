"""Steps of a replay as messages: no page is larger than its reader takes, and none is left out."""

from __future__ import annotations

from msgspec.structs import replace
from remission.v1 import audit_pb2 as pb

from server.transport.steps import NO_END, PAGE_BYTES, messages
from tests.fixtures.steps import of_scenario

ALL = range(1, NO_END)
STEPS = of_scenario("lasting_decline")


def told(most: int, *, payload: bytes = b"") -> list[pb.ReplayModelResponse]:
    """Write all steps, with another payload where one is given."""
    some = [one._replace(recorded=replace(one.recorded, payload=payload)) if payload else one for one in STEPS]
    return [message for page in messages([some], ALL, most) for message in page]


def test_a_page_that_has_become_large_takes_no_more_steps() -> None:
    pages = told(1_000, payload=b"x" * (PAGE_BYTES // 2))

    assert {len(page.page.steps) for page in pages[:-1]} == {2}
    assert sum(len(page.page.steps) for page in pages) == len(STEPS)


def test_a_step_that_is_larger_than_a_page_stands_alone() -> None:
    pages = told(1_000, payload=b"x" * 2 * PAGE_BYTES)

    assert [len(page.page.steps) for page in pages] == [1] * len(STEPS)


def test_what_stands_before_a_step_is_what_stood_after_the_one_before() -> None:
    steps = [message.step for message in told(0)]

    assert not steps[0].HasField("before")
    assert [step.before for step in steps[1:]] == [step.after for step in steps[:-1]]


def test_the_first_wanted_step_knows_what_stood_before_it() -> None:
    whole = [message.step for message in told(0)]
    (found,) = next(messages([STEPS], range(3, 4), 0))

    assert found.step == whole[2]
