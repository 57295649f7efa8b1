"""AuditService: the log, its replay, and every decision derived again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from remission.v1 import audit_pb2 as pb
from remission.v1 import audit_pb2_grpc

from server.audit.deriving import Derivation
from server.errors import Invalid, ThingMissing
from server.history.moments import Moment
from server.history.replaying import Replay
from server.service import Service
from server.transport import bundles, precedents
from server.transport.calls import Context, answering, read, streaming
from server.transport.fields import continued, model_name, number, page, page_token
from server.transport.states import behind, state
from server.transport.steps import event, messages, together, versions
from server.views import StateView
from statemachine.kinds import REGISTRY
from statemachine.record.canonical import canonical
from statemachine.record.envelope import leaf_of
from store.records import Checkpoint

MOST_LONG = 2
MOST_DIFFERENCES = 1_000


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
        begun = continued(request.page_token, asked)
        after = int(begun) if begun else await behind(self._service, request.after_position)
        if name:
            await read(self._service.state, name)
        found = await read(self._service.events, name, after, size, tuple(request.types))
        token = page_token(str(found[-1].position), asked) if len(found) == size else ""
        events = [event(one) for one in found]
        for message, one in zip(events, found, strict=True) if request.leaves else ():
            message.leaf = leaf_of(one)
        return pb.ReadEventsResponse(events=events, next_page_token=token)

    @answering
    async def GetStateAsOf(self, request: pb.GetStateAsOfRequest, _: Context) -> pb.GetStateAsOfResponse:
        """Tell how a model stood at a moment of its past."""
        name, asked = model_name(request.model), moment(request)
        await read(self._service.state, name)
        async with self._long:
            found = await read(self._service.as_of, name, asked)
        return pb.GetStateAsOfResponse(
            state=state(found.state), policy_json=written(found.health.policy.to_json()),
            policy_version=found.health.policy_version, event=event(found.recorded),
        )  # fmt: skip

    @streaming
    async def ReplayModel(
        self, request: pb.ReplayModelRequest, _: Context
    ) -> AsyncGenerator[pb.ReplayModelResponse, None]:
        """Fold a model's log again, step by step, and compare the end with the stored state."""
        name, wanted, most = model_name(request.model), versions(request), together(request)
        stored = await read(self._service.stored_state, name)
        replay = await read(Replay, self._service.store, name)
        told = messages(replay.pages(), wanted, most)
        while (page := await self._next(told)) is not None:
            for one in page:
                yield one
        yield pb.ReplayModelResponse(summary=summary(replay, stored))

    async def _next(self, pages: Iterator[list[pb.ReplayModelResponse]]) -> list[pb.ReplayModelResponse] | None:
        """Fold and write one page more. Whoever reads slowly keeps nobody else waiting."""
        async with self._long:
            return await read(next, pages, None)

    @answering
    async def ExplainDecision(self, request: pb.ExplainDecisionRequest, _: Context) -> pb.ExplainDecisionResponse:
        """Derive one decision again."""
        name = model_name(request.model)
        await read(self._service.stored_state, name)
        async with self._long:
            found = await read(self._service.explain, name, request.position)
        return pb.ExplainDecisionResponse(
            decision=decision(found), rederived_verdict_json=written(found.rederived), equal=found.equal,
            explanation=found.told, status=number(pb.DerivationStatus, found.status),
            differences=[
                pb.FieldDifference(path=one.path, recorded_json=one.recorded, derived_json=one.derived)
                for one in found.differences[:MOST_DIFFERENCES]
            ],
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
            erased=found.erased, tree_ok=found.tree_ok, root=found.root,
            first_failure=str(found.failures[0]) if found.failures else "",
            failures=found.failed, feed_entries=found.feed_entries,
        )  # fmt: skip

    @answering
    async def GetCheckpoint(self, _: pb.GetCheckpointRequest, __: Context) -> pb.GetCheckpointResponse:
        """Sign what is committed, and give what was signed."""
        found = await read(self._service.checkpoints.sign)
        keys = [verifier.text for verifier in self._service.notary.verifiers]
        return pb.GetCheckpointResponse(checkpoint=self._checkpoint(found), keys=keys)

    @answering
    async def GetInclusionProof(self, request: pb.GetInclusionProofRequest, _: Context) -> pb.GetInclusionProofResponse:
        """Prove one event."""
        size = natural(request.size, "size")
        found = await read(self._service.checkpoints.receipt, request.position, size)
        return pb.GetInclusionProofResponse(
            leaf=found.leaf, path=found.receipt.path, checkpoint=self._checkpoint(found.checkpoint),
            receipt=found.receipt.text,
        )  # fmt: skip

    @answering
    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, _: Context
    ) -> pb.GetConsistencyProofResponse:
        """Prove that a log only grew."""
        size = natural(request.size, "size")
        found = await read(self._service.checkpoints.consistency, request.old_size, size)
        return pb.GetConsistencyProofResponse(path=found.path, checkpoint=self._checkpoint(found.newer))

    @streaming
    async def ExportBundle(
        self, request: pb.ExportBundleRequest, _: Context
    ) -> AsyncGenerator[pb.ExportBundleResponse, None]:
        """Give the record of a model as one signed archive."""
        async with contextlib.aclosing(bundles.exported(self._service, self._long, request)) as parts:
            async for part in parts:
                yield part

    @answering
    async def ListInventory(self, request: pb.ListInventoryRequest, _: Context) -> pb.ListInventoryResponse:
        """List what models are for, and when to look at them again."""
        return await bundles.listed(self._service, self._long, request)

    @answering
    async def FindSimilarIncidents(
        self, request: pb.FindSimilarIncidentsRequest, _: Context
    ) -> pb.FindSimilarIncidentsResponse:
        """Find what an incident is like, and what ended that."""
        return await precedents.found(self._service, self._long, request)

    def _checkpoint(self, found: Checkpoint) -> pb.Checkpoint:
        return pb.Checkpoint(
            origin=self._service.notary.origin,
            size=found.size,
            root=found.root,
            note=self._service.notary.published(found),
        )


