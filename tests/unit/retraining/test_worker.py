from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pytest

from retraining import worker as room
from retraining.sandbox import Outcome
from retraining.template import Limits
from retraining.worker import LeasedJob, Result, Worker

DATA = b"rows"
SHA256 = hashlib.sha256(DATA).hexdigest()
DONE = Outcome(status="ok", report={"chosen": "nothing", "fit_us": 7}, isolation="sealed", cpu_us=1, wall_us=2)
REFITTED = replace(DONE, files={"model": b"m", "manifest.json": b"{}"})
PATIENCE = 10.0


@dataclass
class Desk:
    """A queue in memory, which remembers what it is told."""

    waiting: list[LeasedJob] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=lambda: {SHA256: DATA})
    abandon: bool = False
    broken: bool = False
    said: list[tuple[Any, ...]] = field(default_factory=list)
    beaten: threading.Event = field(default_factory=threading.Event)

    def lease(self, worker: str) -> LeasedJob | None:
        del worker
        return self.waiting.pop(0) if self.waiting else None

    def heartbeat(self, job_id: str, attempt: int, progress_bp: int, message: str) -> bool:
        del job_id, attempt, progress_bp, message
        self.beaten.set()
        if self.broken:
            raise ConnectionError("no line")
        return not self.abandon

    def download(self, sha256: str) -> bytes:
        self.said.append(("download", sha256))
        return self.blobs[sha256]

    def upload(self, data: bytes, kind: str, job_id: str, attempt: int) -> str:
        self.said.append(("upload", kind, job_id, attempt))
        return hashlib.sha256(data).hexdigest()

    def complete(self, job_id: str, attempt: int, result: Result) -> None:
        self.said.append(("complete", job_id, attempt, result))

    def fail(self, job_id: str, attempt: int, failure: str, message: str) -> None:
        self.said.append(("fail", job_id, attempt, failure, message))


@dataclass
class Trainer:
    """Gives the outcome that it was made with, once *until* says so."""

    outcome: Outcome = DONE
    until: Callable[[threading.Event], object] = bool
    files: list[dict[str, bytes]] = field(default_factory=list)
    limits: list[Limits] = field(default_factory=list)

    def run(
        self, spec: dict[str, Any], files: dict[str, bytes], limits: Limits, give_up: threading.Event | None = None
    ) -> Outcome:
        del spec
        self.files.append(files)
        self.limits.append(limits)
        assert give_up is not None
        self.until(give_up)
        return self.outcome


def leased(**changes: Any) -> LeasedJob:
    spec = {"spec": {"limits": asdict(Limits(cpu_seconds=5))}}
    job = LeasedJob(
        job_id="j-1", kind="remedy", model="m", attempt=2, spec=spec, datasets=(SHA256,), heartbeat_seconds=60.0
    )
    return replace(job, **changes)


def test_without_a_job_nothing_is_done() -> None:
    trainer = Trainer()

    assert not Worker("w", Desk(), trainer).run_one()
    assert trainer.files == []


def test_a_job_runs_on_its_datasets_within_its_limits() -> None:
    trainer = Trainer()

    assert Worker("w", Desk(waiting=[leased()]), trainer).run_one()
    assert trainer.files == [{SHA256: DATA}]
    assert trainer.limits == [Limits(cpu_seconds=5)]


def test_a_result_without_a_model_is_handed_in() -> None:
    desk = Desk(waiting=[leased()])
    Worker("w", desk, Trainer()).run_one()

    measured = {"cpu_us": 1, "wall_us": 2, "max_rss_bytes": 0, "fit_us": 7}
    assert desk.said[1:] == [("complete", "j-1", 2, Result({"chosen": "nothing"}, [], "sealed", measured))]


def test_the_model_goes_before_the_manifest_and_is_named_after_it() -> None:
    desk = Desk(waiting=[leased()])
    Worker("w", desk, Trainer(REFITTED)).run_one()

    hashes = [hashlib.sha256(data).hexdigest() for data in (b"{}", b"m")]
    assert desk.said[1:3] == [("upload", "model", "j-1", 2), ("upload", "manifest", "j-1", 2)]
    assert desk.said[3][3].artifacts == hashes


