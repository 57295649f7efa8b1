"""`remission key wrap`: another master key for the vault, and what servers and people see of it."""

from __future__ import annotations

import secrets
from pathlib import Path

from remission import Client

from tests.fixtures.commands import remission
from tests.fixtures.servers import start
from tests.integration.server.requests import create, model, reference

VAULT = "sqlite:///log-vault.db"


def a_master(file: Path) -> str:
    file.write_text(secrets.token_hex(32), encoding="ascii")
    file.chmod(0o600)
    return file.name


def test_a_log_is_derived_under_the_new_master_key_alone_and_the_command_says_which_one_counts(tmp_path: Path) -> None:
    server = start(tmp_path)
    with Client(server.target) as client:
        asked = create(model("approval"), reference())
        client.create_model(asked.model, asked.reference)
    new = a_master(tmp_path / "new")
    held = remission("key", "wrap", new, "--vault", VAULT, folder=tmp_path)
    server.stop()
    done = remission("key", "wrap", new, "--vault", VAULT, folder=tmp_path)
    again = remission("key", "wrap", new, "--vault", VAULT, folder=tmp_path)
    derived = ("replay", "--db", "sqlite:///log.db", "--vault", VAULT, "--derive")
    without = remission(*derived, folder=tmp_path)
    with_it = remission(*derived, "--vault-master", new, folder=tmp_path)

    assert (held.code, "one file has one server" in held.err) == (2, True)
    assert (done.code, done.err, "from here on, and old copies of the vault lie open" in done.out) == (0, "", True)
    assert (again.code, "no master key is given" in again.err) == (2, True)
    assert (without.code, "no master key is given" in without.err) == (2, True)
    assert with_it.code == 0, with_it.err
