"""Claims about numbers that no message of the contract can hold."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli.main import app

BEYOND = str(2**63)


@pytest.mark.parametrize(
    "asked",
    [
        ("state", "m", "--version", BEYOND),
        ("state", "m", "--position", BEYOND),
        ("history", "m", "--after", BEYOND),
        ("watch", "m", "--after", BEYOND),
        ("explain", "m", BEYOND),
        ("receipt", BEYOND),
        ("incidents", "similar", "m", "--position", BEYOND),
        ("incidents", "similar", "m", "--most", BEYOND),
    ],
    ids=" ".join,
)
def test_a_number_that_no_message_holds_is_refused_with_the_most_that_is_accepted(asked: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*asked, "--server", "127.0.0.1:1"], env={"COLUMNS": "200"})

    assert done.exit_code == 2
    assert "Input should be less than or equal to" in done.output
