"""Incidents that are like one of a model, on the wire."""

from __future__ import annotations

import asyncio

from remission.v1 import audit_pb2 as pb

from server.errors import Invalid
from server.history.cases import Attempt, Case, Levels
from server.history.precedents import Precedent
from server.service import Service
from server.transport.calls import read
from server.transport.fields import model_name

USUAL, MOST = 5, 100  #: incidents in an answer


async def found(
    service: Service, turn: asyncio.Semaphore, request: pb.FindSimilarIncidentsRequest
) -> pb.FindSimilarIncidentsResponse:
    """Find what an incident is like."""
    name, many = model_name(request.model), most(request.most)
    if request.position < 0:
        raise Invalid("position", f"is {request.position}; 0 or more is accepted")
    await read(service.state, name)
    async with turn:
        told = await read(service.precedents, name, request.position, many, own=request.own)
    return pb.FindSimilarIncidentsResponse(
        incident=incident(told.asked), similar=[similar(one) for one in told.found],
        models_read=told.models_read, models_left_out=told.models_left_out,
    )  # fmt: skip


def most(given: int) -> int:
    """Read how many are wanted."""
    if given < 0:
        raise Invalid("most", f"is {given}; 0 to {MOST} is accepted")
    return min(given, MOST) or USUAL


def similar(one: Precedent) -> pb.SimilarIncident:
    """Write an incident with what it has in common with another."""
    parts = [
        pb.Likeness(part=part.name, weight=part.weight, agreement=part.agreement, told=part.told) for part in one.parts
    ]
    return pb.SimilarIncident(incident=incident(one.case), similarity=one.similarity, parts=parts, cure=one.cure)


def incident(case: Case) -> pb.Incident:
    """Write an incident."""
    told = case.incident
    return pb.Incident(
        model=case.model, position=case.position, signal=told["signal"], subject=told["subject"],
        causes=[
            pb.IncidentCause(
                kind=one["kind"], share=one["share"], features=one.get("features", ()), note=one.get("note", "")
            )
            for one in case.causes
        ],
        onset_row=told["onset"]["row"], detected_us=told["detected"]["at_us"],
        ended_us=told["restored"]["at_us"] if case.over else 0, outcome=told["outcome"],
        attempts=[attempt(one) for one in case.attempts], losses=levels(case.losses), next_us=case.next_us or 0,
    )  # fmt: skip


def attempt(one: Attempt) -> pb.RemedyAttempt:
    """Write what was tried."""
    names = ("number", "requested_by", "remedy", "candidate", "end", "reason")
    return pb.RemedyAttempt(**{name: getattr(one, name) for name in names}, losses=levels(one.losses))


def levels(one: Levels | None) -> pb.LossLevels | None:
    """Write two losses, where they are known."""
    return pb.LossLevels(before=one.before, after=one.after) if one else None
