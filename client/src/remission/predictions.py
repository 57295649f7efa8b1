"""What a monitored model gives: answers with their ids, and an account of what became of reports."""

from __future__ import annotations

from dataclasses import dataclass

from remission.columns import Floats
from remission.scorers import Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Answers, with the ids by which their outcomes are reported."""

    answers: Answers  #: (rows,) class labels or values
    probabilities: Floats | None  #: (rows, classes), where they are known
    prediction_ids: list[str]
    served_by: list[str]  #: the version that answered, one a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of reports, in rows and outcomes."""

    sent: int  #: the server has them
    dropped: int  #: the buffer was full, or closed before they could be sent, or they could not be read as a table
    refused: int  #: the server refused them; see `MonitoredModel.last_error`
    without_unit: int  #: rows with no unit id while a candidate had traffic; the champion served them
