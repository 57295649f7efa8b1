"""External signals as they are sent: declarations into messages, and out of them."""

from __future__ import annotations

from collections.abc import Iterable

from remission.v1 import ingest_pb2
from remission.v1 import signals_pb2 as pb

from server.transport.fields import MOST_WORD, number, text, word
from statemachine.externals import DIRECTIONS, OTHERS, ExternalSignal


def signals(told: Iterable[pb.ExternalSignal], where: str) -> list[ExternalSignal]:
    """Read declarations. Their bounds are checked where they are declared."""
    return [_signal(one, f"{where}[{i}]") for i, one in enumerate(told)]


def _signal(one: pb.ExternalSignal, where: str) -> ExternalSignal:
    others = one.other_providers or pb.OTHER_PROVIDERS_REFUSED
    return ExternalSignal(
        name=text(one.name, f"{where}.name", MOST_WORD), unit=text(one.unit, f"{where}.unit", MOST_WORD),
        direction=word(ingest_pb2.Direction, one.direction, f"{where}.direction", DIRECTIONS),
        tolerance=one.tolerance, relative=one.tolerance_is_share,
        provider=text(one.provider, f"{where}.provider", MOST_WORD),
        others=word(pb.OtherProviders, others, f"{where}.other_providers", OTHERS),
        interval_seconds=one.interval_seconds, silent_after=one.silent_after,
    )  # fmt: skip


def declaration(one: ExternalSignal) -> pb.ExternalSignal:
    """Write a declaration."""
    return pb.ExternalSignal(
        name=one.name, unit=one.unit, direction=number(ingest_pb2.Direction, one.direction), tolerance=one.tolerance,
        tolerance_is_share=one.relative, provider=one.provider,
        other_providers=number(pb.OtherProviders, one.others), interval_seconds=one.interval_seconds,
        silent_after=one.silent_after,
    )  # fmt: skip
