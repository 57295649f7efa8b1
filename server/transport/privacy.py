"""PrivacyService: people are forgotten, and what must be kept is kept."""

from __future__ import annotations

import structlog
from remission.v1 import privacy_pb2 as pb
from remission.v1 import privacy_pb2_grpc

from server.act import Caller
from server.errors import Invalid
from server.models import holding
from server.privacy.actors import ActorView, check_actor
from server.privacy.erasures import ErasureView, Touched
from server.service import Service
from server.transport.calls import Context, answering, caller, once, read
from server.transport.errors import NotAllowed
from server.transport.fields import (
    ERASURE,
    MOST_PAGE,
    continued,
    identifier,
    model_name,
    page,
    page_token,
    rows_within,
    subject,
    text,
)
from server.transport.states import state

LOG = structlog.get_logger()


class PrivacyServicer(privacy_pb2_grpc.PrivacyServiceServicer):
    """Erasures and legal holds."""

    def __init__(self, service: Service, seers: frozenset[str]) -> None:
        self._service, self._seers = service, seers  # those whose certificates let them see names

    @answering
    async def EraseSubject(self, request: pb.EraseSubjectRequest, context: Context) -> pb.EraseSubjectResponse:
        """Forget a subject. What is kept of the request is keyed, so that nobody can guess from it who it was."""
        name = identifier(request.request_id, "request_id")
        whom, note = subject(request.subject_id, "subject_id"), text(request.reason, "reason")
        if not whom:
            raise Invalid("subject_id", "is empty; 1 to 128 characters are accepted")
        who = await caller(self._service, context, name)
        found = await read(self._service.privacy.erase_subject, whom, note, name, who)
        return pb.EraseSubjectResponse(erasure=erasure(found))

    @answering
    async def GetErasure(self, request: pb.GetErasureRequest, _: Context) -> pb.GetErasureResponse:
        """Tell of one erasure."""
        if not ERASURE.fullmatch(request.erasure_id):
            raise Invalid("erasure_id", "is not accepted; 32 lower-case hexadecimal digits are")
        return pb.GetErasureResponse(erasure=erasure(await read(self._service.privacy.erasure, request.erasure_id)))

    @answering
    async def ListErasures(self, request: pb.ListErasuresRequest, _: Context) -> pb.ListErasuresResponse:
        """Tell of all erasures, by id."""
        size, after = page(request.page_size), continued(request.page_token, "erasures")
        found = await read(self._service.privacy.erasures, after, size)
        token = page_token(found[-1].erasure, "erasures") if len(found) == size else ""
        return pb.ListErasuresResponse(erasures=[erasure(one) for one in found], next_page_token=token)

    @answering
    async def PlaceLegalHold(self, request: pb.PlaceLegalHoldRequest, context: Context) -> pb.PlaceLegalHoldResponse:
        """Let nothing of a model be erased."""
        name, desk = model_name(request.model), self._service.desk
        who = await caller(self._service, context, request.request_id)
        note = text(request.reason, "reason")
        return await once(
            self._service, request, pb.PlaceLegalHoldResponse,
            lambda unit: pb.PlaceLegalHoldResponse(state=state(holding.place(desk, unit, name, note, who))),
        )  # fmt: skip

    @answering
    async def LiftLegalHold(self, request: pb.LiftLegalHoldRequest, context: Context) -> pb.LiftLegalHoldResponse:
        """Let what was kept be erased again."""
        name, desk = model_name(request.model), self._service.desk
        who = await caller(self._service, context, request.request_id)
        note = text(request.reason, "reason")
        return await once(
            self._service, request, pb.LiftLegalHoldResponse,
            lambda unit: pb.LiftLegalHoldResponse(state=state(holding.lift(desk, unit, name, note, who))),
        )  # fmt: skip

    @answering
    async def ResolveActors(self, request: pb.ResolveActorsRequest, context: Context) -> pb.ResolveActorsResponse:
        """Tell who stands behind ids. Who asked is told to the server's own log, by an id as well."""
        who = await self._seer(context, "to ask who an actor is")
        rows_within(len(request.actor_ids) + len(request.names), "actor_ids", MOST_PAGE)
        found = await read(self._service.privacy.who, list(request.actor_ids), list(request.names))
        LOG.info("names", asked_by=who.actor, actors=[one.actor for one in found])
        return pb.ResolveActorsResponse(actors=[actor(one) for one in found])

    @answering
    async def ForgetActor(self, request: pb.ForgetActorRequest, context: Context) -> pb.ForgetActorResponse:
        """Destroy the name behind an id."""
        who = await self._seer(context, "to have an actor forgotten", identifier(request.request_id, "request_id"))
        whom, note = check_actor(request.actor_id, "actor_id"), text(request.reason, "reason")
        found = await read(self._service.privacy.forget_actor, whom, note, request.request_id, who)
        return pb.ForgetActorResponse(erasure=erasure(found))

    async def _seer(self, context: Context, what: str, request_id: str = "") -> Caller:
        """Give the caller, if it may see names.

        Raises:
            NotAllowed: It shows a certificate that is none of theirs.
        """
        who = await caller(self._service, context, request_id)
        if who.name and who.name not in self._seers:
            raise NotAllowed(what, "may_see_names")
        return who


def actor(view: ActorView) -> pb.Actor:
    """Write who stands behind an id."""
    return pb.Actor(actor_id=view.actor, name=view.name or "", forgotten=view.name is None)


def erasure(view: ErasureView) -> pb.Erasure:
    """Write an erasure."""
    return pb.Erasure(
        erasure_id=view.erasure, status=pb.ErasureStatus.Value(f"ERASURE_STATUS_{view.status.upper()}"),
        scope=view.scope, pseudonym=view.pseudonym, reason=view.note, create_time_us=view.created_us,
        done_time_us=view.done_us, models=[erased(one) for one in view.models],
    )  # fmt: skip


def erased(one: Touched) -> pb.ErasedModel:
    """Write what an erasure did to a model."""
    return pb.ErasedModel(
        model=one.model, rows=one.rows, labels=one.labels, trained_versions=one.versions, stopped_jobs=one.jobs
    )
