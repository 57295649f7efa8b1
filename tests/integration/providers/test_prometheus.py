"""What Prometheus knows arrives once and without gaps: through outages, restarts and whatever else goes wrong."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from remission import Client
from remission.errors import UnavailableError, make_error
from remission.v1 import ingest_pb2, signals_pb2

from providers.config import Prometheus, Query
from providers.errors import ConfigInvalid
from providers.progress import kept_in
from providers.prometheus import Source
from tests.fixtures.listeners import in_memory
from tests.fixtures.prometheus import Recorded, Reply, recorded
from tests.integration.server.requests import model, reference

MINUTE_US = 60_000_000
START = 1_700_000_040  #: seconds; on the grid of minutes
NOW_US = START * 1_000_000 + 10 * MINUTE_US


@dataclass
class Lines:
    """A log with a list inside."""

    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **facts: Any) -> None:
        """Keep it."""
        self.said.append((event, facts))

    warning = info

    def told(self, event: str) -> list[str]:
        """Give what was told of an event."""
        return [str(facts.get("told", facts)) for name, facts in self.said if name == event]


class Failing:
    """A way to the service that breaks as often as it is told, before or after points have arrived."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.before = self.after = 0
        self.requests: list[str] = []

    def ingest_metrics(self, model: str, points: Any, *, request_id: str, provider: str) -> Any:
        """Send points, or break."""
        self.requests.append(request_id)
        if self.before:
            self.before -= 1
            raise unavailable()
        told = self._client.ingest_metrics(model, points, request_id=request_id, provider=provider)
        if self.after:
            self.after -= 1
            raise unavailable()
        return told


def unavailable() -> UnavailableError:
    error = make_error(grpc.StatusCode.UNAVAILABLE, "away")
    assert isinstance(error, UnavailableError)
    return error


@dataclass
class World:
    """A service, a Prometheus, and what stands between them."""

    client: Client
    service: Failing
    prom: Recorded
    state: Path
    name: str
    log: Lines = field(default_factory=Lines)

    def query(self, **changes: Any) -> Query:
        """Give a query for the model's signal."""
        fields: dict[str, Any] = {"model": self.name, "signal": "latency", "expression": "p99", "unit": "s"}
        return Query(**{**fields, **changes})

    def config(self, *queries: Query, **changes: Any) -> Prometheus:
        """Give the settings of the source."""
        return Prometheus(
            provider="prom", url=self.prom.url, query=list(queries or [self.query()]), settle_seconds=0, **changes
        )

    @contextmanager
    def source(self, *queries: Query, **changes: Any) -> Iterator[Source]:
        """Run a source for as long as it is needed; with what it remembers of the last one."""
        with kept_in(self.state) as progress:
            yield Source(self.config(*queries, **changes), self.service, progress, self.log)

    def turn(self, minutes: int, *queries: Query, **changes: Any) -> int:
        """Let a process begin, ask once at a minute, and end; give how much failed."""
        with self.source(*queries, **changes) as source:
            return source.turn(START * 1_000_000 + minutes * MINUTE_US)

    def arrived(self) -> list[tuple[int, float]]:
        """Give the minutes and values that the service has, as its record of what was asked tells."""
        answered = [facts for event, facts in self.log.said if event == "taken"]
        return [(facts["points"], facts["had_before"]) for facts in answered]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with in_memory() as target, Client(target, timeout=10) as made:
        yield made


