from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.clients import Wireless
from tests.fixtures.services import a_model, a_service


@pytest.fixture
def intake() -> Iterator[Wireless]:
    with a_service() as service:
        service.create_model(a_model()).result()
        yield Wireless(service)
