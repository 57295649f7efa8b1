"""The steps of a replay as messages: each event, with the state before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from remission.v1 import audit_pb2 as pb
from remission.v1 import health_pb2

from server.errors import Invalid
from server.history.folding import Step
from server.transport.fields import page
from server.transport.states import state
from server.views import state_of
from statemachine.record.envelope import RecordedEvent

NO_END = 1 << 63
PAGE_BYTES = 1 << 20  #: behind which a page takes no more: clients accept four times as much


def versions(request: pb.ReplayModelRequest) -> range:
    """Read which versions are asked for."""
    after, until = request.after_version, request.until_version
    if after < 0:
        raise Invalid("after_version", f"{after} is negative; 0 or more is accepted")
    if until and until <= after:
        raise Invalid(
            "until_version", f"{until} is not accepted; more than after_version ({after}) is, and 0 is no end"
        )
    return range(after + 1, until + 1 if until else NO_END)


def together(request: pb.ReplayModelRequest) -> int:
    """Read how many steps are to come together; 0 is each by itself."""
    return page(request.page_size) if request.page_size else 0


def messages(steps: Iterable[list[Step]], wanted: range, most: int) -> Iterator[list[pb.ReplayModelResponse]]:
    """Write *steps* of *wanted* versions, each by itself or at most so many together."""
    for some in written(steps, wanted):
        if not most:
            yield [pb.ReplayModelResponse(step=one) for one in some]
        else:
            yield [pb.ReplayModelResponse(page=pb.ReplayPage(steps=one)) for one in _parts(some, most)]


def written(steps: Iterable[list[Step]], wanted: range) -> Iterator[list[pb.ReplayStep]]:
    """Write the steps of *wanted* versions."""
    before: health_pb2.ModelState | None = None  # what is after one event is before the next, so it is written once
    for some in steps:
        found = []
        for one in some:
            version = one.recorded.version
            after = _after(one) if version in wanted or version + 1 in wanted else None
            if version in wanted:
                found.append(pb.ReplayStep(event=event(one.recorded), before=before, after=after))
            before = after
        yield found


def event(one: RecordedEvent) -> pb.Event:
    """Write an event."""
    return pb.Event(
        position=one.position, stream=one.stream, version=one.version, type=one.type, schema=one.schema,
        occurred_us=one.occurred_us, recorded_us=one.recorded_us, actor=one.actor,
        authentication=one.authentication, causation_id=one.causation_id or "",
        correlation_id=one.correlation_id or "", request_id=one.request_id or "",
        policy_version=one.policy_version, machine_version=one.machine_version,
        payload_json=(one.payload or b"").decode(), hash=one.hash, previous_hash=one.previous_hash,
    )  # fmt: skip


def _parts(steps: list[pb.ReplayStep], most: int) -> Iterator[list[pb.ReplayStep]]:
    """Divide *steps* into pages that a message can hold."""
    part: list[pb.ReplayStep] = []
    held = 0
    for one in steps:
        part.append(one)
        held += one.ByteSize()
        if len(part) == most or held >= PAGE_BYTES:
            yield part
            part, held = [], 0
    if part:
        yield part


def _after(one: Step) -> health_pb2.ModelState:
    return state(state_of(one.after, position=one.recorded.position))
