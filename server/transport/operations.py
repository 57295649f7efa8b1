"""OperationsService: what people order."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message
from remission.v1 import operations_pb2 as pb
from remission.v1 import operations_pb2_grpc

from server.errors import Invalid
from server.models import operating
from server.service import Service
from server.transport.calls import Context, answering, caller, once, read
from server.transport.fields import model_name, text
from server.transport.states import state, wait
from server.views import Concern, Wait
from store.ports import Unit

A = TypeVar("A", bound=Message)
ON_WHAT_WAS_SEEN = frozenset({"approve", "reject"})  #: nobody agrees to a remedy that came up meanwhile


class OperationsServicer(operations_pb2_grpc.OperationsServiceServicer):
    """Orders. A stop needs no etag and always wins."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @answering
    async def Approve(self, request: pb.ApproveRequest, context: Context) -> pb.ApproveResponse:
        """Agree that the remedy is trained."""
        return await self._order("approve", request, pb.ApproveResponse, context)

    @answering
    async def Reject(self, request: pb.RejectRequest, context: Context) -> pb.RejectResponse:
        """Refuse the remedy."""
        return await self._order("reject", request, pb.RejectResponse, context)

    @answering
    async def Hold(self, request: pb.HoldRequest, context: Context) -> pb.HoldResponse:
        """Let a person decide."""
        return await self._order("hold", request, pb.HoldResponse, context)

    @answering
    async def Release(self, request: pb.ReleaseRequest, context: Context) -> pb.ReleaseResponse:
        """Let the service act again."""
        return await self._order("release", request, pb.ReleaseResponse, context)

    @answering
    async def Freeze(self, request: pb.FreezeRequest, context: Context) -> pb.FreezeResponse:
        """Throw the kill switch."""
        return await self._order("freeze", request, pb.FreezeResponse, context)

    @answering
    async def Unfreeze(self, request: pb.UnfreezeRequest, context: Context) -> pb.UnfreezeResponse:
        """Lift the kill switch."""
        return await self._order("unfreeze", request, pb.UnfreezeResponse, context)

    @answering
    async def Abort(self, request: pb.AbortRequest, context: Context) -> pb.AbortResponse:
        """Stop the remedy that is under way."""
        return await self._order("abort", request, pb.AbortResponse, context)

    @answering
    async def RollBack(self, request: pb.RollBackRequest, context: Context) -> pb.RollBackResponse:
        """Serve the rollback target again."""
        return await self._order("roll_back", request, pb.RollBackResponse, context)

    @answering
    async def StartRetraining(self, request: pb.StartRetrainingRequest, context: Context) -> pb.StartRetrainingResponse:
        """Begin a remedy because a person asks."""
        name, desk = model_name(request.model), self._service.desk
        who = await caller(self._service, context, request.request_id)
        note, remedies = text(request.reason, "reason"), list(request.remedies)
        return await once(
            self._service, request, pb.StartRetrainingResponse,
            lambda unit: pb.StartRetrainingResponse(
                state=state(operating.start_retraining(desk, unit, name, request.etag, note, remedies, who))
            ),
        )  # fmt: skip

    @answering
    async def ExplainWait(self, request: pb.ExplainWaitRequest, _: Context) -> pb.ExplainWaitResponse:
        """Say what a model waits for, and what happens if nobody acts."""
        name = model_name(request.model)
        explained, orders = await read(self._service.explained, name), await read(self._service.orders, name)
        view = explained.state
        found = view.wait
        where = f"{view.state}.{view.phase}" if view.phase else view.state
        told = f"{where} ({view.reason}) waits for {found.awaited}; otherwise {found.outcome}" if found else "retired"
        waits = [found] if found else []
        if view.job:
            worker = f"a worker, for job {view.job}"
            then = "the job waits on, and goes to another worker where one falls silent"
            waits.append(Wait(awaited=worker, timer="", due_us=0, outcome=then))
        return pb.ExplainWaitResponse(
            state=state(view), waits=[wait(one) for one in waits], explanation=told, requested_by=view.requested_by,
            concern=_concern(view.concern, explained.onset_us) if view.concern else None, note=explained.note,
            orders=orders,
        )  # fmt: skip

    async def _order(self, order: str, request: Any, answer: type[A], context: Context) -> A:  # noqa: ANN401 - any order
        name, desk = model_name(request.model), self._service.desk
        who = await caller(self._service, context, request.request_id)
        note = text(request.reason, "reason")

        def work(unit: Unit) -> A:
            view = operating.operate(desk, unit, order, name, request.etag, note, who)
            if order in ON_WHAT_WAS_SEEN and not request.etag:  # behind the order, so that its own refusal comes first
                raise Invalid("etag", "is empty; the etag of the state that was seen is needed")
            return answer(state=state(view))

        return await once(self._service, request, answer, work)


def _concern(view: Concern, onset_us: int) -> pb.Concern:
    return pb.Concern(
        signal=view.signal, subject=view.subject, onset_row=view.onset_row, onset_us=onset_us,
        alarm_row=view.alarm_row, cause=view.cause, features=view.features,
    )  # fmt: skip
