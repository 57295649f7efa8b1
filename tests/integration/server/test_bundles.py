"""The record of a model over the wire: the archive that a stranger can check, and the inventory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from remission import Client
from remission.errors import DataLossError, InvalidArgumentError, NotFoundError, OutOfRangeError
from remission.v1 import audit_pb2
from remission_verify.limits import MOST_INTEGER
from remission_verify.note import Verifier
from remission_verify.trust import Trust

from tests.fixtures.bundles import checked
from tests.fixtures.listeners import in_memory
from tests.integration.server.examples import LASTING, NORMAL, a_model, a_reference, decline, points

MODELS = ("approval", "limit")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two models, of which the first is ill."""
    with in_memory() as target, Client(target, timeout=30.0) as made:
        for name in MODELS:
            made.create_model(a_model(name), a_reference())
        decline(made, "approval")
        yield made


def exported(client: Client, model: str = "approval", **period: Any) -> tuple[bytes, audit_pb2.BundleTrailer]:
    out = io.BytesIO()
    trailer = client.audit.export(model, out, **period)
    return out.getvalue(), trailer


def trust(client: Client) -> Trust:
    return Trust(tuple(Verifier.from_text(key) for key in client.audit.checkpoint().keys))


def test_a_bundle_that_came_over_the_wire_is_whole(client: Client) -> None:
    data, trailer = exported(client)
    found = checked(data, trust(client))

    assert found.faults == []
    assert found.more["events"] == trailer.events == len(list(client.history("approval")))
    assert (trailer.size_bytes, trailer.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_asked_again_it_has_the_same_bytes(client: Client) -> None:
    assert exported(client) == exported(client)


def test_events_that_came_just_now_are_covered(client: Client) -> None:
    client.operations.hold("limit", reason="a drill")
    data, trailer = exported(client, "limit")

    assert checked(data, trust(client)).whole
    assert trailer.events == len(list(client.history("limit")))


def test_a_bound_of_nought_is_a_bound(client: Client) -> None:
    assert exported(client, from_us=0) != exported(client)
    with pytest.raises(OutOfRangeError, match="until_us: 0 lies before the first event"):
        exported(client, until_us=0)


@pytest.mark.parametrize(
    ("model", "period", "error", "field"),
    [
        ("ghost", {}, NotFoundError, "model"),
        ("Big", {}, InvalidArgumentError, "model"),
        ("approval", {"from_us": 2, "until_us": 1}, InvalidArgumentError, "from_us"),
        ("approval", {"until_us": -1}, OutOfRangeError, "until_us"),
        ("approval", {"until_us": 2**63 - 1}, InvalidArgumentError, "until_us"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_its_field(
    client: Client, model: str, period: dict[str, int], error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as caught:
        exported(client, model, **period)

    assert [one.field for one in caught.value.violations] == [field]  # type: ignore[attr-defined]


def test_what_comes_at_the_last_instant_that_is_taken_can_be_exported() -> None:
    last_s, left_us = divmod(MOST_INTEGER, 1_000_000)
    with in_memory() as target, Client(target) as client:
        client.create_model(a_model("late"), a_reference())
        client.ingest_metrics("late", points(1, NORMAL))
        late = points(last_s - len(LASTING) + 1, LASTING)
        late[-1].time_us += left_us
        client.ingest_metrics("late", late)
        with pytest.raises(InvalidArgumentError, match=rf"time_us: {10**6 * (last_s + 1)} is not accepted; 0 to"):
            client.ingest_metrics("late", points(last_s + 1, [0.1]))
        data, _ = exported(client, "late")

        assert list(client.history("late"))[-1].occurred_us == MOST_INTEGER
        assert checked(data, trust(client)).faults == []


def test_a_stream_that_breaks_off_is_no_bundle(client: Client) -> None:
    class Full(io.BytesIO):
        """A file that loses what is written to it."""

        def write(self, data: object, /) -> int:
            del data
            return 0

    with pytest.raises(DataLossError, match=r"expected .* bytes with hash"):
        client.audit.export("approval", Full())


def test_the_inventory_names_every_model_with_its_owner_and_what_is_open(client: Client) -> None:
    found = {one.model: one for one in client.audit.inventory()}

    assert set(found) == set(MODELS)
    assert {one.owner for one in found.values()} == {"risk"}
    assert found["approval"].findings[0].what == "incident"
    assert found["approval"].next_review_us == found["approval"].findings[0].since_us
    assert found["limit"].validation.how == "registration"


def test_the_inventory_comes_page_by_page(client: Client) -> None:
    stub = client.audit._stub  # noqa: SLF001 - pages are the wire's, and the client joins them
    first = stub.ListInventory(audit_pb2.ListInventoryRequest(page_size=1))
    second = stub.ListInventory(audit_pb2.ListInventoryRequest(page_size=1, page_token=first.next_page_token))

    assert [one.model for page in (first, second) for one in page.entries] == list(MODELS)