@pytest.fixture
def world(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    name = f"m{zlib.crc32(request.node.name.encode())}"
    worse: dict[str, Any] = {
        "direction": ingest_pb2.DIRECTION_HIGHER_IS_WORSE,
        "tolerance": 0.2,
        "tolerance_is_share": True,
    }
    declared = [
        signals_pb2.ExternalSignal(name="latency", unit="ms", provider="prom", **worse),
        signals_pb2.ExternalSignal(name="errors", unit="1", provider="prom", **worse),
    ]
    client.models.create(model(name=name, signals=declared), reference())
    with recorded() as prom:
        yield World(client, Failing(client), prom, tmp_path / "state.json", name)


def minutes(*numbers: int, value: str = "0.1") -> dict[int, str]:
    return {START + 60 * number: value for number in numbers}


def asked(world: World) -> list[tuple[int, int]]:
    """Give what was asked about, in minutes: first and last."""
    return [((int(one["start"]) - START) // 60, (int(one["end"]) - START) // 60) for one in world.prom.asked]


def test_each_instant_is_asked_about_once_whatever_begins_and_ends_in_between(world: World) -> None:
    world.prom.record("p99", minutes(*range(20)))
    for at in (3, 3, 4, 9, 9, 10):
        assert world.turn(at) == 0

    assert asked(world) == [(3, 3), (4, 4), (5, 9), (10, 10)]
    assert world.arrived() == [(1, 0), (1, 0), (5, 0), (1, 0)]


def test_a_new_query_begins_as_far_back_as_it_is_told(world: World) -> None:
    world.prom.record("p99", minutes(*range(20)))
    world.turn(10, backfill_seconds=300)

    assert asked(world) == [(5, 10)]


def test_a_long_absence_is_caught_up_with_in_parts(world: World) -> None:
    world.prom.record("p99", minutes(*range(3_000)))
    world.turn(0)
    with world.source() as source:
        for _ in range(4):
            source.turn(START * 1_000_000 + 2_500 * MINUTE_US)

    assert asked(world) == [(0, 0), (1, 1_000), (1_001, 2_000), (2_001, 2_500)]
    assert sum(points for points, _ in world.arrived()) == 2_501


def test_an_outage_of_prometheus_leaves_no_gap(world: World) -> None:
    world.prom.record("p99", minutes(*range(20)))
    world.turn(0)
    world.prom.replies += [Reply(code=503), Reply(code=429, headers={"Retry-After": "90"})]
    with world.source() as source:
        for second in (60, 64, 65, 154, 156, 240):
            source.turn((START + second) * 1_000_000)

    assert asked(world) == [(0, 0), (1, 1), (1, 1), (1, 2), (3, 4)]
    assert sum(points for points, _ in world.arrived()) == 5
    assert len(world.log.told("away")) == 2


def test_while_a_server_is_away_none_of_its_queries_is_asked(world: World) -> None:
    world.prom.replies.append(Reply(code=503))

    assert world.turn(0, world.query(), world.query(signal="errors", expression="errors", unit="1")) == 1
    assert len(world.prom.asked) == 1


def test_what_was_on_its_way_when_the_service_went_away_arrives_once(world: World) -> None:
    world.prom.record("p99", minutes(*range(20)))
    world.service.after = 1
    world.turn(3)
    world.prom.series["p99"] = [({}, minutes(*range(20), value="0.2"))]  # asked again, it says something else
    world.turn(3)
    world.turn(4)

    assert world.service.requests[0] == world.service.requests[1]
    assert world.log.told("refused") == []
    assert asked(world) == [(3, 3), (4, 4)]


def test_what_never_arrived_is_sent_again(world: World) -> None:
    world.prom.record("p99", minutes(*range(20)))
    world.service.before = 1
    assert [world.turn(3), world.turn(3)] == [1, 0]

    assert world.arrived() == [(1, 0)]


def test_what_the_service_refuses_holds_up_no_other_query_and_is_asked_again(world: World) -> None:
    world.prom.record("p99", minutes(*range(20)))
    world.prom.record("errors", minutes(*range(20), value="0.01"))
    wrong, right = world.query(unit="By"), world.query(signal="errors", expression="errors", unit="%")

    assert world.turn(3, wrong, right) == 1
    assert "'By' cannot be told in 'ms'" in world.log.told("refused")[0]
    assert world.turn(5, world.query(), right) == 0
    assert asked(world) == [(3, 3), (3, 3), (3, 5), (4, 5)]


def test_a_refused_query_waits_longer_each_time(world: World) -> None:
    world.prom.record("p99", minutes(1), pod="a")
    world.prom.record("p99", minutes(1), pod="b")
    with world.source() as source:
        for second in range(60, 100):
            source.turn((START + second) * 1_000_000)

    assert len(world.prom.asked) == 4  # at 60, 65, 75 and 95
    assert 'pod="a"' in world.log.told("refused")[0]


def test_what_is_no_number_and_what_is_not_there_is_passed_and_told(world: World) -> None:
    world.prom.record("p99", {**minutes(0, 2, value="NaN"), **minutes(1)})
    world.turn(2, backfill_seconds=120)
    world.turn(4)

    assert world.arrived() == [(1, 0)]
    assert asked(world) == [(0, 2), (3, 4)]
    assert [facts["points"] for event, facts in world.log.said if event == "not all"] == [1, 0]


def test_an_answer_that_may_be_a_part_is_not_taken_unless_that_is_allowed(world: World) -> None:
    world.prom.record("p99", minutes(0))
    world.prom.warnings.append("a store is away")

    assert world.turn(0) == 1
    assert "a store is away" in world.log.told("refused")[0]
    assert world.turn(0, partial=True) == 0
    assert world.arrived() == [(1, 0)]


def test_another_model_that_is_not_there_is_told(world: World) -> None:
    world.prom.record("p99", minutes(0))

    assert world.turn(0, world.query(model="ghost")) == 1
    assert "no model 'ghost' is under watch" in world.log.told("refused")[0]


def test_a_state_that_was_lost_repeats_nothing(world: World) -> None:
    world.prom.record("p99", minutes(*range(20)))
    world.turn(5, backfill_seconds=300)
    world.state.unlink()
    world.turn(7, backfill_seconds=300)

    assert world.arrived() == [(6, 0), (2, 4)]


def test_two_processes_do_not_ask_for_one_state(world: World) -> None:
    with world.source(), pytest.raises(ConfigInvalid, match="another process's"):
        world.turn(0)


def test_a_lasting_rise_moves_the_model(world: World) -> None:
    world.prom.record("p99", {**minutes(*range(12)), **minutes(*range(12, 30), value="0.5")})
    world.turn(29, backfill_seconds=29 * 60)

    changes = [event for event in world.client.history(world.name) if event.type == "decline_confirmed"]
    assert len(changes) == 1
