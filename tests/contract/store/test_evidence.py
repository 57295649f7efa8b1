import pytest

from store import Evidence, EvidenceMissing, ReferenceMissing, Store, Window
from tests.fixtures.work import keeping


def a_window(idx: int, evidence: Evidence, feed_seq: int = 1) -> Window:
    return Window(stream="a", epoch=1, kind="label", idx=idx, evidence_sha256=evidence.sha256, feed_seq=feed_seq)


def test_evidence_is_kept_under_its_hash(store: Store) -> None:
    evidence = Evidence(kind="profile", body=b'{"n":1}')
    store.run(lambda unit: unit.put(evidence))

    assert store.read(lambda reader: reader.evidence(evidence.sha256)) == b'{"n":1}'


def test_evidence_put_twice_is_put_once(store: Store) -> None:
    evidence = Evidence(kind="profile", body=b"same")
    store.run(keeping(evidence, evidence))
    store.run(lambda unit: unit.put(evidence))

    assert store.read(lambda reader: reader.evidence(evidence.sha256)) == b"same"


def test_missing_evidence_is_named(store: Store) -> None:
    with pytest.raises(EvidenceMissing) as missing:
        store.read(lambda reader: reader.evidence("f" * 64))

    assert missing.value.sha256 == "f" * 64


def test_windows_stand_in_order_and_are_replaced_by_index(store: Store) -> None:
    old, new = Evidence(kind="profile", body=b"1"), Evidence(kind="profile", body=b"2")
    windows = [a_window(1, old), a_window(0, old), a_window(1, new, feed_seq=2)]
    store.run(keeping(old, new, *windows))

    assert store.read(lambda reader: reader.windows("a", 1, "label")) == (windows[1], windows[2])
    assert store.read(lambda reader: reader.windows("a", 1, "label", after_idx=0)) == (windows[2],)
    assert store.read(lambda reader: reader.windows("a", 2, "label")) == ()


def test_a_window_needs_its_evidence(store: Store) -> None:
    with pytest.raises(ReferenceMissing):
        store.run(lambda unit: unit.put(a_window(0, Evidence(kind="profile", body=b"never put"))))
