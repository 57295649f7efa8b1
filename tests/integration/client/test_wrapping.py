"""Whatever estimator is wrapped, it answers as it always did, and what it answered arrives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from remission import Client
from remission.columns import tabulate
from remission.scorers import UnknownClassError
from remission.sklearn import MonitoredModel
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from server.intake import feed
from server.settings import Settings
from server.wiring import build
from tests.fixtures.servers import serving, start
from tests.integration.client.watched import REFERENCE_ROWS, Halves, labels_had, numbers, register, rows_had

PATIENCE_SECONDS = 60.0
CHANCE = np.random.default_rng(4)
MATRIX = CHANCE.normal(size=(REFERENCE_ROWS, 3))
FRAME = pd.DataFrame(
    {
        "amount": np.where(CHANCE.random(REFERENCE_ROWS) < 0.1, np.nan, MATRIX[:, 0]),
        "colour": pd.Series(CHANCE.choice(["red", "green", "blue"], REFERENCE_ROWS)).where(MATRIX[:, 1] < 1.5, None),
        "visits": pd.array(CHANCE.integers(0, 9, REFERENCE_ROWS), dtype="Int64"),
    }
)
TWO = np.array(["no", "yes"])[(MATRIX[:, 0] > 0).astype(int)]
THREE = np.array(["high", "low", "mid"])[np.digitize(MATRIX[:, 0], [-0.5, 0.5])]
PIPELINE = make_pipeline(
    ColumnTransformer(
        [
            ("numbers", SimpleImputer(), ["amount", "visits"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["colour"]),
        ]
    ),
    LogisticRegression(),
)
TEXTS = make_pipeline(CountVectorizer(), LogisticRegression())
CASES: dict[str, tuple[Any, Any, Any, list[str]]] = {
    "binary": (LogisticRegression(), MATRIX, TWO, ["no", "yes"]),
    "binary-without-chances": (LinearSVC(), MATRIX, TWO, ["no", "yes"]),
    "multiclass": (RandomForestClassifier(5, random_state=0), MATRIX, THREE, ["high", "low", "mid"]),
    "regression": (LinearRegression(), MATRIX, MATRIX[:, 0] * 2, []),
    "boosted": (HistGradientBoostingRegressor(max_iter=3), MATRIX, MATRIX[:, 0] * 2, []),
    "pipeline": (PIPELINE, FRAME, TWO, ["no", "yes"]),
    "frame": (LinearRegression(), pd.DataFrame(MATRIX, columns=["a", "b", "c"]), MATRIX[:, 0], []),
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("wrapping")) as address:
        yield address


@pytest.fixture
def client(target: str) -> Iterator[Client]:
    with Client(target) as made:
        yield made


@pytest.mark.parametrize("case", CASES)
def test_a_wrapped_estimator_answers_as_it_always_did_and_its_reports_arrive(
    client: Client, target: str, case: str
) -> None:
    estimator, rows, truth, classes = CASES[case]
    estimator.fit(rows, truth)
    register(client, case, rows, classes)
    with MonitoredModel(estimator, target, model=case) as model:
        told = model.answer(rows)
        again = model.predict(rows[:1])
        for prediction_id, label in zip(told.prediction_ids, truth, strict=True):
            model.report_outcome(prediction_id, label)
        assert model.flush(PATIENCE_SECONDS), model.last_error
        counts = model.counts

    first = float(list(classes).index(truth[0])) if classes else float(truth[0])
    assert np.array_equal(told.answers, estimator.predict(rows))
    assert told.answers.dtype == estimator.predict(rows).dtype
    assert np.array_equal(again, estimator.predict(rows[:1]))
    assert (counts.dropped, counts.refused) == (0, 0), model.last_error
    assert rows_had(client, case) == REFERENCE_ROWS + 1
    assert labels_had(client, case, told.prediction_ids[0], first) == REFERENCE_ROWS


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if hasattr(case[0], "predict_proba")])
def test_probabilities_are_those_of_the_estimator(case: str) -> None:
    estimator, rows, truth, _ = CASES[case]
    estimator.fit(rows, truth)
    with MonitoredModel(estimator, "127.0.0.1:1", model="m") as model:
        probabilities = model.predict_proba(rows)
        model.close(timeout=0)

    assert np.array_equal(probabilities, estimator.predict_proba(rows))


def test_an_estimator_without_probabilities_has_none_wrapped_either() -> None:
    with MonitoredModel(Halves(), "127.0.0.1:1", model="m") as model:
        with pytest.raises(AttributeError):
            model.predict_proba(numbers(2))
        model.close(timeout=0)


class Counting:
    """Says 1 of every row of a dictionary."""

    def predict(self, rows: Any) -> Any:
        """Give ones."""
        return np.ones(len(rows["w0"]))


class Broken(Halves):
    """Raises what a caller should see."""

    classes_ = np.array(["a", "b"])

    def predict(self, rows: Any) -> Any:
        """Fail on an even number of rows."""
        if len(rows) % 2 == 0:
            raise ZeroDivisionError
        return np.array(["a"] * len(rows))

    def predict_proba(self, rows: Any) -> Any:
        """Fail always."""
        raise NotImplementedError


def test_what_the_estimator_raises_is_what_a_caller_sees_and_no_more() -> None:
    with MonitoredModel(Broken(), "127.0.0.1:1", model="m") as model:
        with pytest.raises(ZeroDivisionError):
            model.predict(numbers(2))
        answers = model.predict(numbers(3))
        with pytest.raises(NotImplementedError):
            model.predict_proba(numbers(3))
        model.close(timeout=0)
    assert answers.tolist() == ["a"] * 3
    assert model.counts.dropped == 6
    assert isinstance(model.last_error, NotImplementedError)


@pytest.mark.parametrize(
    ("estimator", "rows"),
    [
        (LogisticRegression().fit(csr_matrix(MATRIX), TWO), csr_matrix(MATRIX)),
        (TEXTS.fit(["good news", "bad news"], ["yes", "no"]), ["good news", "bad", "news"]),
        (TEXTS, pd.Series(["good", "bad"])),
        (LinearRegression().fit(MATRIX, MATRIX[:, :2]), MATRIX),
    ],
    ids=["sparse", "texts", "series", "two-outputs"],
)
def test_rows_that_are_no_table_are_answered_all_the_same_and_counted(estimator: Any, rows: Any) -> None:
    with MonitoredModel(estimator, "127.0.0.1:1", model="m") as model:
        answers = model.predict(rows)
        model.close(timeout=0)

    assert np.array_equal(answers, estimator.predict(rows))
    assert model.counts.dropped == len(answers)


def test_an_unknown_class_is_told_to_who_reports_it() -> None:
    estimator = LogisticRegression().fit(MATRIX, TWO)
    with MonitoredModel(estimator, "127.0.0.1:1", model="m") as model:
        with pytest.raises(UnknownClassError):
            model.report_outcome("p-1", "maybe")
        model.close(timeout=0)
    assert model.counts.dropped == 0


def test_a_batch_beyond_what_a_server_takes_at_once_arrives_whole(client: Client, target: str) -> None:
    count, width = 10_000, 8  # 20 MB of words; a server takes 16 MiB
    words = [f"word {i} {'x' * 240}" for i in range(count)]
    register(client, "wide", {f"w{i}": words[:REFERENCE_ROWS] for i in range(width)}, [])
    with MonitoredModel(Counting(), target, model="wide") as model:
        answers = model.predict({f"w{i}": words for i in range(width)})
        assert model.flush(PATIENCE_SECONDS), model.last_error
        counts = model.counts

    assert answers.tolist() == [1.0] * count
    assert (counts.sent, counts.dropped, counts.refused) == (count, 0, 0), model.last_error
    assert rows_had(client, "wide") == count


def test_predictions_of_many_threads_all_arrive_once(client: Client, target: str) -> None:
    register(client, "threads", numbers(REFERENCE_ROWS), [])
    threads, calls = 8, 50
    ids: list[list[str]] = [[] for _ in range(threads)]
    with MonitoredModel(Halves(), target, model="threads") as model:

        def work(mine: list[str]) -> None:
            for _ in range(calls):
                told = model.answer(numbers(3))
                mine.extend(told.prediction_ids)
                model.report_outcome(told.prediction_ids[1], 0.5)

        workers = [threading.Thread(target=work, args=(mine,)) for mine in ids]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(PATIENCE_SECONDS)
        assert model.flush(PATIENCE_SECONDS)
        counts = model.counts

    every = [one for mine in ids for one in mine]
    assert len(set(every)) == len(every) == threads * calls * 3
    assert (counts.sent, counts.dropped, counts.refused) == (threads * calls * 4, 0, 0)
    assert rows_had(client, "threads") == threads * calls * 3
    assert labels_had(client, "threads", ids[0][1], 0.5) == threads * calls


def test_what_the_server_keeps_is_what_was_answered(tmp_path: Path) -> None:
    estimator = CASES["pipeline"][0].fit(FRAME, TWO)
    server = start(tmp_path)
    with Client(server.target) as client, MonitoredModel(estimator, server.target, model="m") as model:
        register(client, "m", FRAME, ["no", "yes"])
        ids = [f"order {i}" for i in range(REFERENCE_ROWS)]
        model.predict(FRAME, prediction_ids=ids)
        model.report_outcome(ids[7], "yes")
        assert model.flush(PATIENCE_SECONDS), model.last_error
        assert model.counts.refused == 0, model.last_error
    server.stop()

    rows, labels = kept(tmp_path)

    amount = FRAME["amount"].to_numpy()
    assert rows.ids == ids
    assert rows.outputs["v1"].tolist() == estimator.predict_proba(FRAME)[:, 1].tolist()
    assert np.array_equal(rows.features[0], amount, equal_nan=True)
    assert np.isnan(rows.features[1]).tolist() == FRAME["colour"].isna().tolist()
    assert (labels.rows.tolist(), list(labels.values)) == ([REFERENCE_ROWS + 7], [1.0])
    assert tabulate(FRAME)["visits"].tolist() == rows.features[2].tolist()


def kept(folder: Path) -> tuple[feed.Rows, feed.Labels]:
    """Read the last rows and labels from a stopped server's own files."""
    settings = Settings(
        database=f"sqlite:///{folder / 'log.db'}", artifacts=str(folder / "artifacts"),
        signing_key=str(folder / "log.key"),
    )  # fmt: skip
    service = build(settings)
    try:
        entries = service.store.read(lambda reader: [one for _, one in service.desk.entries(reader, "m", 0, 100)])
    finally:
        service.close()
    rows = [entry for entry in entries if isinstance(entry, feed.Rows)][-1]
    labels = [entry for entry in entries if isinstance(entry, feed.Labels)][-1]
    return rows, labels
