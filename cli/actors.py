"""Actors, as people and machines are shown them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from remission import Client
from remission.v1 import privacy_pb2

from cli.tables import show, told
from statemachine.actors import is_actor

MOST = 1_000  #: ids in one call


def show_actors(found: Iterable[privacy_pb2.Actor], *, as_json: bool) -> None:
    """Print who is who."""
    whole = [told(one) for one in found]
    if not as_json:
        whole = [{**one, "name": _shown(one)} for one in whole]
    show(whole, ("actor_id", "name"), as_json=as_json)


def named(client: Client, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give *events* with a name in place of each actor's id."""
    ids = sorted({event["actor"] for event in events if is_actor(event["actor"])})
    names = {
        one.actor_id: _shown(told(one))
        for at in range(0, len(ids), MOST)
        for one in client.privacy.who(*ids[at : at + MOST])
    }
    return [{**event, "actor": names.get(event["actor"], event["actor"])} for event in events]


def _shown(one: dict[str, Any]) -> str:
    return f"{one['actor_id']} (forgotten)" if one["forgotten"] else str(one["name"])
