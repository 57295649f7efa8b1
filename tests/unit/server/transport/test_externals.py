"""Declarations go into messages and come back as they were."""

from __future__ import annotations

import pytest
from remission.v1 import ingest_pb2
from remission.v1 import signals_pb2 as pb

from server.errors import Invalid
from server.transport.externals import declaration, signals
from statemachine.externals import ExternalSignal


@pytest.mark.parametrize(
    "one",
    [
        ExternalSignal(name="rate", tolerance=1.0),
        ExternalSignal(
            name="sales", unit="EUR/d", direction="lower_is_worse", tolerance=0.2, relative=True, provider="erp",
            others="apart", interval_seconds=86_400.0, silent_after=3,
        ),
    ],
)  # fmt: skip
def test_a_declaration_comes_back_as_it_was(one: ExternalSignal) -> None:
    assert signals([declaration(one)], "signals") == [one]


def test_others_are_refused_where_nothing_is_said_of_them() -> None:
    (found,) = signals([pb.ExternalSignal(name="rate", direction=ingest_pb2.DIRECTION_HIGHER_IS_WORSE)], "signals")

    assert found.others == "refused"


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        signals([declaration(ExternalSignal(name="rate", tolerance=1.0)), pb.ExternalSignal(name="x")], "signals")

    assert caught.value.violations[0][0] == "signals[1].direction"
