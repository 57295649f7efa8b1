"""Commands reach a server that asks for certificates, by those that the environment names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.commands import remission
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


def test_without_certificates_nobody_answers(target: str, tmp_path: Path) -> None:
    done = remission("models", "--server", target, folder=tmp_path)

    assert done.code == 2
    assert "nobody answers" in done.err


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
