"""AuditService: the log, its replay, and every decision derived again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from remission.v1 import audit_pb2 as pb
from remission.v1 import audit_pb2_grpc
from remission.v1.health_pb2 import ModelState

from server.auditing import Derivation
from server.errors import Invalid, ThingMissing
from server.replaying import Replayed, replayed
from server.service import Service
from server.transport.calls import Context, answering, read, streaming
from server.transport.fields import continued, model_name, page, page_token
from server.transport.states import behind, state
from server.views import StateView, state_of
from statemachine.canonical import canonical
from statemachine.envelope import RecordedEvent
from statemachine.events import REGISTRY

MOST_LONG = 2


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """The record."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # These read whole histories: two at once leave threads and connections to those who ask how a model is.
        self._long = asyncio.Semaphore(MOST_LONG)

    @answering
    async def ReadEvents(self, request: pb.ReadEventsRequest, _: Context) -> pb.ReadEventsResponse:
        """Read events behind a position."""
        name = model_name(request.model) if request.model else ""
        asked = (name, request.after_position, *known_types(request.types))
        size = page(request.page_size)
        after = int(continued(request.page_token, asked) or behind(request.after_position))
        if name:
            await read(self._service.state, name)
        found = await read(self._service.events, name, after, size, tuple(request.types))
        token = page_token(str(found[-1].position), asked) if len(found) == size else ""
        return pb.ReadEventsResponse(events=[event(one) for one in found], next_page_token=token)

    @streaming
    async def ReplayModel(
        self, request: pb.ReplayModelRequest, _: Context
    ) -> AsyncGenerator[pb.ReplayModelResponse, None]:
        """Fold a model's log again, step by step, and compare the end with the stored state."""
        name = model_name(request.model)
        stored = await read(self._service.state, name)
        async with self._long:
            found = await read(self._service.store.read, lambda reader: replayed(reader, name))
        before: ModelState | None = None
        for one in found.steps:
            after = state(state_of(one.after, position=one.recorded.position))
            yield pb.ReplayModelResponse(step=pb.ReplayStep(event=event(one.recorded), before=before, after=after))
            before = after
        yield pb.ReplayModelResponse(summary=summary(found, stored))

    @answering
    async def ExplainDecision(self, request: pb.ExplainDecisionRequest, _: Context) -> pb.ExplainDecisionResponse:
        """Derive one decision again."""
        name = model_name(request.model)
        await read(self._service.state, name)
        async with self._long:
            found = await read(self._service.explain, name, request.position)
        return pb.ExplainDecisionResponse(
            decision=decision(found), rederived_verdict_json=written(found.rederived), equal=found.equal,
            explanation=found.failure or ("the bits agree" if found.equal else "the verdict differs"),
        )  # fmt: skip

    @answering
    async def VerifyLog(self, request: pb.VerifyLogRequest, _: Context) -> pb.VerifyLogResponse:
        """Check chain, replay and every decision."""
        names = [model_name(name, f"models[{i}]") for i, name in enumerate(request.models)]
        for i, name in enumerate(names):
            if not await read(self._service.events, name, 0, 1):
                raise ThingMissing(f"models[{i}]", f"no model {name!r} is under watch")
        async with self._long:
            found = await read(self._service.verify, names)
        return pb.VerifyLogResponse(
            events=found.events, chain_ok=found.chain_ok, replay_equal=found.replay_equal,
            decisions=found.decisions, rederived=found.rederived, log_sha256=found.log_sha256,
            first_failure=found.failures[0] if found.failures else "",
        )  # fmt: skip


def known_types(names: Sequence[str]) -> list[str]:
    """Check types of events, and put them in order."""
    for i, one in enumerate(names):
        if one not in REGISTRY:
            raise Invalid("types", f"types[{i}]: {one!r} is unknown; known are {', '.join(sorted(REGISTRY))}")
    return sorted(names)


def summary(found: Replayed, stored: StateView) -> pb.ReplaySummary:
    """Write the end of a replay."""
    position = found.steps[-1].recorded.position if found.steps else 0
    return pb.ReplaySummary(
        events=len(found.steps), equal=not found.difference, chain_ok=not found.broken,
        replayed=state(state_of(found.end, position=position)), stored=state(stored),
        difference=found.difference or found.broken,
    )  # fmt: skip


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


def decision(found: Derivation) -> pb.Decision:
    """Write a decision with what it rests on."""
    return pb.Decision(
        model=found.recorded.stream, position=found.recorded.position, type=found.recorded.type,
        judge=found.judge, evidence_sha256=found.evidence, inputs_json=evidence(found),
        policy_json=written(found.policy), verdict_json=written(found.verdict),
    )  # fmt: skip


def evidence(found: Derivation) -> str:
    """Write the evidence as it was hashed: with the name of its judge. Empty where it is gone or was altered."""
    return written({"judge": found.judge, "inputs": found.inputs}) if found.judge else ""


def written(value: dict[str, Any]) -> str:
    """Write canonical JSON."""
    return canonical(value).decode()