def test_what_training_cost_adds_up() -> None:
    worker = Worker("w", Desk(waiting=[leased(), leased()]), Trainer())
    worker.run_one()
    worker.run_one()

    assert (worker.done, worker.fit_us) == (2, 14)


def test_a_failure_is_told_by_its_class() -> None:
    desk = Desk(waiting=[leased()])
    Worker("w", desk, Trainer(Outcome(status="OUT_OF_MEMORY", message="too much"))).run_one()

    assert desk.said[1:] == [("fail", "j-1", 2, "OUT_OF_MEMORY", "too much")]


def test_a_dataset_is_fetched_once() -> None:
    desk, trainer = Desk(waiting=[leased(), leased()]), Trainer()
    worker = Worker("w", desk, trainer)
    worker.run_one()
    worker.run_one()

    assert desk.said.count(("download", SHA256)) == 1
    assert trainer.files[0] == trainer.files[1]


def test_what_was_used_last_is_kept_when_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_CACHED_BYTES", 8)
    blobs = {hashlib.sha256(data).hexdigest(): data for data in (b"aaaa", b"bbbb", b"cccc")}
    a, b, c = blobs
    desk = Desk(waiting=[leased(datasets=(one,)) for one in (a, b, a, c, a, b)], blobs=blobs)
    worker = Worker("w", desk, Trainer())
    while worker.run_one():
        pass

    assert [said[1] for said in desk.said if said[0] == "download"] == [a, b, c, b]


def test_damaged_data_is_never_trained_on() -> None:
    desk, trainer = Desk(waiting=[leased()], blobs={SHA256: b"torn"}), Trainer()
    Worker("w", desk, trainer).run_one()

    assert desk.said[1][:4] == ("fail", "j-1", 2, "UNAVAILABLE")
    assert trainer.files == []


@pytest.mark.parametrize("spec", [{}, {"spec": {"limits": {"speed": 1}}}])
def test_limits_that_nobody_knows_are_refused(spec: dict[str, Any]) -> None:
    desk, trainer = Desk(waiting=[leased(spec=spec)]), Trainer()
    Worker("w", desk, trainer).run_one()

    assert desk.said[0][:4] == ("fail", "j-1", 2, "POLICY_REFUSED")
    assert trainer.files == []


def test_the_lease_is_kept_while_the_job_runs() -> None:
    desk = Desk(waiting=[leased(heartbeat_seconds=0.001)])
    Worker("w", desk, Trainer(until=lambda _: desk.beaten.wait(PATIENCE))).run_one()

    assert desk.beaten.is_set()
    assert desk.said[-1][0] == "complete"


def test_a_worker_that_is_told_to_give_up_ends_the_job_and_hands_nothing_in() -> None:
    desk = Desk(waiting=[leased(heartbeat_seconds=0.001)], abandon=True)
    worker = Worker("w", desk, Trainer(REFITTED, until=lambda give_up: give_up.wait(PATIENCE)))

    assert worker.run_one()
    assert [said[0] for said in desk.said] == ["download"]
    assert worker.done == 0


def test_an_error_of_the_heartbeat_ends_the_job_and_is_raised() -> None:
    desk = Desk(waiting=[leased(heartbeat_seconds=0.001)], broken=True)
    worker = Worker("w", desk, Trainer(until=lambda give_up: give_up.wait(PATIENCE)))

    with pytest.raises(ConnectionError, match="no line"):
        worker.run_one()


def test_jobs_are_done_until_it_is_told_to_stop() -> None:
    stop = threading.Event()
    desk = Desk(waiting=[leased(), leased()])
    worker = Worker("w", desk, Trainer(until=lambda _: None if desk.waiting else stop.set()))
    worker.run_until(stop, idle_seconds=0.0)

    assert worker.done == 2


class OneWait(threading.Event):
    """Is set by the first who waits for it, and knows for how long he would have; or by who asks without an end."""

    seconds: float | None = None
    asked = 0

    def is_set(self) -> bool:
        self.asked += 1
        return super().is_set() or self.asked > 9

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds = timeout
        self.set()
        return True


def test_a_worker_without_a_job_waits_before_it_asks_again() -> None:
    stop, desk = OneWait(), Desk(waiting=[leased()])
    Worker("w", desk, Trainer()).run_until(stop, idle_seconds=3.0)

    assert (stop.seconds, desk.waiting) == (3.0, [])
