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


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what is printed taken for that of a terminal of 80 columns, as most are."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "80")


MODEL = {"model": "approval-north", "state": "STATE_HEALTHY", "phase": "", "reason": "PROMOTION_HELD", "open": "x" * 60}


@pytest.mark.usefixtures("terminal")
def test_a_table_that_has_no_room_is_told_line_by_line_and_nothing_of_it_is_cut(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show([MODEL, {**MODEL, "model": "b"}], tuple(MODEL), as_json=False)
    told = capsys.readouterr().out

    assert told.startswith("model   approval-north\nstate   HEALTHY\nreason  PROMOTION_HELD\n")
    assert told.endswith(
        f"open    {'x' * 60}\n\nmodel   b\nstate   HEALTHY\nreason  PROMOTION_HELD\nopen    {'x' * 60}\n"
    )


@pytest.mark.usefixtures("terminal")
def test_a_table_that_has_room_stays_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    show([MODEL], ("model", "state", "reason"), as_json=False)

    assert "approval-north │ HEALTHY │ PROMOTION_HELD │" in capsys.readouterr().out
