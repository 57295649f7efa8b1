"""One server is asked and no other, within bounds of time and size; what goes wrong says whether to come again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from providers.errors import Away, Unusable
from providers.upstream import Upstream
from tests.fixtures.authority import Authority
from tests.fixtures.prometheus import Recorded, Reply, recorded

FORM = {"query": "up", "start": "0", "end": "60", "step": "60"}


@pytest.fixture
def prom() -> Iterator[Recorded]:
    with recorded() as made:
        yield made


def asked(prom: Recorded, **more: object) -> bytes:
    return Upstream(prom.url, **more).ask("/api/v1/query_range", FORM)  # type: ignore[arg-type]  # options of a test


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_who_will_be_back_is_away(prom: Recorded, code: int) -> None:
    prom.replies.append(Reply(code=code, body=b"too busy"))

    with pytest.raises(Away, match=f"answers {code}: too busy"):
        asked(prom)


@pytest.mark.parametrize(
    ("said", "seconds"), [("120", 120), ("99999999", 3_600), ("-1", 0), ("soon", 0), ("1e9", 0), ("", 0)]
)
def test_when_to_come_again_is_heard_within_bounds(prom: Recorded, said: str, seconds: float) -> None:
    prom.replies.append(Reply(code=429, headers={"Retry-After": said}))

    with pytest.raises(Away) as caught:
        asked(prom)

    assert caught.value.retry_seconds == seconds


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_what_will_not_get_better_is_refused(prom: Recorded, code: int) -> None:
    prom.replies.append(Reply(code=code, body=b'{"error": "no\x1b[31m"}'))

    with pytest.raises(Unusable, match=rf'answers {code}: {{"error": "no \[31m"}}'):
        asked(prom)


def test_a_redirect_is_followed_nowhere(prom: Recorded) -> None:
    with recorded() as other:
        prom.replies.append(Reply(code=307, headers={"Location": f"{other.url}/api/v1/query_range"}))

        with pytest.raises(Unusable, match="points elsewhere"):
            asked(prom)

        assert other.asked == []


def test_an_answer_that_is_too_long_is_not_read_to_its_end(prom: Recorded) -> None:
    prom.replies.append(Reply(body=b" " * 100_000))

    with pytest.raises(Unusable, match="more than 5000 bytes"):
        asked(prom, most_bytes=5_000)


def test_an_answer_in_a_coding_that_nobody_asked_for_is_refused(prom: Recorded) -> None:
    prom.replies.append(Reply(body=b"x", headers={"Content-Encoding": "gzip"}))

    with pytest.raises(Unusable, match="'gzip', which nobody asked for"):
        asked(prom)


def test_no_proxy_of_the_environment_is_used(prom: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert b"success" in asked(prom)


def test_nobody_there_is_away() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Away, match="does not answer"):
            Upstream(f"http://127.0.0.1:{taken.getsockname()[1]}").ask("/", {})


@contextmanager
def dripping() -> Iterator[int]:
    """Let a server begin an answer, send a byte whenever it is read from, and never end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def drip() -> None:
            with listener.accept()[0] as way:
                way.recv(65_536)
                way.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while not stop.wait(0.01):
                    try:
                        way.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


def test_an_answer_that_never_ends_is_given_up() -> None:
    with dripping() as port, pytest.raises(Away, match=r"did not finish its answer within 0.2 s"):
        Upstream(f"http://127.0.0.1:{port}", timeout_seconds=0.2).ask("/", {})


def test_a_token_is_read_anew_for_each_request(prom: Recorded, tmp_path: Path) -> None:
    file = tmp_path / "token"
    upstream = Upstream(prom.url, token_file=str(file))
    for token in ("first", "second\n"):
        file.write_text(token)
        upstream.ask("/", FORM)

    assert prom.tokens == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("token", ["", "two words", "a\nb", "ä"])
def test_what_is_no_token_is_refused_and_not_told(prom: Recorded, tmp_path: Path, token: str) -> None:
    file = tmp_path / "token"
    file.write_text(token)

    with pytest.raises(Unusable, match=r"token_file: .* token") as caught:
        asked(prom, token_file=str(file))

    assert prom.asked == []
    assert "two" not in str(caught.value)


def test_a_server_is_believed_that_the_authority_vouches_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with recorded((authority.path("server"), authority.path("server", "key"))) as prom:
        assert b"success" in asked(prom, authority=str(authority.path("authority")))
        with pytest.raises(Away, match="CERTIFICATE_VERIFY_FAILED"):
            asked(prom)


def test_an_authority_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="authority: "):
        Upstream("https://127.0.0.1:1", authority=str(tmp_path / "none.pem"))
