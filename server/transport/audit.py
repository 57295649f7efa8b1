"""AuditService: the log, its replay, and every decision derived again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial

from remission.v1 import audit_pb2 as pb
from remission.v1 import audit_pb2_grpc

from server.auditing import Derivation
from server.errors import Invalid, ThingMissing
from server.service import Service
from server.transport.calls import Context, answering, read, streaming
from server.transport.fields import model_name, page
from server.transport.states import state
from server.views import state_of
from statemachine.envelope import RecordedEvent, chain_faults
from statemachine.events import REGISTRY

MOST_EVENTS = 1_000


class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """The record."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @answering
    async def ReadEvents(self, request: pb.ReadEventsRequest, _: Context) -> pb.ReadEventsResponse:
        """Read events behind a position."""
        name = model_name(request.model) if request.model else ""
        unknown = [one for one in request.types if one not in REGISTRY]
        if unknown:
            raise Invalid("types", f"{unknown[0]!r} is unknown; known are {', '.join(sorted(REGISTRY))}")
        size, after = page(request.page_size, MOST_EVENTS), request.after_position
        if request.page_token:
            if not request.page_token.isdigit():
                raise Invalid("page_token", "is not one that this server gave")
            after = int(request.page_token)
        if name:
            await read(lambda: self._service.state(name))
        found = await read(lambda: self._service.events(name, after, size, tuple(request.types)))
        token = str(found[-1].position) if len(found) == size else ""
        return pb.ReadEventsResponse(events=[event(one) for one in found], next_page_token=token)

    @streaming
    async def ReplayModel(self, request: pb.ReplayModelRequest, _: Context) -> AsyncIterator[pb.ReplayModelResponse]:
        """Fold a model's log again, step by step, and compare the end with the stored state."""
        name = model_name(request.model)
        stored = await read(lambda: self._service.state(name))
        steps = await read(lambda: list(self._service.steps(name)))
        for step in steps:
            yield pb.ReplayModelResponse(
                step=pb.ReplayStep(
                    event=event(step.recorded), before=state(state_of(step.before)), after=state(state_of(step.after))
                )
            )
        found = await read(lambda: self._service.verify([name]))
        yield pb.ReplayModelResponse(
            summary=pb.ReplaySummary(
                events=len(steps), equal=found.replay_equal,
                chain_ok=not list(chain_faults(step.recorded for step in steps)),
                replayed=state(state_of(steps[-1].after)), stored=state(stored),
                difference="" if found.replay_equal else "; ".join(found.failures),
            )
        )  # fmt: skip

    @answering
    async def ExplainDecision(self, request: pb.ExplainDecisionRequest, _: Context) -> pb.ExplainDecisionResponse:
        """Derive one decision again."""
        name = model_name(request.model)
        await read(lambda: self._service.state(name))
        found = await read(lambda: self._service.explain(name, request.position))
        return pb.ExplainDecisionResponse(
            decision=decision(found), rederived_verdict_json=json.dumps(found.rederived, sort_keys=True),
            equal=found.equal, explanation=found.failure or ("the bits agree" if found.equal else "they differ"),
        )  # fmt: skip

    @answering
    async def VerifyLog(self, request: pb.VerifyLogRequest, _: Context) -> pb.VerifyLogResponse:
        """Check chain, replay and every decision."""
        names = [model_name(name, f"models[{i}]") for i, name in enumerate(request.models)]
        for i, name in enumerate(names):
            if not await read(partial(self._service.events, name, 0, 1)):
                raise ThingMissing(f"models[{i}]", f"no model {name!r} is under watch")
        found = await read(lambda: self._service.verify(names))
        return pb.VerifyLogResponse(
            events=found.events, chain_ok=found.chain_ok, replay_equal=found.replay_equal,
            decisions=found.decisions, rederived=found.rederived, log_sha256=found.log_sha256,
            first_failure=found.failures[0] if found.failures else "",
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
        judge=found.judge, evidence_sha256=found.evidence, inputs_json=json.dumps(found.inputs, sort_keys=True),
        policy_json=json.dumps(found.policy, sort_keys=True), verdict_json=json.dumps(found.verdict, sort_keys=True),
    )  # fmt: skip
