"""A model's life in small steps over gRPC: ill when it should be, and trained by a worker who makes its report up."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from remission import Client, make_batch
from remission.v1 import health_pb2, training_pb2

from tests.fixtures.jobs import a_report, an_entry, manifest_of, spec_of
from tests.integration.server.examples import NORMAL, a_model, a_reference, points

REFERENCE_ROWS = 60
SECOND_US = 1_000_000
#: Nothing but metrics and labels raises suspicion, and no challenger is tried.
QUIET: dict[str, Any] = {"regret": {"every": 0}, "quality": {"alarms": "never"}, "drift": {"alarms": "never"}}
BLIP, LASTING = [0.5] * 4, [0.5] * 12


class Life:
    """One model on a server with the stream's own clock. Each method is what somebody outside does."""

    def __init__(self, client: Client, policy: dict[str, Any], model: str = "m") -> None:
        self.client, self.model, self.job = client, model, training_pb2.Job()
        self._row, self._at_us = REFERENCE_ROWS, SECOND_US
        asked = a_model(model)
        # A metric makes a model ill soonest; here it is to be trained for that, though nobody knows why.
        asked.policy_json = json.dumps({**policy, "budget": {"unexplained": "training", **policy.get("budget", {})}})
        client.create_model(asked, a_reference(REFERENCE_ROWS))

    @property
    def place(self) -> str:
        """Where the model stands, as the table of moves names it."""
        state = self.client.state(self.model)
        name = health_pb2.State.Name(state.state).removeprefix("STATE_").lower()
        return f"{name}.{state.phase}" if state.phase else name

    def moves(self) -> list[str]:
        """Name the moves so far, by trigger."""
        found = self.client.history(self.model)
        return [json.loads(one.payload_json)["trigger"] for one in found if one.type == "state_changed"]

    def pass_time(self, seconds: float) -> None:
        """Let what comes next come later."""
        self._at_us += int(seconds * SECOND_US)

    def measure(self, *values: float) -> None:
        """Send points of a metric series, a second apart."""
        for value in values:
            self.pass_time(1)
            self.client.ingest_metrics(self.model, points(self._at_us // SECOND_US, [value]))

    def decline(self) -> None:
        """Let a metric rise for good."""
        self.measure(*NORMAL, *LASTING)

    def serve(self, rows: int = 10, right: float = 1.0, candidate: float = 1.0, x: float | None = None) -> None:
        """Serve rows and tell their labels; *right* of ten rows are answered well by all but the candidate."""
        route = self.client.routes.get(self.model)
        self.pass_time(1)
        numbers = np.arange(self._row, self._row + rows)
        labels = (numbers % 2).astype(float)
        shares = {route.champion: right, **dict.fromkeys(route.shadow_versions, right)}
        if route.candidate:
            shares[route.candidate] = candidate
        good = {version: (numbers * 7 % 10) < 10 * share for version, share in shares.items()}
        ids = [f"p-{number}" for number in numbers]
        self.client.ingest_batch(
            self.model,
            make_batch(
                f"b-{self._row}", {"x": (numbers % 7).astype(float) if x is None else np.full(rows, x)},
                outputs={version: np.where(well, labels, 1 - labels) for version, well in good.items()},
                prediction_ids=ids, times_us=np.full(rows, self._at_us), route_generation=route.generation,
            ),
        )  # fmt: skip
        self.client.ingest_labels(
            self.model, ids, labels, batch_id=f"l-{self._row}", times_us=np.full(rows, self._at_us)
        )
        self._row += rows

    def acknowledge(self, failure: str = "") -> None:
        """Say that the route in force is served, or that it cannot be."""
        route = self.client.routes.get(self.model)
        self.client.routes.acknowledge(
            self.model, route.generation, "router", applied_bp=route.exposure_bp, failure=failure
        )

    def lease(self, worker: str = "worker") -> None:
        """Take the job that waits."""
        found = self.client.training.lease(worker)
        assert found is not None, f"no job waits; the model is {self.place}"
        self.job = found

    def complete(self, lead: float = 0.3, remedy: str = "refit") -> None:
        """Hand in a *remedy* that saves *lead* a row against the champion."""
        report = self.report(lead, remedy)
        self.hand_in(report, *(self.trained() if lead > 0 and remedy != "restore" else ()))

    def report(self, lead: float = 0.3, remedy: str = "refit") -> dict[str, Any]:
        """Give the report of a bake-off in which a *remedy* saves *lead* a row, whether the job offers it or not."""
        name = self._entrant(remedy)
        entry = an_entry(self.job, name, lead, remedy=remedy)
        return a_report(self.job, name if lead > 0 else "nothing", entry)

    def trained(self, remedy: str = "refit") -> tuple[str, str]:
        """Keep made-up bytes of a model, and their manifest; give the hashes."""
        data = b"no model, but nobody loads it here"
        manifest = manifest_of(self.job, self._entrant(remedy), data)
        model = self.client.training.upload(data, training_pb2.ARTIFACT_KIND_MODEL, self.job)
        return self.client.training.upload(manifest.to_bytes(), training_pb2.ARTIFACT_KIND_MANIFEST, self.job), model

    def hand_in(self, report: dict[str, Any], *artifacts: str) -> None:
        """Hand a report in, as it is."""
        self.client.training.complete(self.job, report, artifacts, training_pb2.ISOLATION_LEVEL_LIMITS)

    def fail(self) -> None:
        """Give the job back."""
        self.client.training.fail(
            self.job, training_pb2.FAILURE_CLASS_CRASHED, "it fell over", training_pb2.ISOLATION_LEVEL_NONE
        )

    def _entrant(self, remedy: str) -> str:
        """Name the heaviest entrant of a *remedy*, or of all where the job offers no such remedy."""
        entrants = spec_of(self.job).entrants
        return ([one.name for one in entrants if one.remedy == remedy] or [one.name for one in entrants])[-1]
