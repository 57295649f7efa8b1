"""The clockwork of a server: what is looked at again and again, whether or not anybody calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import structlog

from server.checkpoints.witnessing import Asking, WitnessFailed
from server.clock import steady_us, wall_us
from server.complaints import Complaints
from server.following.turns import Turn
from server.privacy.ageing import Retention
from server.privacy.steadiness import SET_US, SteadyHours
from server.service import Service
from server.settings import Settings
from server.timekeeping import Timekeeper
from server.trimming import Trimmer
from store.post import delivered

LOG = structlog.get_logger()
MOMENT_SECONDS = 0.5  #: that a tick waits for a witness at most
NEGLECT_US = 30 * 1_000_000  #: that a follower may stand still, before another server follows
HOUR_US = 3_600 * 1_000_000


class Clockwork:
    """Looks at leases, and on the system's clock at timers. What fails is told once, and keeps nothing else waiting.

    How long ago something was done is measured by a clock that is never set.
    """

    def __init__(self, service: Service, settings: Settings, asking: Asking | None) -> None:
        self._service, self._settings, self._asking = service, settings, asking
        self._complaints, self._timekeeper = Complaints(), Timekeeper(service.store)
        self._trimmer = Trimmer(
            service.store, service.do, settings.keep_answers_days, thin=settings.keep_checkpoints == "thinned"
        )
        self._witness = ""  #: why it did not cosign when it was last asked
        self._asked: asyncio.Future[str] | None = None  #: what it says, while it is asked
        self._looked_us, self._hours = steady_us(), SteadyHours(steady_us(), wall_us(), HOUR_US)

    async def run(self) -> None:
        """Tick for ever. A database that is away comes back."""
        while True:
            await asyncio.sleep(self._settings.timer_seconds)
            await self.tick()

    async def tick(self) -> None:
        """Look at everything once."""
        service = self._service
        await self._each("leases", lambda: service.jobs.expire(steady_us()))
        await self._each("followers", service.followers.send_again)
        await self.sign()
        if not service.desk.clock.follows_stream:
            await self._once("clock", lambda: self._timekeeper.look(steady_us(), wall_us))
            if not self._timekeeper.is_far:
                await self._each("timers", lambda: service.fire_timers(wall_us()))
                await self._let_age()
            await self._take_over(steady_us())
            await self._once("trimming", self._trimmer.step)

    async def sign(self) -> None:
        """Sign what was committed since the last time, so that it cannot be altered unseen; a witness may be away."""
        try:
            await asyncio.to_thread(self._service.checkpoints.sign)
            if self._asking is not None:
                await self._ask_witness(self._asking)
        except Exception as error:  # noqa: BLE001 - it is told, and the clock goes on
            self._complaints.heard("notary", {"": error})
        else:
            self._complaints.heard("notary", {})

    async def _ask_witness(self, asking: Asking) -> None:
        """Ask a stranger beside the clock: one that takes long to answer is listened to at the next tick."""
        self._asked = self._asked or _beside(lambda: self._cosigned(asking))
        done, _ = await asyncio.wait({self._asked}, timeout=MOMENT_SECONDS)
        for heard in done:
            self._asked = None
            self._hear_witness(heard.result())

    def _cosigned(self, asking: Asking) -> str:
        """Have the newest checkpoint cosigned, and say why the witness does not; empty where it does."""
        try:
            self._service.checkpoints.cosign(asking)
        except WitnessFailed as error:
            return str(error)
        return ""

    def _hear_witness(self, why: str) -> None:
        """Say what the witness does once, until it does something else: it is asked with each tick of the clock."""
        if why and why != self._witness:
            LOG.warning("witness", error=why)
        elif self._witness and not why:
            LOG.info("works again", work="witness")
        self._witness = why

    async def _take_over(self, now_us: int) -> None:
        """Look at rows and finish erasures that a server has left, and make room in memory, twice a minute."""
        if now_us - self._looked_us < NEGLECT_US:
            return
        self._looked_us = now_us
        await self._each("neglected", self._service.followers.send_to_neglected)
        await self._once("room", self._make_room)
        await self._finish_erasures()

    def _make_room(self) -> None:
        gone = self._service.make_room(self._settings.watches)
        if gone:
            LOG.info("watches_let_go", models=gone, known=self._service.desk.known_models)

    async def _finish_erasures(self) -> None:
        try:
            found = await asyncio.to_thread(self._service.privacy.finish_left)
        except Exception as error:  # noqa: BLE001 - as above
            self._complaints.heard("erasures left", {"": error})
        else:
            stopping = {model: error for models in found.left.values() for model, error in models.items()}
            self._complaints.heard("erasures left", stopping)

    async def _let_age(self) -> None:
        """Let go of what is older than is kept, once an hour; not behind one in which somebody set the clock."""
        settings = self._settings
        keep = Retention(settings.keep_rows_days, settings.keep_evidence_days, settings.keep_events_days)
        set_by_us = self._hours.set_by_us(steady_us(), wall_us())
        if set_by_us is None or not (keep or self._trimmer):
            return
        if abs(set_by_us) > SET_US:
            LOG.warning("clock_was_set", seconds=set_by_us // 1_000_000, then="nothing is erased by age for an hour")
            return
        self._trimmer.begin(wall_us())
        if keep:
            await self._erase_old(keep)

    async def _erase_old(self, keep: Retention) -> None:
        try:
            aged = await asyncio.to_thread(self._service.privacy.erase_old, keep, wall_us())
        except Exception as error:  # noqa: BLE001 - as above
            self._complaints.heard("ageing", {"": error})
        else:
            self._complaints.heard("ageing", aged.left)

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


def _beside(work: Callable[[], str]) -> asyncio.Future[str]:
    """Do *work* in a thread that nobody waits for: not the clock, and not the end of the process."""
    done: Future[str] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:  # noqa: BLE001 - whoever looks at it has it raised
            done.set_exception(error)

    threading.Thread(target=run, name="witness", daemon=True).start()
    return asyncio.wrap_future(done)
