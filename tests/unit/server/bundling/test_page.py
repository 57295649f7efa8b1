"""The report reads as text whatever it is told, asks nobody for anything, and tells what the record tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from server.act import Caller
from server.bundling.page import lasting, when
from server.service import Service
from tests.fixtures.bundles import lived, source_of, unpacked, written
from tests.fixtures.services import a_model, a_service

ANN = Caller(actor="ann", authentication="tests")
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=y>"


class Tags(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        self.text += {"td": " ", "tr": "\n"}.get(tag, "")

    def row(self, first: str) -> list[str]:
        """Give the rows of tables that begin with a word."""
        return [line.strip() for line in self.text.splitlines() if line.startswith(f"{first} ")]

    def after(self, title: str) -> str:
        """Give what stands below a title, up to the next."""
        return self.text.partition(title)[2].partition("Files and how to check them")[0]


def seen(data: bytes) -> Tags:
    found = Tags()
    found.feed(unpacked(data)["report.html"].decode())
    return found


@pytest.fixture(scope="module")
def page() -> Tags:
    return seen(lived("lasting_decline"))


@pytest.fixture
def service() -> Iterator[Service]:
    with a_service() as made:
        yield made


def test_the_report_holds_no_script_and_no_way_out(page: Tags) -> None:
    assert set(page.tags) & {"script", "link", "img", "iframe", "a", "form", "object"} == set()
    assert [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href")] == []
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


@pytest.mark.parametrize("field", ["owner", "purpose"])
def test_what_people_wrote_is_text_and_nothing_else(service: Service, field: str) -> None:
    changes: dict[str, Any] = {field: HOSTILE}
    service.create_model(replace(a_model(), **changes)).result()
    found = seen(written(source_of(service))[0])

    assert set(found.tags) & {"script", "img"} == set()
    assert HOSTILE in found.text


def test_the_report_tells_incident_gates_versions_and_files(page: Tags) -> None:
    told = (
        "Record of m",
        "concept_change",
        "promoted",
        "holdout",
        "remedy-1",
        "hgb-60@1",
        "events.jsonl",
        "5:00:00, 300 rows",
    )

    assert [word for word in told if word not in page.text] == []


def test_each_reason_in_the_report_is_explained_in_it(page: Tags) -> None:
    assert page.row("NON_INFERIOR") == ["NON_INFERIOR the candidate serves everyone, and is watched"]
    assert page.row("NO_WORKER") == []


def test_what_people_asked_for_and_stopped_is_told_and_what_the_service_did_by_itself_is_not() -> None:
    def act(service: Service) -> None:
        service.start_retraining("m", "", "we want a newer one", ["refit"], ANN).result()
        service.operate("abort", "m", "", "too early", ANN).result()
        service.operate("hold", "m", "", "a drill", ANN).result()

    people = seen(lived("lasting_decline", act)).after("What people decided, and what was handed to them")

    assert [people.count(f"ann {note}") for note in ("we want a newer one", "too early", "a drill")] == [1, 1, 1]
    assert "service" not in people


def test_the_digest_in_the_report_covers_all_other_files(page: Tags) -> None:
    assert re.search(r"Digest of these files: [0-9a-f]{64}", page.text)


@pytest.mark.parametrize(
    ("at_us", "told"), [(0, "1970-01-01 00:00:00"), (-1, "1969-12-31 23:59:59"), (1 << 62, f"{1 << 62} µs")]
)
def test_an_instant_is_told_as_people_read_it(at_us: int, told: str) -> None:
    assert when(at_us) == told


@pytest.mark.parametrize(("seconds", "told"), [(90.0, "0:01:30"), (1_036_800.0, "12 days, 0:00:00"), (1e18, "1e+18 s")])
def test_a_duration_is_told_as_people_read_it(seconds: float, told: str) -> None:
    assert lasting(seconds) == told
