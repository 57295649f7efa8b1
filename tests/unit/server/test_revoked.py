"""A list of revoked certificates is read as `openssl` writes it, and again when it changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from structlog.testing import capture_logs

from server.revoked import Revoked
from server.settings import SettingsInvalid
from tests.fixtures.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    for name in ("ann", "bob"):
        made.client(name)
    return made


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "revoked"
    path.write_text("")
    return path


def pem(authority: Authority, name: str) -> bytes:
    return authority.path(name).read_bytes()


def fingerprint(authority: Authority, name: str) -> str:
    return x509.load_pem_x509_certificate(pem(authority, name)).fingerprint(SHA256()).hex(":").upper()


def test_a_certificate_is_listed_by_its_serial_number_or_its_fingerprint(authority: Authority, listed: Path) -> None:
    revoked = Revoked(listed)
    before = [revoked.has(pem(authority, name)) for name in ("ann", "bob")]
    listed.write_text(f"# lost\n\nserial={authority.serial('ann'):X} # her laptop\n")
    by_serial = [revoked.has(pem(authority, name)) for name in ("ann", "bob")]
    listed.write_text(f"sha256 Fingerprint={fingerprint(authority, 'bob')}\n")
    by_fingerprint = [revoked.has(pem(authority, name)) for name in ("ann", "bob")]

    assert (before, by_serial, by_fingerprint) == ([False, False], [True, False], [False, True])


@pytest.mark.parametrize("line", ["ann", "serial=", "0x1f", "a" * 41, "a" * 65])
def test_a_line_that_is_no_entry_is_refused_by_its_number(listed: Path, line: str) -> None:
    listed.write_text(f"0a\n{line}\n")

    with pytest.raises(SettingsInvalid, match=r"^tls_revoked: line 2: .* is no entry; a serial number of at most 40"):
        Revoked(listed)


def test_a_list_that_is_not_there_is_refused(listed: Path) -> None:
    listed.unlink()

    with pytest.raises(SettingsInvalid, match=r"^tls_revoked: .*revoked' cannot be read"):
        Revoked(listed)


def test_a_list_that_cannot_be_used_any_more_holds_as_it_was_and_is_named_once(
    authority: Authority, listed: Path
) -> None:
    listed.write_text(f"{authority.serial('ann'):x}")
    revoked, ann = Revoked(listed), pem(authority, "ann")
    with capture_logs() as lines:
        found = [revoked.has(ann)]
        listed.write_text("half a li")
        found += [revoked.has(ann), revoked.has(ann)]
        listed.unlink()
        found += [revoked.has(ann), revoked.has(ann)]
        listed.write_text("")
        found += [revoked.has(ann)]

    assert found == [True, True, True, True, True, False]
    assert [line["event"] for line in lines] == ["revoked_unusable", "revoked_unusable", "revoked_renewed"]
