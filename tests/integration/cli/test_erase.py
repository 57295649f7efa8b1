"""`remission erase` forgets, and says what was lost; `remission erasures` says it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from remission import Client

from tests.fixtures.commands import remission
from tests.fixtures.servers import serving
from tests.integration.server import marked
from tests.integration.server.marked import MARKED, SUBJECT


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("erase"), clock="stream") as address:
        with Client(address) as client:
            client.create_model(marked.a_model(), marked.a_past())
            client.ingest_batch("m", marked.batch(0))
        yield address


def test_an_erasure_is_shown_with_what_each_model_has_lost_and_can_be_repeated(target: str) -> None:
    asked = ("erase", SUBJECT, "--reason", "a letter", "--request-id", "e-1", "--json")
    done = remission(*asked, folder=Path.cwd(), REMISSION_SERVER=target)
    again = remission(*asked, folder=Path.cwd(), REMISSION_SERVER=target)
    listed = remission("erasures", folder=Path.cwd(), REMISSION_SERVER=target)
    [found] = json.loads(done.out)

    assert (done.code, done.err) == (0, "")
    assert (found["models"][0]["model"], int(found["models"][0]["rows"])) == ("m", MARKED)
    assert again.out == done.out
    assert {found["erasure_id"], "done", "subject", "m", str(MARKED)} <= set(listed.out.replace("│", " ").split())
    assert SUBJECT not in done.out + listed.out


def test_a_legal_hold_is_one_line_and_exit_code_two(target: str) -> None:
    with Client(target) as client:
        client.ingest_batch("m", marked.batch(1))
        client.privacy.place_legal_hold("m", reason="a case")
        done = remission("erase", SUBJECT, folder=Path.cwd(), REMISSION_SERVER=target)
        client.privacy.lift_legal_hold("m")

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "a legal hold keeps the rows of m" in done.err
