"""Commands reach a server that asks for certificates, by those that the environment names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fixtures.commands import remission
from tests.fixtures.listeners import in_memory
from tests.fixtures.secured import TLS, secured

MINE = {
    "REMISSION_CLIENT_AUTHORITY": str(TLS / "authority.pem"),
    "REMISSION_CLIENT_CERTIFICATE": str(TLS / "client.pem"),
    "REMISSION_CLIENT_KEY": str(TLS / "client.key"),
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with secured(tmp_path_factory.mktemp("secured")) as address:
        yield address


def test_certificates_let_a_command_in(target: str, tmp_path: Path) -> None:
    done = remission("models", "--json", "--server", target, folder=tmp_path, **MINE)

    assert (done.code, done.out.strip(), done.err) == (0, "[]", "")


@pytest.fixture(scope="module")
def expired(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give a certificate of nobody that the server knows, which was valid in 2020."""
    folder = tmp_path_factory.mktemp("expired")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    signed = made.not_valid_after(datetime(2020, 12, 31, tzinfo=UTC)).sign(key, hashes.SHA256())
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "old.key").write_bytes(key.private_bytes(*kinds))
    (folder / "old.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return {"certificate": str(folder / "old.pem"), "key": str(folder / "old.key")}


def test_who_is_not_let_in_is_told_why(target: str, expired: dict[str, str], tmp_path: Path) -> None:
    mine, old = MINE["REMISSION_CLIENT_CERTIFICATE"], expired["certificate"]
    for changes, said in (
        (dict.fromkeys(MINE, ""), "it speaks TLS; REMISSION_CLIENT_AUTHORITY, REMISSION_CLIENT_CERTIFICATE and "),
        (
            {"REMISSION_CLIENT_CERTIFICATE": old, "REMISSION_CLIENT_KEY": expired["key"]},
            "it refuses REMISSION_CLIENT_CERTIFICATE, which is valid from 2020-01-01 to 2020-12-31",
        ),
        ({"REMISSION_CLIENT_KEY": expired["key"]}, "REMISSION_CLIENT_CERTIFICATE and REMISSION_CLIENT_KEY are no "),
        ({"REMISSION_CLIENT_AUTHORITY": mine}, "its certificate is refused here: "),
    ):
        done = remission("models", "--server", target, folder=tmp_path, **{**MINE, **changes})

        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert done.err.startswith(f"remission: --server: '{target}' answers, and no connection came about: {said}")


def test_a_server_that_is_asked_for_by_a_name_of_dns_says_as_well_why_it_lets_nobody_in(
    target: str, expired: dict[str, str], tmp_path: Path
) -> None:
    old = {"REMISSION_CLIENT_CERTIFICATE": expired["certificate"], "REMISSION_CLIENT_KEY": expired["key"]}
    let_in, refused = (
        remission("models", "--server", f"dns:///{target}", folder=tmp_path, **{**MINE, **changes})
        for changes in ({}, old)
    )

    assert (let_in.code, let_in.err) == (0, "")
    assert refused.code == 2
    assert "it refuses REMISSION_CLIENT_CERTIFICATE, which is valid from 2020-01-01 to 2020-12-31" in refused.err


def test_a_worker_that_is_not_let_in_ends_and_says_why(target: str, expired: dict[str, str], tmp_path: Path) -> None:
    old = {"REMISSION_CLIENT_CERTIFICATE": expired["certificate"], "REMISSION_CLIENT_KEY": expired["key"]}
    done = remission("worker", "--server", target, folder=tmp_path, **{**MINE, **old})

    assert done.code == 2
    assert "it refuses REMISSION_CLIENT_CERTIFICATE" in done.err


def test_certificates_for_a_server_that_speaks_plain_text_are_named(tmp_path: Path) -> None:
    with in_memory() as plain:
        done = remission("models", "--server", plain, folder=tmp_path, **MINE)

    assert done.code == 2
    assert "it speaks plain text, and REMISSION_CLIENT_AUTHORITY" in done.err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"REMISSION_CLIENT_KEY": ""}, "REMISSION_CLIENT_KEY: missing; all three are accepted, or none"),
        ({"REMISSION_CLIENT_KEY": "/no/key"}, "REMISSION_CLIENT_KEY: '/no/key' cannot be read; a PEM file is accepted"),
    ],
)
def test_certificates_that_are_not_whole_are_named(
    target: str, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    done = remission("models", "--server", target, folder=tmp_path, **{**MINE, **changes})

    assert (done.code, done.err) == (2, f"remission: {said}\n")
