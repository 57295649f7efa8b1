"""The clockwork of a server: what is looked at again and again, whether or not anybody calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from server.checkpoints.witnessing import Asking, WitnessFailed
from server.clock import wall_us
from server.complaints import Complaints
from server.following.turns import Turn
from server.privacy.ageing import Retention
from server.service import Service
from server.settings import Settings
from store.post import delivered

LOG = structlog.get_logger()
NEGLECT_US = 30 * 1_000_000  #: that a follower may stand still, before another server follows
HOUR_US = 3_600 * 1_000_000


class Clockwork:
    """Looks at leases, and on the system's clock at timers. What fails is told once, and keeps nothing else waiting."""

    def __init__(self, service: Service, settings: Settings, asking: Asking | None) -> None:
        self._service, self._settings, self._asking = service, settings, asking
        self._complaints = Complaints()
        self._looked_us, self._erased_us = wall_us(), 0

    async def run(self) -> None:
        """Tick for ever. A database that is away comes back."""
        while True:
            await asyncio.sleep(self._settings.timer_seconds)
            await self.tick()

    async def tick(self) -> None:
        """Look at everything once."""
        service = self._service
        await self._each("leases", lambda: service.expire_leases(wall_us()))
        await self._each("followers", service.followers.send_again)
        await self.sign()
        if not service.desk.clock.follows_stream:
            await self._each("timers", lambda: service.fire_timers(wall_us()))
            await self._take_over(wall_us())
            await self._erase_old(wall_us())

    async def sign(self) -> None:
        """Sign what was committed since the last time, so that it cannot be altered unseen; a witness may be away."""
        try:
            await asyncio.to_thread(self._service.checkpoint)
            if self._asking is not None:
                await asyncio.to_thread(self._service.cosign, self._asking)
        except WitnessFailed as error:
            LOG.warning("witness", error=str(error))
        except Exception as error:  # noqa: BLE001 - it is told, and the clock goes on
            self._complaints.heard("notary", {"": error})
        else:
            self._complaints.heard("notary", {})

    async def _take_over(self, now_us: int) -> None:
        """Look at rows and finish erasures that a server has left, twice a minute."""
        if now_us - self._looked_us < NEGLECT_US:
            return
        self._looked_us = now_us
        await self._each("neglected", self._service.followers.send_to_neglected)
        await self._once("erasures left", lambda: self._service.privacy.finish_left(now_us))

    async def _erase_old(self, now_us: int) -> None:
        """Erase what is older than is kept, once an hour."""
        settings = self._settings
        keep = Retention(settings.keep_rows_days, settings.keep_evidence_days, settings.keep_events_days)
        if not keep or now_us - self._erased_us < HOUR_US:
            return
        self._erased_us = now_us
        await self._once("ageing", lambda: self._service.privacy.erase_old(keep, now_us))

    async def _each(self, work: str, begin: Callable[[], Sequence[Turn[Any]]]) -> None:
        """Do all that *begin* begins, model by model."""
        failures: dict[str, Exception] = {}
        try:
            begun = await asyncio.to_thread(begin)
        except Exception as error:  # noqa: BLE001 - as above
            begun, failures = (), {"": error}
        for turn in begun:
            try:
                await delivered(turn.done)
            except Exception as error:  # noqa: BLE001 - as above
                failures[turn.model] = error
        self._complaints.heard(work, failures)

    async def _once(self, work: str, do: Callable[[], object]) -> None:
        """Do what is about no single model."""
        try:
            await asyncio.to_thread(do)
        except Exception as error:  # noqa: BLE001 - as above
            self._complaints.heard(work, {"": error})
        else:
            self._complaints.heard(work, {})
