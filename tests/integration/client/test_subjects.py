"""A wrapped estimator says whom its rows are about, so that what is kept of a person can be forgotten."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from remission import Client
from remission.sklearn import MonitoredModel

from tests.fixtures.servers import serving
from tests.integration.client.watched import REFERENCE_ROWS, Halves, numbers, register, rows_had


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("subjects")
    with serving(folder) as address:
        yield address


@pytest.fixture
def model(target: str, request: pytest.FixtureRequest) -> Iterator[tuple[Client, str, MonitoredModel]]:
    """A model of its own for each test, under watch."""
    name = f"m{zlib.crc32(request.node.name.encode())}"
    with Client(target) as client, MonitoredModel(Halves(), target, model=name, feature_names=["x0"]) as wrapped:
        register(client, name, numbers(REFERENCE_ROWS), [])
        yield client, name, wrapped


Watched = tuple[Client, str, MonitoredModel]


def test_rows_of_a_subject_are_found_again_to_be_erased_and_no_others(model: Watched) -> None:
    client, name, wrapped = model
    wrapped.predict(numbers(3), subject_ids=[f"{name}-ann", None, f"{name}-bob"])
    wrapped.answer(numbers(2), subject_ids=[f"{name}-ann", f"{name}-ann"])
    assert wrapped.flush()
    (lost,) = client.privacy.erase_subject(f"{name}-ann").models

    assert (lost.model, lost.rows) == (name, 3)
    assert rows_had(client, name) == 5
    assert wrapped.counts.sent == 5


@pytest.mark.parametrize("subjects", [["ann"], ["ann", 7], ["ann", "x" * 129]])
def test_rows_whose_subject_cannot_be_read_are_answered_and_not_reported(model: Watched, subjects: Any) -> None:
    client, name, wrapped = model
    answers = wrapped.predict(numbers(2), subject_ids=subjects)
    wrapped.predict(numbers(1))
    assert wrapped.flush()

    assert answers.tolist() == [0.0, 0.5]
    assert (wrapped.counts.sent, wrapped.counts.dropped) == (1, 2)
    assert rows_had(client, name) == 1
    assert "subject_ids" in str(wrapped.last_error)
