"""The only place that picks implementations."""

from __future__ import annotations

from pathlib import Path

from retraining.template import TEMPLATES
from server.act import Act
from server.clock import StreamClock, SystemClock, wall_us
from server.desk import Desk
from server.service import Service
from server.settings import Settings
from statemachine.machine import GATEKEEPER, Gatekeeper
from store import FsspecBlobs, open_store


def build(settings: Settings, gatekeeper: Gatekeeper = GATEKEEPER) -> Service:
    """Open the store and put the service together.

    Raises:
        DatabaseFault: The database cannot be used; the message says why, and what would help.
    """
    clock = StreamClock() if settings.clock == "stream" else SystemClock()
    store = open_store(settings.database, clock_us=wall_us)
    blobs = FsspecBlobs(
        str(Path(settings.artifacts).absolute()) if "://" not in settings.artifacts else settings.artifacts
    )
    return Service(store, Desk(Act(clock, gatekeeper), clock, blobs, TEMPLATES))
