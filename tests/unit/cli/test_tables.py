"""Claims about tables: what others wrote is shown as they wrote it, and acts on no terminal."""

from __future__ import annotations

import pytest

from cli.tables import plain, show, visible


@pytest.mark.parametrize("written", ["[/closed]", "[red]urgent[/red]", "see [link=http://x]7[/link]", "up :100: of it"])
def test_what_looks_like_markup_is_shown_as_it_was_written(capsys: pytest.CaptureFixture[str], written: str) -> None:
    show([{"model": "m", "owner": written}], ("model", "owner"), as_json=False)

    assert f" {written} " in capsys.readouterr().out


def test_a_line_and_a_title_of_others_are_no_markup_either(capsys: pytest.CaptureFixture[str]) -> None:
    plain().print("note: [/closed] [red]7[/red] :100:")

    assert capsys.readouterr().out == "note: [/closed] [red]7[/red] :100:\n"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\nin charge: nobody", r"a\nin charge: nobody"),
        ("a\x9b31mb", r"a\x9b31mb"),
        ("a\u202eb", r"a\u202eb"),
    ],
)
def test_a_character_that_acts_on_a_terminal_is_written_out(
    capsys: pytest.CaptureFixture[str], written: str, shown: str
) -> None:
    show([{"owner": written}], ("owner",), as_json=False)

    assert shown in capsys.readouterr().out


def test_words_of_any_language_stay_as_they_are() -> None:
    assert visible("Kreditprüfung 与信 نمی‌خواهم 🚲") == "Kreditprüfung 与信 نمی‌خواهم 🚲"
