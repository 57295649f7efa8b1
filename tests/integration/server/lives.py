"""A state machine that does anything to a model over gRPC, in any order, and wants its server to stay true to itself.

What is refused is refused with a reason, and what people are told that they may order is what is taken. A restart
changes nothing, and nobody serves a candidate whose bytes nobody has. At the end the log is whole, folds to what is
stored, tells each state again that was seen, can be exported, and every decision in it comes out again.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from remission import Client
from remission.errors import AbortedError, FailedPreconditionError, InvalidArgumentError
from remission.v1 import health_pb2, training_pb2
from remission_verify.note import Verifier
from remission_verify.trust import Trust

from server.settings import Settings
from server.wiring import build
from tests.fixtures.bundles import checked
from tests.fixtures.listeners import listening
from tests.fixtures.policies import GIVEN, said_of_few, together
from tests.integration.server.life import QUIET, Life

_NUMBERS = count(1)
DAY = 86_400.0
ORDERS = ("approve", "reject", "hold", "release", "freeze", "unfreeze", "abort", "roll_back", "start_retraining")
SHARES = st.sampled_from([0.0, 0.5, 0.9, 1.0])
REMEDIES = st.sampled_from(["refit", "refit", "restore"])
#: What a state says of the present alone, and not of the event that it follows from.
OF_NOW = ("row", "position", "wait", "silent_signals")
#: Policies that fit a model of one number `x`.
FITTING = {
    **GIVEN,
    "rules": st.lists(st.just({"name": "small", "must": "x < 7.0"}), max_size=1),
    "splits": st.lists(st.just({"name": "half", "column": "x", "edges": [3.0]}), max_size=1),
    "entity": st.just("x"),
}
USUAL: list[dict[str, Any]] = [{}, QUIET, {**QUIET, "approvals": {"required": True}}]


def policies() -> st.SearchStrategy[dict[str, Any]]:
    """Give policies by which much happens, with a few fields anywhere within their bounds."""
    return st.builds(_merged, st.sampled_from(USUAL), said_of_few(FITTING)).map(together)


def _merged(usual: dict[str, Any], few: dict[str, Any]) -> dict[str, Any]:
    return {**usual, **{name: {**usual.get(name, {}), **section} for name, section in few.items()}}


class AnyLife(RuleBasedStateMachine):
    """What people, routers, workers and clocks may do to a model, in any order."""

    empty: ClassVar[Path]  #: a folder with a database at today's schema and nothing in it

    def __init__(self) -> None:
        """Start a server on a database of its own."""
        super().__init__()
        self._folder = Path(shutil.copytree(self.empty, self.empty.with_name(f"life-{next(_NUMBERS)}")))
        self._jobs: list[training_pb2.Job] = []
        self._seen: dict[int, health_pb2.ModelState] = {}
        self._start()

    def _start(self) -> None:
        self._open = contextlib.ExitStack()
        settings = Settings(
            database=f"sqlite:///{self._folder / 'log.db'}", artifacts=str(self._folder / "artifacts"),
            clock="stream", port=0,
        )  # fmt: skip
        service = build(settings)
        self._open.callback(service.close)
        service.followers.catch_up()
        self.client = self._open.enter_context(Client(self._open.enter_context(listening(service, settings))))

    @initialize(policy=policies())
    def be_born(self, policy: dict[str, Any]) -> None:
        """Put the model under watch."""
        self.life = Life(self.client, policy)

    @rule(rows=st.sampled_from([1, 3, 10, 30]), right=SHARES, candidate=SHARES)
    def serve(self, rows: int, right: float, candidate: float) -> None:
        """Serve rows, some of them wrongly."""
        self.life.serve(rows, right, candidate)

    @rule(x=st.sampled_from([float("nan"), 5.0, 1e9]))
    def break_rows(self, x: float) -> None:
        """Serve rows that are all alike."""
        self.life.serve(20, x=x)

    @rule(values=st.lists(st.sampled_from([0.1, 0.12, 0.5]), min_size=1, max_size=12))
    def measure(self, values: list[float]) -> None:
        """Send points of a metric series."""
        self.life.measure(*values)

    @rule()
    def decline(self) -> None:
        """Let the metric rise for good."""
        self.life.decline()

    @rule(seconds=st.sampled_from([500.0, 4_000.0, DAY, 9 * DAY]), right=SHARES)
    def let_time_pass(self, seconds: float, right: float) -> None:
        """Serve rows again after so long."""
        self.life.pass_time(seconds)
        self.life.serve(5, right)

    @rule(failure=st.sampled_from(["", "", "no bytes"]))
    def acknowledge(self, failure: str) -> None:
        """Say that the route is served, or cannot be."""
        self.life.acknowledge(failure)

    @rule()
    def lease(self) -> None:
        """Take the job that waits, if one does."""
        job = self.client.training.lease("worker")
        self._jobs += [job] if job else []

    @rule(back=st.integers(1, 2), lead=st.sampled_from([0.3, 0.3, 0.0, -0.1]), remedy=REMEDIES)
    def complete(self, back: int, lead: float, remedy: str) -> None:
        """Hand in the result of a job that was taken of late, whoever has it now and whatever it was to try."""
        self._with_job(back, lambda: self.life.complete(lead, remedy))
        route = self.client.routes.get("m")
        assert not route.candidate.startswith("remedy") or route.candidate in route.manifest_sha256s, route

    @rule(back=st.integers(1, 2))
    def fail(self, back: int) -> None:
        """Give such a job back."""
        self._with_job(back, self.life.fail)

    def _with_job(self, back: int, act: Callable[[], None]) -> None:
        if not self._jobs:
            self.lease()
        if self._jobs:
            self.life.job = self._jobs[-back:][0]
            _tried(act)

    @rule(order=st.sampled_from(ORDERS))
    def order(self, order: str) -> None:
        """Order something, and be taken at one's word exactly if that was foretold."""
        before, foretold = self.client.state("m").etag, self.client.operations.explain_wait("m").orders
        refused = _tried(lambda: getattr(self.client.operations, order)("m", etag=before))
        if refused is None or "approver_is_not_requester" not in refused:  # nobody knows who will approve
            assert (self.client.state("m").etag != before) == (order in foretold), (order, foretold, refused)

    @rule(policy=policies())
    def change_policy(self, policy: dict[str, Any]) -> None:
        """Give the model another policy."""
        etag = self.client.models.get("m").etag
        _tried(lambda: self.client.models.update("m", etag, policy=policy))

    @rule()
    def remember(self) -> None:
        """Keep the state, to be asked for again when it is of the past."""
        state = self.client.state("m")
        self._seen[state.version] = state

    @rule()
    def restart(self) -> None:
        """Stop the server, and start it again."""
        before = self.client.state("m"), self.client.operations.explain_wait("m")
        self._open.close()
        self._start()
        self.life.client = self.client
        assert (self.client.state("m"), self.client.operations.explain_wait("m")) == before

    def teardown(self) -> None:
        """Check the log, and stop."""
        with self._open:
            found = self.client.audit.verify()
            assert (found.chain_ok, found.replay_equal, found.rederived) == (True, True, found.decisions), found
            self._look_back()
            self._export()
        shutil.rmtree(self._folder)

    def _look_back(self) -> None:
        for version, seen in self._seen.items():
            assert _of_then(self.client.audit.as_of("m", version=version).state) == _of_then(seen)

    def _export(self) -> None:
        out = io.BytesIO()
        self.client.audit.export("m", out)
        keys = self.client.audit.checkpoint().keys
        found = checked(out.getvalue(), Trust(tuple(map(Verifier.from_text, keys))))
        assert found.faults == [], found


def _of_then(state: health_pb2.ModelState) -> dict[str, Any]:
    """Give what a state says of the event that it follows from."""
    return {field.name: value for field, value in state.ListFields() if field.name not in OF_NOW}


def _tried(act: Callable[[], object]) -> str | None:
    """Do what may be refused; give the refusal, if it was."""
    try:
        act()
    except (FailedPreconditionError, InvalidArgumentError, AbortedError) as refusal:
        return json.dumps([refusal.reason, str(refusal)])
    return None


def lives_in(folder: Path) -> type[AnyLife]:
    """Give the machine of lives that begin with the database in *folder*."""
    return type("Lives", (AnyLife,), {"empty": folder})
