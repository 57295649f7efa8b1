"""Claims about what a model loses with erased rows: which of its versions have learned from them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from server.privacy.losses import learned_from
from server.service import Service
from tests.fixtures.jobs import uploaded


def learned(service: Service, versions: dict[str, dict[str, Any]], *rows: int) -> list[str]:
    """Name the versions, whose manifests tell this of them, that have learned from *rows*."""
    health = service.store.read(lambda reader: service.desk.health(reader, "m"))
    kept = {name: uploaded(service, name.encode(), **told) for name, told in versions.items()}
    return learned_from(service.desk, replace(health, manifests=kept), np.array(rows))


@pytest.mark.parametrize("order", [*permutations(["first", "second", "third"])])
def test_versions_that_correct_one_which_learned_erased_rows_are_named_one_upon_another(
    service: Service, order: tuple[str, ...]
) -> None:
    versions: dict[str, dict[str, Any]] = {
        "first": {"rows": [[60, 64]]},
        "second": {"rows": [[70, 80]], "base_version": "first"},
        "third": {"rows": [[80, 90]], "base_version": "second"},
        "other": {"rows": [[80, 90]], "base_version": "elsewhere"},
    }

    found = learned(service, {name: versions[name] for name in (*order, "other")}, 62)

    assert sorted(found) == ["first", "second", "third"]


def test_a_version_that_learned_an_erased_row_is_named_once_whatever_it_corrects(service: Service) -> None:
    versions: dict[str, dict[str, Any]] = {
        "first": {"rows": [[60, 64]]}, "second": {"rows": [[62, 66]], "base_version": "first"},
    }  # fmt: skip

    assert learned(service, versions, 62, 63) == ["first", "second"]


@pytest.mark.parametrize(("row", "found"), [(59, []), (60, ["first"]), (63, ["first"]), (64, [])])
def test_a_version_has_learned_the_rows_from_the_first_up_to_the_end_of_a_range(
    service: Service, row: int, found: list[str]
) -> None:
    assert learned(service, {"first": {"rows": [[20, 30], [60, 64]]}}, row) == found


def test_a_manifest_of_rows_that_are_no_range_keeps_nobody_from_erasing(service: Service) -> None:
    versions = {"first": {"rows": [[60]]}, "second": {"rows": [[60, 64]]}}

    assert learned(service, versions, 60) == ["second"]
