"""Certificates of the server are read anew, and what cannot be used changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.certificates import Certificates
from server.settings import Settings, SettingsInvalid, load
from tests.fixtures.authority import Authority


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Name the files of an authority and of its server."""
    Authority(tmp_path)
    files = {"tls_certificate": "server.pem", "tls_key": "server.key", "tls_client_authority": "authority.pem"}
    return load(None, {}, **{name: str(tmp_path / file) for name, file in files.items()})


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Give the folder of another authority."""
    folder = tmp_path / "other"
    folder.mkdir()
    Authority(folder)
    return folder


@pytest.mark.parametrize(
    ("file", "holds", "said"),
    [
        ("server.pem", "", "tls_certificate: holds no certificate; one in PEM is accepted"),
        ("server.key", "", "tls_key: holds no key; one in PEM, without a password, is accepted"),
        ("server.key", "server.key", "tls_key: is not the key of tls_certificate; the two of one pair are accepted"),
        ("authority.pem", "server.key", "tls_client_authority: holds no certificate; one in PEM is accepted"),
    ],
)
def test_files_that_are_no_certificates_are_refused_by_name(
    settings: Settings, other: Path, tmp_path: Path, file: str, holds: str, said: str
) -> None:
    (tmp_path / file).write_bytes((other / holds).read_bytes() if holds else b"no PEM")

    with pytest.raises(SettingsInvalid) as refused:
        Certificates(settings)

    assert str(refused.value) == said


def test_files_that_are_as_they_were_give_nothing_new(settings: Settings) -> None:
    assert Certificates(settings).renewed() is None


def test_half_of_a_new_pair_changes_nothing_until_the_other_half_is_there(
    settings: Settings, other: Path, tmp_path: Path
) -> None:
    certificates = Certificates(settings)
    with capture_logs() as lines:
        (tmp_path / "server.pem").write_bytes((other / "server.pem").read_bytes())
        meanwhile = [certificates.renewed(), certificates.renewed()]
        (tmp_path / "server.key").write_bytes((other / "server.key").read_bytes())
        whole = [certificates.renewed(), certificates.renewed()]

    assert meanwhile == [None, None]
    assert [one is None for one in whole] == [False, True]
    assert [line["event"] for line in lines] == ["certificates_unusable", "certificates_renewed"]
    assert lines[0]["error"] == "tls_key: is not the key of tls_certificate; the two of one pair are accepted"


def test_files_that_are_away_change_nothing_and_are_named_once(settings: Settings, tmp_path: Path) -> None:
    certificates = Certificates(settings)
    (tmp_path / "server.key").unlink()
    with capture_logs() as lines:
        found = [certificates.renewed(), certificates.renewed()]

    assert found == [None, None]
    assert [line["event"] for line in lines] == ["certificates_unusable"]
    assert "server.key" in lines[0]["error"]
