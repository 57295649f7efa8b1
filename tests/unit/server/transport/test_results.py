"""Claims about results as messages: what is counted of them, and what is refused before anybody reads a report."""

from __future__ import annotations

import pytest
from remission.v1 import training_pb2 as pb

from server.errors import Invalid, TooLarge
from server.transport.training import MOST_REPORT_BYTES, completion


def a_result(report: str, **resources: int) -> pb.CompleteJobRequest:
    return pb.CompleteJobRequest(
        job_id="j", attempt=1, report_json=report, isolation=pb.ISOLATION_LEVEL_LIMITS,
        resources=pb.ResourceUse(**resources),
    )  # fmt: skip


def test_a_report_is_bounded_in_bytes_and_not_in_characters() -> None:
    most = '{"a":"' + "é" * ((MOST_REPORT_BYTES - 8) // 2) + '"}'

    assert len(completion(a_result(most)).report["a"]) == (MOST_REPORT_BYTES - 8) // 2
    with pytest.raises(TooLarge, match=f"report_json: {MOST_REPORT_BYTES + 2} is over the limit"):
        completion(a_result(most.replace("}", "  }")))


@pytest.mark.parametrize("name", ["cpu_us", "wall_us", "max_rss_bytes"])
def test_nothing_costs_less_than_nothing(name: str) -> None:
    assert completion(a_result("{}", **{name: 0})).measured[name] == 0

    with pytest.raises(Invalid, match=f"resources.{name}: -1 is not accepted; 0 to"):
        completion(a_result("{}", **{name: -1}))
