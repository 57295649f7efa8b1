"""Bundles and the inventory on the wire: requests read, archives given piece by piece, entries written."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from typing import Any

from remission.v1 import audit_pb2 as pb
from remission.v1 import health_pb2

from server.bundling.bundle import chunks
from server.bundling.parts import room
from server.bundling.period import Period
from server.service import Service
from server.transport.calls import read
from server.transport.fields import continued, model_name, number, page, page_token
from server.transport.unreadable import unreadable

INVENTORY = "inventory"  #: the question that a token continues


async def exported(
    service: Service, turn: asyncio.Semaphore, request: pb.ExportBundleRequest
) -> AsyncGenerator[pb.ExportBundleResponse, None]:
    """Make an archive in a file that goes with the call, then give it to whoever reads however slowly."""
    name, asked = model_name(request.model), period(request)
    with tempfile.TemporaryFile(prefix="remission-bundle-") as out:
        async with turn:
            with room():  # the archive is a temporary file too
                sealed = await read(service.export, name, asked, out, rows=request.rows)
        pieces = chunks(out)
        while (piece := await read(next, pieces, None)) is not None:
            yield pb.ExportBundleResponse(chunk=piece)
    yield pb.ExportBundleResponse(
        trailer=pb.BundleTrailer(
            sha256=sealed.sha256, size_bytes=sealed.size, manifest_sha256=sealed.manifest_sha256, events=sealed.events
        )
    )


async def listed(
    service: Service, turn: asyncio.Semaphore, request: pb.ListInventoryRequest
) -> pb.ListInventoryResponse:
    """Give a page of the inventory."""
    size, after = page(request.page_size), continued(request.page_token, INVENTORY)
    async with turn:
        found = await read(service.inventory, after, size)
    token, told = page_token(found.last, INVENTORY) if found.last else "", [entry(one) for one in found.told]
    return pb.ListInventoryResponse(entries=told, next_page_token=token, unreadable=unreadable(found.unreadable))


def period(request: pb.ExportBundleRequest) -> Period:
    """Read the period; a bound that is absent is none."""
    return Period(
        from_us=request.from_us if request.HasField("from_us") else None,
        until_us=request.until_us if request.HasField("until_us") else None,
    )


def entry(one: dict[str, Any]) -> pb.InventoryEntry:
    """Write an entry."""
    names = ("model", "owner", "purpose", "tier", "task", "metric", "outcomes", "champion", "policy_version")
    validation, review = one["validation"], one["next_review"]
    return pb.InventoryEntry(
        **{name: one[name] for name in (*names, "registered_us")},
        state=number(health_pb2.State, one["state"]),
        validation=pb.Validation(**{name: validation[name] for name in ("how", "position", "at_us")})
        if validation
        else None,
        next_review_us=review["at_us"] if review else 0,
        review_reason=review["why"] if review else "",
        findings=[pb.Finding(**finding) for finding in one["findings"]],
    )
