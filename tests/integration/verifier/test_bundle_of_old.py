"""What the first release has recorded is bundled and checked today, its envelopes in the form of their time."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from server.bundling.bundle import Source
from server.settings import Settings
from server.wiring import build
from store import migrate
from tests.fixtures.bundles import checked, faults, sealed, source_of, unpacked, written
from tests.fixtures.histories import HISTORIES


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    (history,) = [one for one in HISTORIES if str(one) == "0.1.0-lived"]
    folder = tmp_path_factory.mktemp("old")
    database = f"sqlite:///{history.unpacked(folder)}"
    migrate.upgrade(database)
    made = build(Settings(database=database, artifacts=str(folder / "artifacts"), clock="stream"))
    yield source_of(made)
    made.store.close()


def names(source: Source) -> list[str]:
    return source.store.read(lambda reader: [one.stream for one in reader.projections()])


def test_a_model_of_the_first_release_is_bundled_and_whole(source: Source) -> None:
    untrained = [name for name in names(source) if not trained(source, name)]
    found = [checked(written(source, model=name)[0]) for name in untrained]

    assert [one.faults for one in found] == [[]] * len(untrained)
    assert len(untrained) > 3


def test_an_envelope_of_the_first_release_cannot_be_altered_under_the_seal(source: Source) -> None:
    name = next(name for name in names(source) if not trained(source, name))
    files = unpacked(written(source, model=name)[0])
    lines = files["events.jsonl"].splitlines(keepends=True)
    first = json.loads(lines[0])

    assert first["envelope"]["format"] == 1
    for old, new in (
        (b'"schema":1', b'"schema":"1"'), (b'"volatile":false', b'"volatile":0'), (b"local", b"other"),
        (b'"format":1', b'"format":true'),
    ):  # fmt: skip
        assert old in lines[0]
        altered = sealed({**files, "events.jsonl": b"".join([lines[0].replace(old, new, 1), *lines[1:]])})
        assert [fault for fault in faults(altered) if fault.startswith("events.jsonl: line 1")] != []


def trained(source: Source, model: str) -> bool:
    """Say whether a manifest is named, which was not kept beside the history."""
    events = source.store.read(lambda reader: reader.events(model))
    return any(json.loads(one.payload or b"{}").get("manifest") for one in events)
