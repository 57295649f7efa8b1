from collections.abc import Iterator

import pytest

from store import Evidence, EvidenceMissing, Store, Timer, open_store
from tests.fixtures.events import an_event, ticking
from tests.fixtures.work import appending, keeping


@pytest.fixture
def sealed_evidence(store: Store) -> Iterator[Evidence]:
    """Write one of everything into the store's own namespace."""
    evidence = Evidence(kind="profile", body=b"mine")
    store.run(appending("a", 0, an_event("1")))
    store.run(keeping(evidence, Timer(stream="a", name="t", due_us=1, visit=1)))
    yield evidence
    # Opening the same file twice is refused, so the second reader comes after the first has gone.
    store.close()


def test_a_namespace_sees_nothing_of_another(url: str, store: Store, sealed_evidence: Evidence) -> None:
    store.close()
    other = open_store(url, clock_us=ticking(), namespace="stranger")
    try:
        assert other.read(lambda reader: (reader.head().position, reader.version("a"), reader.timers_due(9))) == (
            0,
            0,
            (),
        )
        with pytest.raises(EvidenceMissing):
            other.read(lambda reader: reader.evidence(sealed_evidence.sha256))
    finally:
        other.close()


def test_an_event_id_may_stand_in_two_namespaces(url: str, store: Store, sealed_evidence: Evidence) -> None:
    store.close()
    other = open_store(url, clock_us=ticking(), namespace=f"second-{sealed_evidence.sha256}")
    try:
        assert other.run(appending("a", 0, an_event("1")))[0].position == 1
    finally:
        other.close()
