"""Claims about what `remission demo` refuses before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from backtest.stream import StreamInvalid
from cli.demo import run_demo


def test_a_report_that_cannot_be_written_is_refused_before_the_demo_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StreamInvalid, match=r"--json: .*/nowhere/report\.json cannot be written"):
        run_demo(str(tmp_path / "nowhere" / "report.json"))

    assert capsys.readouterr().out == ""
