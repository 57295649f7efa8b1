"""Claims about manifests: what is read back, and what is refused by name."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retraining.artifact import Manifest, ManifestInvalid
from statemachine.record.canonical import digest

WHOLE = Manifest(
    format="skops", artifact_sha256="a" * 64, task="binary", template="linear@1:0123456789ab",
    features=[{"name": "x", "kind": "numeric", "categories": []}], classes=["no", "yes"],
    trusted_types=["numpy.dtype"], semantic_sha256="c" * 64, rows=[[0, 9]], seed=1, params={"alpha": 0.5},
    libraries={"numpy": "2"},
)  # fmt: skip


def refusal(**changes: Any) -> str:
    with pytest.raises(ManifestInvalid) as caught:
        Manifest.from_bytes(orjson.dumps({**asdict(WHOLE), **changes}))
    return str(caught.value)


def test_a_manifest_reads_back_as_it_was_written() -> None:
    again = Manifest.from_bytes(WHOLE.to_bytes())

    assert again == WHOLE
    assert again.sha256 == digest(WHOLE.to_bytes())


def test_the_order_of_fields_changes_no_byte() -> None:
    turned = dict(reversed(asdict(WHOLE).items()))

    assert Manifest.from_bytes(orjson.dumps(turned)).to_bytes() == WHOLE.to_bytes()


def test_every_field_counts_in_the_hash() -> None:
    others = [replace(WHOLE, seed=2), replace(WHOLE, rows=[[0, 8]]), replace(WHOLE, trusted_types=[])]

    assert len({WHOLE.sha256, *(other.sha256 for other in others)}) == 4


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"format": "pickle"}, "format 'pickle'"),
        ({"format": ["skops"]}, "format: "),
        ({"artifact_sha256": 5}, "artifact_sha256: 5"),
        ({"artifact_sha256": ""}, "artifact_sha256: ''"),
        ({"artifact_sha256": "../../etc/passwd"}, "artifact_sha256: '../"),
        ({"artifact_sha256": "A" * 64}, "artifact_sha256"),
        ({"base_manifest_sha256": "none"}, "base_manifest_sha256: 'none'"),
        ({"trusted_types": "os.system"}, "trusted_types: 'os.system'"),
        ({"trusted_types": [["os.system"]]}, "trusted_types"),
        ({"seed": "1"}, "seed: '1'"),
        ({"seed": True}, "seed: True"),
        ({"params": None}, "params: None"),
        ({"rows": {}}, "rows: {}"),
        ({"rows": [[0, 9], [9]]}, "rows: [9] is not accepted"),
        ({"rows": [[0, 9, 12]]}, "rows: [0, 9, 12] is not accepted"),
        ({"rows": [[9, 8]]}, "rows: [9, 8] is not accepted"),
        ({"rows": [[-1, 8]]}, "rows: [-1, 8] is not accepted"),
        ({"rows": ["09"]}, "rows: '09' is not accepted"),
        ({"rows": [[False, 9]]}, "rows"),
        ({"pickle": "gANLAQ=="}, "a manifest has the fields artifact_sha256"),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_field(changes: dict[str, Any], named: str) -> None:
    assert named in refusal(**changes)


@pytest.mark.parametrize("absent", ["format", "artifact_sha256", "task", "template", "trusted_types"])
def test_a_manifest_without_a_field_that_loading_needs_is_refused(absent: str) -> None:
    data = {name: value for name, value in asdict(WHOLE).items() if name != absent}

    with pytest.raises(ManifestInvalid, match=absent):
        Manifest.from_bytes(orjson.dumps(data))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b'"skops"', b"\xff\xfe", b"{" * 10_000])
def test_what_is_no_manifest_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        Manifest.from_bytes(data)


@given(st.integers(0, 400))
def test_a_manifest_that_is_cut_off_is_refused(cut: int) -> None:
    whole = WHOLE.to_bytes()

    with pytest.raises(ManifestInvalid):
        Manifest.from_bytes(whole[: min(cut, len(whole) - 1)])
