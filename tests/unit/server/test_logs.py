"""What goes wrong is told with lines of code, never with the values that it met."""

import io
import sys

import pytest
import structlog

from server import logs

ROW = "a customer's row"


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_where_it_went_wrong_and_no_value(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    kept = structlog.get_config()
    try:
        logs.configure(form)
        fail_with(ROW)
    finally:
        structlog.configure(**kept)

    assert "ZeroDivisionError" in told.getvalue()
    assert "fail_with" in told.getvalue()
    assert ROW not in told.getvalue()


def fail_with(row: str) -> None:
    """Log a fault that was met while *row* was at hand."""
    try:
        assert len(row) // 0
    except ZeroDivisionError as error:
        structlog.get_logger().error("surprise", exc_info=error)
