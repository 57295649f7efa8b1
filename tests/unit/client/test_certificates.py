"""Certificates in files are taken when they are renewed as a whole, and not before."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import grpc
import pytest
from remission import CertificateFiles
from remission.renewing import LOOK_SECONDS, RenewingChannel

from tests.fixtures.authority import Authority

KINDS = ("authority.pem", "me.pem", "me.key")


def _given(folder: Path) -> Path:
    folder.mkdir()
    Authority(folder).machine("me")
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return _given(tmp_path / "other")


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    return _given(tmp_path / "shown")


@pytest.fixture
def files(shown: Path) -> CertificateFiles:
    return CertificateFiles(*(shown / kind for kind in KINDS))


def test_files_are_new_once_and_not_before_all_of_them_fit(files: CertificateFiles, shown: Path, other: Path) -> None:
    found = [files.renew()]
    for kind in KINDS[1:]:
        (shown / kind).write_bytes((other / kind).read_bytes())
        found.append(files.renew())
    found.append(files.renew())

    assert found == [False, False, True, False]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("holds", [b"", b"no PEM"])
def test_a_file_that_holds_nothing_of_its_kind_changes_nothing(
    files: CertificateFiles, shown: Path, kind: str, holds: bytes
) -> None:
    (shown / kind).write_bytes(holds)

    assert not files.renew()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_away_changes_nothing_at_work_and_is_refused_at_the_start(
    files: CertificateFiles, shown: Path, kind: str
) -> None:
    (shown / kind).unlink()

    assert not files.renew()
    with pytest.raises(FileNotFoundError, match=kind):
        CertificateFiles(*(shown / one for one in KINDS))


def test_a_method_is_made_once_for_each_channel_and_keeps_none_of_before_open(
    files: CertificateFiles, shown: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked, channels = [0.0], list[int](), list[weakref.ref[grpc.Channel]]()

    def make(credentials: grpc.ChannelCredentials) -> grpc.Channel:
        channel = grpc.secure_channel("127.0.0.1:1", credentials)
        number, plain = len(channels), channel.unary_unary
        channels.append(weakref.ref(channel))

        def counted(*args: Any, **kwargs: Any) -> Any:
            asked.append(number)
            return plain(*args, **kwargs)

        monkeypatch.setattr(channel, "unary_unary", counted)
        return channel

    channel = RenewingChannel(files, make, lambda: now[0])
    asks = [channel.unary_unary(f"/remission.v1.Nothing/{name}") for name in ("Ask", "Rest")]
    for ask in (*asks, *asks):
        ask.future(b"", timeout=0.01).cancel()
    for kind in KINDS:
        (shown / kind).write_bytes((other / kind).read_bytes())
    now[0] += LOOK_SECONDS
    for _ in range(2):
        asks[0].future(b"", timeout=0.01).cancel()
    monkeypatch.undo()
    gc.collect()
    alive = [one() is not None for one in channels]
    channel.close()

    assert (asked, alive) == ([0, 0, 1], [False, True])


def test_a_channel_is_made_anew_for_the_next_call_once_files_are_new(
    files: CertificateFiles, shown: Path, other: Path
) -> None:
    now, made = [0.0], list[grpc.ChannelCredentials]()

    def make(credentials: grpc.ChannelCredentials) -> grpc.Channel:
        made.append(credentials)
        return grpc.secure_channel("127.0.0.1:1", credentials)

    channel = RenewingChannel(files, make, lambda: now[0])
    ask = channel.unary_unary("/remission.v1.Nothing/Ask")
    counts = []
    for _ in range(2):
        for kind in KINDS:
            (shown / kind).write_bytes((other / kind).read_bytes())
        ask.future(b"", timeout=0.01).cancel()
        counts.append(len(made))
        now[0] += LOOK_SECONDS
    ask.future(b"", timeout=0.01).cancel()
    channel.close()

    assert (counts, len(made)) == ([1, 2], 2)
