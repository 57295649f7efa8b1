"""A scikit-learn-like estimator under watch.

model = MonitoredModel(estimator, model="riders", version="v1")
answers = model.predict(rows, prediction_ids=ids)
...
model.report_outcome(ids[0], truth)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from remission.certificates import Tls
from remission.client import DEFAULT_TARGET, Client
from remission.columns import Floats, Table
from remission.connection import new_id
from remission.following import Follower
from remission.loading import Loader
from remission.predictions import Counts, Prediction
from remission.questions import Question, read_question
from remission.reporting import MAX_BATCH_ROWS, Buffer, Outcome, Scored
from remission.scorers import Answers, Classifier, Estimator, OwnScorer, class_indices
from remission.sending import Sender
from remission.serving import Served, serve

__all__ = ["Counts", "MonitoredModel", "Prediction"]

_CALL_TIMEOUT_SECONDS = 10.0
_JOIN_SECONDS = 10.0  # only a candidate that is being loaded could take longer, and it is a daemon
_LONGEST_US = np.iinfo(np.int32).max


class MonitoredModel:
    """Wraps an estimator: predicts as it does, reports in the background, and follows the route.

    `predict` waits for no server and raises only what the estimator itself raises. When the route names a candidate,
    its artefact is fetched by hash and loaded from an allow-list, in the background; it serves its share of units until
    the route changes or expires, and the champion serves again. Close it, or use it as a context manager, to send
    what is still buffered. Make it in the process that serves: its threads do not survive a fork.

    Args:
        estimator: Fitted, with `predict`, and for a binary task with `predict_proba`.
        target: Host and port of the server.
        model: The model's name.
        version: The version that *estimator* is.
        feature_names: Column names of a matrix; the estimator's own `feature_names_in_` without them.
        tls: Credentials of an encrypted channel, or `CertificateFiles`; plain text without them.
        buffer_rows: Rows and outcomes that are kept while the server is away; what is more is dropped and counted.
        refresh_seconds: How often to ask for the route.
    """

    def __init__(
        self,
        estimator: Estimator,
        target: str = DEFAULT_TARGET,
        *,
        model: str,
        version: str = "v1",
        feature_names: Sequence[str] = (),
        tls: Tls | None = None,
        buffer_rows: int = 100_000,
        refresh_seconds: float = 5.0,
    ) -> None:
        self._client = Client(target, tls, timeout=_CALL_TIMEOUT_SECONDS)
        self._classes = np.asarray(estimator.classes_) if isinstance(estimator, Classifier) else None
        names = feature_names if len(feature_names) else getattr(estimator, "feature_names_in_", ())
        self._names = [str(name) for name in names]
        scorer = OwnScorer(estimator)
        self._follower = Follower(
            self._client.routes,
            Loader(self._client.artifacts, scorer, version, self._classes).load,
            model=model,
            router_id=new_id(),
            version=version,
            scorer=scorer,
        )
        self._buffer = Buffer(buffer_rows)
        self._sender = Sender(self._client, self._buffer, model)
        self._without_unit = 0
        self._counting = threading.Lock()
        self._threads = [
            threading.Thread(target=self._sender.run, name=f"remission-send-{model}", daemon=True),
            threading.Thread(
                target=self._follower.run, args=(refresh_seconds,), name=f"remission-follow-{model}", daemon=True
            ),
        ]
        for thread in self._threads:
            thread.start()

    def predict(
        self,
        rows: Table | ArrayLike,
        *,
        prediction_ids: Sequence[str] = (),
        unit_ids: Sequence[str] = (),
        subject_ids: Sequence[str | None] = (),
    ) -> Answers:
        """Return one class label or value a row; see `answer`."""
        _, served = self._answer(rows, prediction_ids, unit_ids, subject_ids)
        return served.answers

    def predict_proba(
        self,
        rows: Table | ArrayLike,
        *,
        prediction_ids: Sequence[str] = (),
        unit_ids: Sequence[str] = (),
        subject_ids: Sequence[str | None] = (),
    ) -> Floats:
        """Return (rows, classes) probabilities; see `answer`.

        Raises:
            AttributeError: The estimator gives none.
        """
        _, served = self._answer(rows, prediction_ids, unit_ids, subject_ids)
        if served.probabilities is None:
            raise served.fault or AttributeError("predict_proba")
        return served.probabilities

    def answer(
        self,
        rows: Table | ArrayLike,
        *,
        prediction_ids: Sequence[str] = (),
        unit_ids: Sequence[str] = (),
        subject_ids: Sequence[str | None] = (),
    ) -> Prediction:
        """Answer *rows*, and report them in the background.

        What cannot be reported, such as rows that are no table or ids that are too few, is answered by the champion
        alone and counted as dropped; see `last_error`.

        Args:
            rows: (rows, features), or a table of named columns.
            prediction_ids: Unique within the model, one a row; made up without them.
            unit_ids: What assignment is made by, such as opaque user ids; one a row. Rows without go to the champion.
            subject_ids: Whom rows are about, as opaque texts, one a row; blank or missing is nobody. What is kept of a
                subject can be erased, so rows whose subject cannot be read are not reported as rows of nobody.
        """
        ids, served = self._answer(rows, prediction_ids, unit_ids, subject_ids)
        return Prediction(
            answers=served.answers,
            probabilities=served.probabilities,
            prediction_ids=ids,
            served_by=served.served_by,
        )

    def report_outcome(self, prediction_id: str, label: object, *, time_us: int | None = None) -> None:
        """Report what turned out to be true of a prediction, in the background; a class label or a value.

        Raises:
            UnknownClassError: The estimator knows no such class.
            ValueError: The label is no value, or the time no number.
        """
        labels = np.asarray([label])
        value = labels.astype(np.float64) if self._classes is None else class_indices(labels, self._classes)
        known_us = time.time_ns() // 1_000 if time_us is None else int(time_us)
        self._buffer.put(Outcome(prediction_id=str(prediction_id), value=float(value[0]), time_us=known_us))

    @property
    def counts(self) -> Counts:
        """What became of reports so far."""
        return Counts(
            sent=self._sender.sent,
            dropped=self._buffer.dropped,
            refused=self._sender.refused,
            without_unit=self._without_unit,
        )

    @property
    def last_error(self) -> Exception | None:
        """What the server, or the way to it, said last against a report; else why rows could not be reported."""
        return self._sender.last_error or self._buffer.last_fault

    @property
    def route_error(self) -> Exception | None:
        """Why the route could not be followed, the last time that it could not."""
        return self._follower.last_error

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until all reports are answered; tell whether they are."""
        return self._buffer.wait_empty(timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Send what is buffered, for *timeout* seconds at most, and count the rest as dropped.

        Of what was on its way when the time was up the server may have some all the same.
        """
        self._follower.stop()
        self._buffer.close()
        self._buffer.wait_empty(timeout)
        self._sender.stop()
        self._client.close()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def __enter__(self) -> Self:
        """Return the model."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the model."""
        self.close()

    def _answer(self, rows: Table | ArrayLike, *ids: Sequence[str | None]) -> tuple[list[str], Served]:
        """Answer *rows*, whose *ids* are those of predictions, units and subjects."""
        started = time.perf_counter_ns()
        question = read_question(rows, self._names, *ids)
        plan = self._follower.plan()
        served = serve(plan, question)
        if served.failures:
            self._follower.withdraw(plan.generation, served.failures)
        count = len(served.answers)
        if plan.exposure_bp:
            with self._counting:
                self._without_unit += count - sum(map(bool, question.unit_ids))
        if served.fault is not None:
            self._buffer.turn_away(count, served.fault)
        else:
            self._report(question, served, (time.perf_counter_ns() - started) // 1_000, plan.generation)
        return question.prediction_ids or [new_id() for _ in range(count)], served

    def _report(self, question: Question, served: Served, spent_us: int, generation: int) -> None:
        count = question.rows.count
        scored = Scored(
            columns=question.rows.columns,
            prediction_ids=question.prediction_ids,
            times_us=np.full(count, time.time_ns() // 1_000, dtype=np.int64),
            outputs=served.outputs,
            served_by=served.served_by,
            unit_ids=question.unit_ids,
            subject_ids=question.subject_ids,
            latency_us=np.full(count, min(spent_us, _LONGEST_US), dtype=np.int32),
            route_generation=generation,
        )
        for start in range(0, count, MAX_BATCH_ROWS):
            self._buffer.put(scored.part(start, start + MAX_BATCH_ROWS))
