"""The service as its callers see it: every call is one piece of work for the store, or one read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO, TypeVar

from server import ingestion
from server.act import SERVICE, Caller
from server.audit import auditing
from server.audit.checking import Verification
from server.audit.deriving import Derivation
from server.audit.proving import trust_in
from server.bundling.bundle import Sealed, Source, write_bundle
from server.bundling.kept import Kept
from server.bundling.period import Period
from server.checkpoints.notary import Notary
from server.checkpoints.office import Checkpoints
from server.clock import wall_us
from server.desk import Desk, NotByHeart
from server.following import consequences
from server.following.followers import Followers
from server.following.turns import Turn
from server.history import folding, inventory, moments, reading
from server.history.precedents import Precedents, precedents
from server.history.unreadable import Listing, listing
from server.jobs.office import JobQueue
from server.models import operating, registration, routing, windows
from server.privacy.office import Privacy
from server.recall import Recall
from server.requests import LabelsBatch, MetricsBatch, NewModel, Receipt, RowsBatch
from server.views import ModelView, RouteView, StateView
from statemachine.externals import ExternalSignal
from statemachine.record.envelope import RecordedEvent
from store.answers import Answer
from store.ports import Store, Unit

T = TypeVar("T")


class Service:
    """Joins desk and store. Methods that change something give an answer: what it gives is durable."""

    def __init__(self, store: Store, desk: Desk, notary: Notary, time_us: Callable[[], int] = wall_us) -> None:
        self.store, self.desk, self.notary = store, desk, notary
        self.privacy = Privacy(store, desk, self.do, time_us)
        self.jobs = JobQueue(store, desk, self.do, time_us)
        self.checkpoints = Checkpoints(store, notary, self.do)
        self.followers = Followers(store, desk, self.do)
        self.recall = Recall(store, desk, self.do)
        store.on_commit(desk.committed)

    # Models.

    def create_model(self, new: NewModel, caller: Caller = SERVICE) -> Answer[ModelView]:
        """Put a model under watch."""
        return self.do(lambda unit: registration.create_model(self.desk, unit, new, caller))

    def declare_signals(
        self, name: str, etag: str, signals: Sequence[ExternalSignal], caller: Caller = SERVICE
    ) -> Answer[ModelView]:
        """Say which series others measure for a model."""
        return self.do(lambda unit: registration.declare_signals(self.desk, unit, name, etag, signals, caller))

    def update_model(
        self,
        name: str,
        etag: str,
        owner: str | None,
        purpose: str | None,
        policy_json: str | None,
        caller: Caller = SERVICE,
    ) -> Answer[ModelView]:
        """Change owner, purpose or policy."""
        return self.do(
            lambda unit: registration.update_model(self.desk, unit, name, etag, owner, purpose, policy_json, caller),
        )

    def retire_model(self, name: str, etag: str, note: str, caller: Caller = SERVICE) -> Answer[ModelView]:
        """End the watch of a model."""
        return self.do(lambda unit: registration.retire_model(self.desk, unit, name, etag, note, caller))

    def model(self, name: str) -> ModelView:
        """Tell what a model is."""
        return self.store.read(lambda reader: reading.model_view(self.desk, reader, name))

    def models(self, after: str, limit: int, *, include_retired: bool) -> Listing[ModelView]:
        """List models by name."""
        return self.store.read(
            lambda reader: reading.model_views(self.desk, reader, after, limit, include_retired=include_retired)
        )

    def manifest(self, model: str, version: str) -> str:
        """Find the manifest of a version; empty where its bytes were never kept."""
        return self.store.read(lambda reader: reading.manifest(self.desk, reader, model, version))

    def register_artifact(self, model: str, version: str, manifest: str, caller: Caller = SERVICE) -> Answer[None]:
        """Keep the bytes of a first champion, whose manifest is in the blobs."""
        return self.do(lambda unit: registration.register_artifact(self.desk, unit, model, version, manifest, caller))

    # Data.

    def ready(self, batch: RowsBatch) -> None:
        """Have the keys of a batch's subjects made, if its model is under watch."""
        if self.store.read(lambda reader: self.desk.readers.health(reader, batch.model)).registered:
            self.desk.sealer.ready(batch.model, batch.subjects)

    def ingest(self, batch: RowsBatch) -> Answer[Receipt]:
        """Take rows in."""
        return self.followers.fed(batch.model, lambda unit: ingestion.ingest_rows(self.desk, unit, batch))

    def ingest_labels(self, batch: LabelsBatch) -> Answer[Receipt]:
        """Take labels in."""
        return self.followers.fed(batch.model, lambda unit: ingestion.ingest_labels(self.desk, unit, batch))

    def ingest_metrics(self, batch: MetricsBatch) -> Answer[Receipt]:
        """Take points of metric series in."""
        return self.followers.fed(batch.model, lambda unit: ingestion.ingest_metrics(self.desk, unit, batch))

    # Health and routes.

    def state(self, model: str) -> StateView:
        """Tell the state of a model."""
        return self.store.read(lambda reader: reading.state_view(self.desk, reader, model))

    def explained(self, model: str) -> reading.Explained:
        """Tell the state of a model, and what people ask who are called."""
        return self.store.read(lambda reader: reading.explained(self.desk, reader, model))

    def orders(self, model: str) -> list[str]:
        """Name what people could order of a model now, by the names of the client's methods."""
        return self.store.read(lambda reader: operating.taken(self.desk, reader, model))

    def stored_state(self, model: str) -> StateView:
        """Tell the state of a model as it is stored, whether or not its events lead there."""
        return self.store.read(lambda reader: reading.stored_view(self.desk, reader, model))

    def states(self, after: str, limit: int) -> Listing[StateView]:
        """List the states of models by name."""
        return self.store.read(lambda reader: reading.state_views(self.desk, reader, after, limit))

    def windows(self, model: str, most: int) -> list[windows.WindowView]:
        """Tell what the latest windows of a model showed; the writer gives the rows, and the rest is off its thread."""
        return windows.told(self.do(lambda unit: windows.taken(self.desk, unit, model, most)).result())

    def route(self, model: str) -> RouteView:
        """Tell the route in force."""
        return self.store.read(lambda reader: routing.route_of(self.desk, reader, model))

    def routes(self, models: Sequence[str]) -> Listing[RouteView]:
        """Tell the routes in force of models, and which cannot be read."""
        return listing(models, len(models) + 1, self.route)

    def acknowledge_route(
        self,
        model: str,
        generation: int,
        router: str,
        applied_bp: int,
        failure: str = "",
        caller: Caller = SERVICE,
    ) -> Answer[int]:
        """Note what a router serves; give the generation in force."""
        return self.do(
            lambda unit: routing.acknowledge(self.desk, unit, model, generation, router, applied_bp, failure, caller),
        )

    # People.

    def operate(self, order: str, model: str, etag: str, note: str, caller: Caller = SERVICE) -> Answer[StateView]:
        """Carry out an order: one of `operating.ORDERS`."""
        return self.do(lambda unit: operating.operate(self.desk, unit, order, model, etag, note, caller))

    def start_retraining(
        self, model: str, etag: str, note: str, remedies: list[str], caller: Caller = SERVICE
    ) -> Answer[StateView]:
        """Begin a remedy because a person asks."""
        return self.do(
            lambda unit: operating.start_retraining(self.desk, unit, model, etag, note, remedies, caller),
        )

    # Audit.

    def events(self, model: str, after_position: int, limit: int, types: tuple[str, ...] = ()) -> list[RecordedEvent]:
        """Read the log, of one model or (empty) of all."""
        return self.store.read(lambda reader: reading.events(reader, model, after_position, limit, types))

    def position(self) -> int:
        """Give the position of the newest event."""
        return self.store.read(lambda reader: reader.head().position)

    def steps(self, model: str) -> Iterator[folding.Step]:
        """Fold the log of a model again, event by event."""
        return folding.life(self.store, model)

    def as_of(self, model: str, moment: moments.Moment) -> moments.Stand:
        """Tell how a model stood at a moment of its past."""
        return moments.as_of(self.store, model, moment)

    def explain(self, model: str, position: int) -> Derivation:
        """Derive one decision again."""
        return auditing.explain(self.store, model, position)

    def verify(self, models: list[str] | None = None) -> Verification:
        """Check chain, replay and decisions; of all models when none is named, and then the tree as well."""
        return auditing.verify(self.store, models or (), trust=trust_in(self.notary), vault=self.desk.sealer.vault)

    def export(self, model: str, period: Period, out: BinaryIO, *, rows: bool = False) -> Sealed:
        """Have what is committed signed, and write the record of a model to *out*, as `write_bundle` does."""
        period.check()
        newest = folding.version_of(self.store, model)
        self.store.read(lambda reader: period.check_model(reader, model))
        self.checkpoints.sign()
        kept = Kept(self.desk.blobs, self.desk.sealer.vault) if rows else None
        return write_bundle(Source(self.store, self.desk.blobs, self.notary), model, period, newest, out, kept)

    def inventory(self, after: str, limit: int) -> Listing[dict[str, Any]]:
        """Tell the inventory by the names of models."""
        return inventory.entries(self.store, after, limit)

    def precedents(self, model: str, position: int, most: int, *, own: bool) -> Precedents:
        """Find incidents that are over and like one of *model*."""
        return precedents(self.store, model, position, most, own=own)

    def close(self) -> None:
        """Finish what is queued, then let go of the store and the vault."""
        self.recall.close()
        self.store.close()
        self.desk.sealer.vault.close()

    # The clock.

    def fire_timers(self, now_us: int) -> list[Turn[int]]:
        """Fire every timer that is due, model by model, so that one that fails keeps no other from its turn."""
        due = self.store.read(lambda reader: dict.fromkeys(one.stream for one in reader.timers_due(now_us)))
        return [
            Turn(model, self.do(partial(consequences.fire_timers, self.desk, model=model, now_us=now_us)))
            for model in due
        ]

    def make_room(self, most: int) -> int:
        """Let go of the rows in memory of models that are idle, if there are more than *most*; give of how many."""
        if self.desk.known_models <= most:
            return 0  # the writer is not asked
        return self.do(lambda _: self.desk.make_room(most)).result()

    def do(self, work: Callable[[Unit], T]) -> Answer[T]:
        """Do *work* as one piece; what it leaves in memory goes when it fails.

        Where it needs all rows of a model and they are not in memory, it is done once they were read beside the writer.
        """
        recalled: set[str] = set()

        def guarded(unit: Unit) -> T:
            self.desk.settle(unit, recalled)
            try:
                answer = work(unit)
            except NotByHeart as error:
                self.desk.recoil()
                raise self.recall.first(error.model, recalled) from None
            except BaseException:
                self.desk.recoil()  # what was remembered has not been written
                raise
            self.desk.done()
            return answer

        return self.store.submit(guarded)
