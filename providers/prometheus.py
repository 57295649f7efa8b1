"""Asks servers that speak Prometheus's HTTP API, each query from where it last got to.

A query is asked on a grid of its step, so that the same instant is always asked about in the same way. What is about to
be sent is noted before, and how far that leads once the service has said that it is durable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from providers.answers import SECOND_US, Answer, Range, read
from providers.config import Prometheus, Query
from providers.delivery import Service, deliver
from providers.errors import Away, Unusable
from providers.pace import Pace
from providers.progress import Pending, Progress
from providers.upstream import Upstream

PATH = "/api/v1/query_range"
MOST_STEPS = 1_000  #: instants that are asked about at once; servers give up to 11,000


class Log(Protocol):
    """Where events go, with their facts."""

    def info(self, event: str, **facts: Any) -> object:  # noqa: ANN401 - facts of any kind
        """Tell what is as it should be."""
        ...

    def warning(self, event: str, **facts: Any) -> object:  # noqa: ANN401 - as above
        """Tell what people should know."""
        ...


@dataclass(slots=True)
class Pull:
    """One query, and when it is asked next."""

    query: Query
    key: str
    pace: Pace
    due_us: int = 0


class Source:
    """One server and its queries. While it is away none of them is asked; one that is refused holds up no other."""

    def __init__(self, config: Prometheus, service: Service, progress: Progress, log: Log) -> None:
        self._config, self._service, self._progress, self._log = config, service, progress, log
        self._upstream = Upstream(
            config.url, token_file=config.token_file, authority=config.authority,
            timeout_seconds=config.timeout_seconds, most_bytes=config.most_bytes,
        )  # fmt: skip
        self._pace, self._away_until_us = Pace(), 0
        self._pulls = [Pull(query, f"{config.provider}/{query.model}/{query.signal}", Pace()) for query in config.query]

    @property
    def due_us(self) -> int:
        """When something is to be asked next."""
        return max(min(pull.due_us for pull in self._pulls), self._away_until_us)

    def turn(self, now_us: int) -> int:
        """Ask whatever is due; give how many queries failed."""
        failed = 0
        for pull in self._pulls:
            if max(pull.due_us, self._away_until_us) > now_us:
                continue
            try:
                pull.due_us = self._ask(pull, now_us)
                pull.pace.succeeded()
                self._pace.succeeded()
            except Away as error:
                failed += 1
                self._away_until_us = now_us + int(self._pace.failed(error.retry_seconds) * SECOND_US)
                self._log.warning("away", provider=self._config.provider, query=pull.key, told=str(error))
            except Unusable as error:
                failed += 1
                pull.due_us = now_us + int(pull.pace.failed() * SECOND_US)
                self._log.warning("refused", provider=self._config.provider, query=pull.key, told=str(error))
        return failed

    def _ask(self, pull: Pull, now_us: int) -> int:
        """Ask once; give when to ask again."""
        left = self._progress.pending(pull.key)
        if left is not None:
            self._send(pull, left)
        asked = self._range(pull, now_us)
        if asked.count < 1:
            return asked.start_us + self._config.settle_seconds * SECOND_US
        answer = self._answer(pull.query, asked)
        pending = Pending(end_us=asked.end_us, points=answer.points)
        if answer.points:
            self._progress.begin(pull.key, pending)
        self._send(pull, pending)
        if answer.left_out or answer.warnings or not answer.points:
            facts = {"not_numbers": answer.left_out, "warnings": answer.warnings}
            self._log.warning("not all", query=pull.key, asked=asked.count, points=len(answer.points), **facts)
        return asked.end_us + asked.step_us + self._config.settle_seconds * SECOND_US

    def _send(self, pull: Pull, pending: Pending) -> None:
        query, provider = pull.query, self._config.provider
        if pending.points:
            try:
                told = deliver(self._service, provider, query.model, query.signal, query.unit, pending.points)
            except Unusable:
                self._progress.drop(pull.key)  # it was refused whole, and another answer may be accepted
                raise
            self._log.info("taken", query=pull.key, points=told.accepted, had_before=told.repeated)
        self._progress.advance(pull.key, pending.end_us)

    def _range(self, pull: Pull, now_us: int) -> Range:
        """Give what is to be asked about: from behind what has arrived to what has settled, on the grid of the step."""
        step_us = pull.query.step_seconds * SECOND_US
        newest_us = (now_us - self._config.settle_seconds * SECOND_US) // step_us * step_us
        reached_us = self._progress.reached_us(pull.key)
        if reached_us is None:
            # Where a query begins is noted before it is first asked: what fails at first is a gap otherwise.
            reached_us = newest_us - self._config.backfill_seconds * SECOND_US // step_us * step_us - step_us
            self._progress.advance(pull.key, reached_us)
        start_us = (reached_us // step_us + 1) * step_us
        end_us = min(newest_us, start_us + (MOST_STEPS - 1) * step_us)
        return Range(start_us=start_us, end_us=end_us, step_us=step_us)

    def _answer(self, query: Query, asked: Range) -> Answer:
        form = {
            "query": query.expression, "start": _seconds(asked.start_us), "end": _seconds(asked.end_us),
            "step": str(query.step_seconds), "timeout": f"{self._config.timeout_seconds:g}s",
        }  # fmt: skip
        answer = read(self._upstream.ask(PATH, form), asked)
        if answer.warnings and not self._config.partial:
            told = f"the answer may be a part only: {'; '.join(answer.warnings)}"
            raise Unusable(f"{told}; whole answers are accepted, or partial = true in the settings")
        return answer


def _seconds(time_us: int) -> str:
    """Write an instant of the grid, which is of whole seconds."""
    return str(time_us // SECOND_US)
