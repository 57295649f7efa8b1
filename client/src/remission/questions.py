"""What a caller asks to have answered, read so that nothing in it can fail an answer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from remission.columns import LengthsDifferError, Table, count_rows, is_missing_marker, require_unicode, tabulate
from remission.connection import new_id
from remission.scorers import Columns, Rows

MOST_SUBJECT = 128  #: characters of a subject id, as in the contract
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Question:
    """Rows to answer, with the ids that belong to them."""

    rows: Rows
    prediction_ids: list[str]  #: one a row
    unit_ids: list[str]  #: one a row; empty for a row that has none
    subject_ids: list[str]  #: one a row; empty for a row about nobody
    fault: Exception | None = None  #: why it cannot be reported, nor be answered by any but the champion


class SubjectInvalidError(ValueError):
    """A subject id cannot be taken as it is."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(f"{type(self).__doc__} subject_ids[{row}] {why}.")
        self.row = row


def read_question(
    rows: Table | ArrayLike,
    names: Sequence[str],
    prediction_ids: Iterable[object],
    unit_ids: Iterable[object],
    subject_ids: Iterable[object] = (),
) -> Question:
    """Read what a caller gives.

    Estimators take more than can be reported, such as texts or sparse matrices, and ids may be wrong. Neither is a
    reason to refuse an answer: what cannot be read comes back as a question with a fault.
    """
    try:
        return _read(tabulate(rows, names), rows, prediction_ids, unit_ids, subject_ids)
    except Exception as error:  # noqa: BLE001 - a stranger's object may fail in any way when it is read
        return Question(Rows(given=rows, columns={}, count=0), [], [], [], error)


def _read(
    columns: Columns,
    given: object,
    prediction_ids: Iterable[object],
    unit_ids: Iterable[object],
    subject_ids: Iterable[object],
) -> Question:
    count = count_rows(columns)
    ids = [str(one) for one in prediction_ids] or [new_id() for _ in range(count)]
    units = ["" if one is None else str(one) for one in unit_ids] or [""] * count
    subjects = [_subject(row, one) for row, one in enumerate(subject_ids)] or [""] * count
    for name, values in (("prediction_ids", ids), ("unit_ids", units), ("subject_ids", subjects)):
        if len(values) != count:
            raise LengthsDifferError(name, count, len(values))
        require_unicode(name, values)  # half a surrogate pair can neither be sent nor be assigned
    return Question(Rows(given=given, columns=columns, count=count), ids, units, subjects)


def _subject(row: int, given: object) -> str:
    """Read whom a row is about; a number is refused, since 7 beside a missing value becomes 7.0, another subject."""
    if given is None or is_missing_marker(given) or (isinstance(given, float) and math.isnan(given)):
        return ""
    if not isinstance(given, str):
        raise SubjectInvalidError(row, f"is of type {type(given).__name__}; text is accepted")
    if not given.strip():
        return ""
    if len(given) > MOST_SUBJECT:
        raise SubjectInvalidError(row, f"has {len(given)} characters; up to {MOST_SUBJECT} are accepted")
    if _CONTROL.search(given):
        raise SubjectInvalidError(row, "holds a control character; others are accepted")
    return given
