"""How far queries have come outlives the process, and a file that is not understood is never begun anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.errors import ConfigInvalid
from providers.progress import Pending, kept_in


def test_what_is_noted_outlives_the_process(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with kept_in(file) as progress:
        progress.advance("a", 5)
        progress.begin("b", Pending(end_us=9, points=((7, 0.1), (9, 2.0))))

    with kept_in(file) as again:
        assert (again.reached_us("a"), again.reached_us("b")) == (5, None)
        assert again.pending("b") == Pending(end_us=9, points=((7, 0.1), (9, 2.0)))


def test_what_has_arrived_is_pending_no_more(tmp_path: Path) -> None:
    with kept_in(tmp_path / "state.json") as progress:
        progress.begin("a", Pending(end_us=9, points=()))
        progress.advance("a", 9)
        progress.begin("b", Pending(end_us=9, points=()))
        progress.drop("b")

        assert (progress.pending("a"), progress.pending("b"), progress.reached_us("b")) == (None, None, None)


def test_two_processes_do_not_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with kept_in(file), pytest.raises(ConfigInvalid, match="another process's"), kept_in(file):
        pass


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", '{"format": 2}', '{"format": 1, "more": 1}', "\xff",
        '{"format": 1, "reached_us": {"a": -1}}', '{"format": 1, "reached_us": {"a": 0.5}}',
    ],
)  # fmt: skip
def test_a_file_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text, encoding="latin-1")

    with pytest.raises(ConfigInvalid, match=r"state: .* cannot be read"), kept_in(file):
        pass

    assert file.read_text(encoding="latin-1") == text


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be used"), kept_in(tmp_path / "none" / "state.json"):
        pass