def natural(value: int, field: str) -> int:
    """Check a count that may be left out."""
    if value < 0:
        raise Invalid(field, f"is {value}; 0 or more is accepted")
    return value


def known_types(names: Sequence[str]) -> list[str]:
    """Check types of events, and put them in order."""
    for i, one in enumerate(names):
        if one not in REGISTRY:
            raise Invalid("types", f"types[{i}]: {one!r} is unknown; known are {', '.join(sorted(REGISTRY))}")
    return sorted(names)


def moment(request: pb.GetStateAsOfRequest) -> Moment:
    """Read the moment that is asked about."""
    match request.WhichOneof("moment"):
        case "at_us":
            return Moment("at_us", request.at_us)
        case "version":
            return Moment("version", request.version)
        case "position":
            return Moment("position", request.position)
        case _:
            raise Invalid("moment", "is missing; exactly one of at_us, version and position is accepted")


def summary(found: Replay, stored: StateView) -> pb.ReplaySummary:
    """Write the end of a replay."""
    return pb.ReplaySummary(
        events=found.events, equal=not found.difference, chain_ok=not found.broken,
        replayed=state(found.replayed), stored=state(stored), difference=found.difference or found.broken,
    )  # fmt: skip


def decision(found: Derivation) -> pb.Decision:
    """Write a decision with what it rests on."""
    return pb.Decision(
        model=found.recorded.stream, position=found.recorded.position, type=found.recorded.type,
        judge=found.judge, evidence_sha256=found.evidence, inputs_json=evidence(found),
        policy_json=written(found.policy.to_json()), verdict_json=written(found.verdict),
        policy_version=found.recorded.policy_version,
    )  # fmt: skip


def evidence(found: Derivation) -> str:
    """Write the evidence as it was hashed: with the name of its judge. Empty where it is gone or was altered."""
    return written({"judge": found.judge, "inputs": found.inputs}) if found.judge else ""


def written(value: dict[str, Any]) -> str:
    """Write canonical JSON."""
    return canonical(value).decode()
