"""Many lives laid into both databases fold to one digest and the same states. `make replay-million` does a million."""

from __future__ import annotations

from pathlib import Path

from benchmarks.life import a_life
from benchmarks.million import Replayed, replay, show
from store import migrate
from tests.fixtures.postgres import Postgres

MODELS, OF_A_LIFE = 40, 100


def test_thousands_of_events_replay_to_the_same_digest_on_both_databases(tmp_path: Path, postgres: Postgres) -> None:
    life = a_life(OF_A_LIFE)
    urls = {"sqlite": f"sqlite:///{tmp_path}/log.db", "postgresql": postgres.new_database()}
    found: dict[str, Replayed] = {}
    for name, url in urls.items():
        migrate.upgrade(url)
        found[name] = replay(url, life, MODELS)
    again = replay(urls["sqlite"], life, MODELS)

    assert found["sqlite"].same == found["postgresql"].same == again.same
    assert (found["sqlite"].events, found["sqlite"].failed) == (MODELS * len(life), 0)
    assert again.append_rate == 0.0
    assert show(found) == 0
