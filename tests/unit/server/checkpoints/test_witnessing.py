"""A witness cosigns what grew out of what it signed before, and nothing else; and holds nothing up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from remission_verify.cosignature import cosignatures
from remission_verify.note import Signature, parse_note
from structlog.testing import capture_logs

from server.checkpoints.keys import fresh_keys
from server.checkpoints.notary import Notary
from server.checkpoints.witnessing import Asking, WitnessFailed
from server.clockwork import Clockwork
from server.settings import Settings
from server.wiring import build
from store import Store, open_store
from store.proofs import consistency
from tests.fixtures.events import some_events
from tests.fixtures.witness import Witnessing, answering, witnessing
from tests.fixtures.work import appending

KEYS = fresh_keys("log.example")


@pytest.fixture
def witness() -> Iterator[Witnessing]:
    with witnessing(KEYS.verifiers[0]) as found:
        yield found


def a_log(name: str = "a", events: int = 5) -> Store:
    store = open_store("memory://", clock_us=lambda: 7)
    store.run(appending(name, 0, *some_events(name, events)))
    return store


def signed(store: Store, notary: Notary) -> str:
    note = store.run(notary.sign).note.decode()
    notary.keep(note)
    return note


def asked(asking: Asking, store: Store, note: str) -> str:
    return asking.cosigned(note, lambda old, size: store.read(lambda reader: consistency(reader, old, size)))


@pytest.mark.parametrize("events", [1, 5])
def test_each_checkpoint_is_cosigned_as_the_log_grows(witness: Witnessing, tmp_path: Path, events: int) -> None:
    store, notary = a_log(events=events), Notary(KEYS, tmp_path / "kept", lambda: 9)
    asking = Asking(witness.url, witness.witness)
    for number in range(3):
        whole = asked(asking, store, signed(store, notary))
        assert [one.witness for one in cosignatures(whole, [witness.witness], least=1)] == [witness.witness]
        store.run(appending(f"b{number}", 0, *some_events(f"b{number}", 300)))

    assert witness.asked == 3


def test_a_server_that_starts_anew_learns_from_the_witness_where_it_stands(witness: Witnessing, tmp_path: Path) -> None:
    store, notary = a_log(), Notary(KEYS, tmp_path / "kept", lambda: 9)
    asked(Asking(witness.url, witness.witness), store, signed(store, notary))
    store.run(appending("b", 0, *some_events("b", 3)))
    whole = asked(Asking(witness.url, witness.witness), store, signed(store, notary))

    assert cosignatures(whole, [witness.witness], least=1)
    assert witness.asked == 3


def test_a_cosigned_note_takes_the_place_of_the_one_that_is_kept_and_never_the_other_way(
    witness: Witnessing, tmp_path: Path
) -> None:
    store, notary = a_log(), Notary(KEYS, tmp_path / "kept", lambda: 9)
    note = signed(store, notary)
    whole = asked(Asking(witness.url, witness.witness), store, note)
    notary.keep(whole)
    notary.keep(note)

    assert notary.published(store.run(notary.sign)) == whole
    assert notary.known() is not None


def test_a_log_that_was_written_anew_gets_no_cosignature(witness: Witnessing) -> None:
    asking, first, forged = Asking(witness.url, witness.witness), a_log(), a_log("forged", 9)
    asked(asking, first, signed(first, Notary(KEYS, None, lambda: 9)))

    with pytest.raises(WitnessFailed, match="this log did not grow out of the one that it has signed: it was restored"):
        asked(asking, forged, signed(forged, Notary(KEYS, None, lambda: 9)))


def test_a_log_that_was_cut_off_gets_no_cosignature(witness: Witnessing) -> None:
    first, short = a_log(events=9), a_log(events=4)
    asked(Asking(witness.url, witness.witness), first, signed(first, Notary(KEYS, None, lambda: 9)))

    with pytest.raises(WitnessFailed, match="it has signed 9 events, and this log has 4: it was restored"):
        asked(Asking(witness.url, witness.witness), short, signed(short, Notary(KEYS, None, lambda: 9)))


def test_a_witness_that_was_not_told_of_the_keys_says_so() -> None:
    store = a_log()
    other_key, said = fresh_keys("log.example").verifiers[0], "it knows none of the keys that have signed"
    with witnessing(other_key) as other, pytest.raises(WitnessFailed, match=said):
        asked(Asking(other.url, other.witness), store, signed(store, Notary(KEYS, None, lambda: 9)))


def test_a_witness_that_refuses_is_told_of_once_and_again_when_it_cosigns(witness: Witnessing, tmp_path: Path) -> None:
    settings = Settings(database="memory://", artifacts="memory://witnessed", clock="stream")
    service = build(settings, notary=Notary(KEYS, tmp_path / "kept", lambda: 9))
    service.store.run(appending("a", 0, *some_events("a", 3)))
    clockwork = Clockwork(service, settings, Asking(witness.url, witness.witness))

    async def looked() -> None:
        witness.log = fresh_keys("log.example").verifiers[0]
        await clockwork.tick()
        await clockwork.tick()
        witness.log = KEYS.verifiers[0]
        await clockwork.tick()
        await clockwork.tick()

    with capture_logs() as lines:
        asyncio.run(looked())
    service.close()

    of_it = [line for line in lines if "witness" in (line["event"], line.get("work"))]
    assert [line["event"] for line in of_it] == ["witness", "works again"]
    assert witness.asked == 3


def test_a_witness_that_takes_long_to_answer_holds_up_neither_the_clock_nor_the_next_signature(
    witness: Witnessing, tmp_path: Path
) -> None:
    settings = Settings(database="memory://", artifacts="memory://silent", clock="stream")
    service = build(settings, notary=Notary(KEYS, tmp_path / "kept", lambda: 9))
    clockwork = Clockwork(service, settings, Asking(witness.url, witness.witness))
    witness.may_answer.clear()

    async def looked() -> list[int]:
        found: list[int] = []
        for _ in range(3):
            service.store.run(appending(f"s{len(found)}", 0, *some_events("a", 3)))
            await asyncio.wait_for(clockwork.tick(), timeout=4)
            found.append(service.store.read(lambda reader: reader.checkpoints())[0].size)
        witness.may_answer.set()
        while witness.seen is None or witness.seen.size < 9:
            await clockwork.tick()
        return found

    sizes = asyncio.run(asyncio.wait_for(looked(), timeout=60))
    service.close()

    assert sizes == [3, 6, 9]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"\x00\x01 hello\r\n\r\n", "what answers there does not speak HTTP"),
        (b"HTTP/1.0 409 Conflict\r\n\r\nmany\n", "tells no size that it has signed, but b'many"),
        (b"HTTP/1.0 200 OK\r\n\r\n", "does not end in an empty line|0 known witnesses"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\nabc", "does not end in an empty line"),
    ],
)
def test_what_is_no_answer_of_a_witness_is_told_in_words(answer: bytes, said: str) -> None:
    store = a_log()

    with answering(answer) as url, pytest.raises(WitnessFailed, match=said):
        asked(Asking(url, Witnessing(KEYS.verifiers[0]).witness), store, signed(store, Notary(KEYS, None, lambda: 9)))


@pytest.mark.parametrize(
    "answers",
    [
        (b"",),
        (b"HTTP/1.0 200 O",),
        (b"HTTP/1.0 200 OK\r\nServer: ",),
        (b"HTTP/1.0 200 OK\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n",),
        (b"HTTP/1.0 409 Conflict\r\nContent-Length: 99\r\n\r\n",),
        (b"HTTP/1.0 409 Conflict\r\n\r\n1\n", b"HTTP/1.0 200 OK\r\nServer: "),
    ],
)
def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr("server.checkpoints.witnessing.WAIT_SECONDS", 0.3)
    store, before = a_log(), time.monotonic()

    with answering(*answers, drops=100) as url, pytest.raises(WitnessFailed, match=r"not whole within 0\.3 seconds"):
        asked(Asking(url, Witnessing(KEYS.verifiers[0]).witness), store, signed(store, Notary(KEYS, None, lambda: 9)))

    assert time.monotonic() - before < 3.0  # of five seconds of drops


def test_a_witness_that_points_elsewhere_is_not_followed() -> None:
    store, elsewhere = a_log(), b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"

    with answering(elsewhere) as url, pytest.raises(WitnessFailed, match="HTTP Error 302: Found"):
        asked(Asking(url, Witnessing(KEYS.verifiers[0]).witness), store, signed(store, Notary(KEYS, None, lambda: 9)))


def test_a_stranger_in_the_place_of_the_witness_is_not_believed(witness: Witnessing) -> None:
    store = a_log()
    with witnessing(KEYS.verifiers[0]) as other, pytest.raises(WitnessFailed, match="0 known witnesses"):
        asked(Asking(other.url, witness.witness), store, signed(store, Notary(KEYS, None, lambda: 9)))


def test_of_what_a_witness_answers_its_own_line_alone_is_kept(witness: Witnessing) -> None:
    store, notary = a_log(), Notary(KEYS, None, lambda: 9)
    note = signed(store, notary)
    (own,) = parse_note(note).signatures
    witness.before, witness.behind = own.line, Signature("stranger.example", b"here", b"too").line

    whole = asked(Asking(witness.url, witness.witness), store, note)

    assert [one.name for one in parse_note(whole).signatures] == ["log.example", "witness.example"]
    assert cosignatures(whole, [witness.witness], least=1)


def test_a_witness_that_has_signed_another_text_is_not_believed(witness: Witnessing) -> None:
    store = a_log()
    witness.before = "\nand more\n\n"

    with pytest.raises(WitnessFailed, match="it has signed another text; that of the checkpoint is accepted"):
        asked(Asking(witness.url, witness.witness), store, signed(store, Notary(KEYS, None, lambda: 9)))


def test_a_witness_that_is_away_is_told_of() -> None:
    store = a_log()
    with witnessing(KEYS.verifiers[0]) as gone:
        pass  # it leaves at once

    with pytest.raises(WitnessFailed, match="refused"):
        asked(Asking(gone.url, gone.witness), store, signed(store, Notary(KEYS, None, lambda: 9)))
