"""A command that is asked in a wrong way says so in one line, as it says every other refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.commands import remission

OF_SERVER = "Invalid value for '--server' (env var: 'REMISSION_SERVER')"


@pytest.mark.parametrize(
    ("asked", "said", "where"),
    [
        ("state --foo", "No such option: --foo", "state"),
        ("serve --port high", "Invalid value for '--port': Input should be a valid integer", "serve"),
        ("mode", "No such command 'mode'. Did you mean 'models'?", ""),
        ("export", "Missing argument 'model'", "export"),
        ("key retire keys --color", "No such option: --color", "key retire"),
        ("policy try --time", "Option '--time' requires an argument", "policy try"),
        ("drill --list --json", "Option '--json' requires an argument", "drill"),
        ("key retire keys", "Missing argument 'key_id'", "key retire"),
        ("models all", "Got unexpected extra argument(s) (all)", "models"),
        (f"history --after {2**63}", "Invalid value for '--after': Input should be less than or equal", "history"),
        ("migrate --down", "Invalid value for --to: a revision, or base for no schema at all, is needed", "migrate"),
        (
            "state --server http://localhost:1",
            f"{OF_SERVER}: 'http://localhost:1' is no address; HOST:PORT is",
            "state",
        ),
        ("worker --server localhost", f"{OF_SERVER}: 'localhost' is no address; HOST:PORT is accepted", "worker"),
        (
            "models --server ipv4:127.0.0.1:1,localhost:1",
            f"{OF_SERVER}: 'ipv4:127.0.0.1:1,localhost:1' is no address; HOST:PORT is",
            "models",
        ),
        ("models --server ipv4:127.0.0.1", f"{OF_SERVER}: 'ipv4:127.0.0.1' is no address; HOST:PORT is", "models"),
        ("models --server=", f"{OF_SERVER}: '' is no address; HOST:PORT is accepted", "models"),
        ("mod\x1b[31mels", r"No such command 'mod\x1b[31mels'", ""),
    ],
)
def test_wrong_usage_is_one_line_that_names_what_is_wrong_and_where_help_is(
    tmp_path: Path, asked: str, said: str, where: str
) -> None:
    done = remission(*asked.split(), folder=tmp_path, COLUMNS="40")
    command = f"remission {where}".strip()

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"remission: {said}")
    assert done.err.endswith(f"; `{command} --help` tells what is accepted\n")


@pytest.mark.parametrize("asked", [(), ("policy",)])
def test_a_group_without_a_command_shows_its_help_and_nothing_else(tmp_path: Path, asked: tuple[str, ...]) -> None:
    done = remission(*asked, folder=tmp_path)

    assert (done.code, done.err) == (2, "")
    assert "Usage: remission" in done.out
