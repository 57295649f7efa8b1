"""Claims about the feed's bytes: what was accepted is what is read, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from server.intake.feed import LABELS, METRICS, ROWS, Labels, Points, Rows, decode, encode

FLOATS = st.floats(width=64)
WORDS = st.text(max_size=4)
INTS = st.integers(-(2**62), 2**62)


@st.composite
def some_rows(draw: st.DrawFn) -> Rows:
    count, features = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    column = arrays.arrays(np.float64, count, elements=FLOATS)
    whole = arrays.arrays(np.int64, count, elements=INTS)
    outputs = draw(st.dictionaries(WORDS, column, min_size=1, max_size=3))
    served = arrays.arrays(np.uint8, count, elements=st.integers(0, len(outputs) - 1))
    return Rows(
        first_row=draw(st.integers(0, 10**9)),
        ids=draw(st.lists(WORDS, min_size=count, max_size=count, unique=True)),
        times_us=draw(whole),
        features=draw(arrays.arrays(np.float64, (features, count), elements=FLOATS)),
        outputs=outputs,
        served_by=list(outputs),
        served=draw(served),
        generation=draw(st.integers(0, 99)),
        categories=draw(st.dictionaries(st.sampled_from(["0", "1"]), st.lists(WORDS, max_size=2), max_size=2)),
        latency_us=draw(st.none() | whole),
    )


def bits(value: Any) -> Any:
    """Give *value* so that equal means equal to the last bit, NaN too."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return {name: bits(each) for name, each in value.items()}
    return value


def parts(entry: Rows | Labels | Points) -> dict[str, Any]:
    return {name: bits(getattr(entry, name)) for name in entry.__slots__}


@given(some_rows())
def test_rows_are_read_as_they_were_accepted(entry: Rows) -> None:
    again = decode(ROWS, encode(entry))

    assert isinstance(again, Rows)
    assert parts(again) == parts(entry)
    assert again.count == len(entry.ids)
    assert encode(again) == encode(entry)


@given(st.integers(0, 5), st.data())
def test_labels_are_read_as_they_were_accepted(count: int, draw: Any) -> None:
    rows = draw.draw(arrays.arrays(np.int64, count, elements=INTS))
    entry = Labels(rows=rows, values=draw.draw(arrays.arrays(np.float64, count, elements=FLOATS)), time_us=7)

    assert parts(decode(LABELS, encode(entry))) == parts(entry)


@given(st.lists(st.fixed_dictionaries({"name": WORDS, "time_us": INTS, "value": st.floats(allow_nan=False)})))
def test_points_are_read_as_they_were_accepted(points: list[dict[str, Any]]) -> None:
    finite = [point for point in points if np.isfinite(point["value"])]

    assert decode(METRICS, encode(Points(points=finite))) == Points(points=finite)
