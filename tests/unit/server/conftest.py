"""Models with a job that waits for a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.service import Service
from tests.fixtures.jobs import WORKER
from tests.fixtures.services import Feed, a_model, a_service


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with a model whose remedy waits for a worker."""
    with a_service() as made:
        made.create_model(a_model()).result()
        made.start_retraining("m", "", "try", [], WORKER).result()
        yield made


@pytest.fixture
def challenged() -> Iterator[Service]:
    """Give a service with a healthy model whose challenger waits for a worker."""
    with a_service() as made:
        made.create_model(a_model()).result()
        feed = Feed(made)
        feed.labels(feed.rows(20), [0.0, 1.0] * 10)
        yield made
