"""What commands say of their options is shown as it was written, and an option that would be passed over is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup
from typer.testing import CliRunner

from cli.main import app


def commands(of: object) -> Iterator[TyperCommand]:
    """Give all commands of a group, and those of its groups."""
    if isinstance(of, TyperGroup):
        for one in of.commands.values():
            yield from commands(one)
    elif isinstance(of, TyperCommand):
        yield of


ALL = tuple(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_no_word_of_a_help_is_taken_for_markup(command: TyperCommand) -> None:
    told = [command.help or "", *(getattr(one, "help", None) or "" for one in command.params)]

    assert [Text.from_markup(one).plain for one in told] == [one.replace("\\[", "[") for one in told]


BESIDE_DB = [
    *(("replay", "m", option) for option in ("--vault", "--vault-master")),
    *(("export", "m", "--out", "m.zip", option) for option in ("--artifacts", "--signing-key", "--vault")),
]


@pytest.mark.parametrize("words", BESIDE_DB, ids=lambda words: f"{words[0]}{words[-1]}")
def test_an_option_of_a_database_is_refused_where_a_server_is_asked(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(app, [*words, "there"], standalone_mode=False)

    assert isinstance(told.exception, typer.BadParameter)
    assert told.exception.param_hint == words[-1]
