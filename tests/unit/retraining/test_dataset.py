"""Claims about datasets as bytes: nothing is lost on the way, and damage is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from retraining.dataset import MAGIC, Dataset, DatasetInvalid

FLOATS = st.floats(width=64)
HEADER: dict[str, Any] = {"first_row": 7, "rows": 2, "features": 1, "versions": ["v1"]}
BODY = bytes(8 * 2 * 3)


def written(header: object = None, body: bytes = BODY, size: int | None = None) -> bytes:
    head = orjson.dumps(HEADER if header is None else header)
    return MAGIC + (len(head) if size is None else size).to_bytes(8, "little") + head + body


def refusal(data: bytes) -> str:
    with pytest.raises(DatasetInvalid) as caught:
        Dataset.from_bytes(data)
    return str(caught.value)


@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 6), st.integers(0, 4)), elements=FLOATS), st.data())
def test_every_bit_comes_back(rows: Any, draw: Any) -> None:
    column = arrays.arrays(np.float64, len(rows), elements=FLOATS)
    labels, outputs = draw.draw(column), draw.draw(st.dictionaries(st.text(max_size=3), column, max_size=2))
    data = Dataset(first_row=3, rows=rows, labels=labels, outputs=outputs)

    again = Dataset.from_bytes(data.to_bytes())

    assert again.to_bytes() == data.to_bytes()
    assert (again.rows.shape, list(again.outputs)) == (rows.shape, list(outputs))
    assert again.rows.tobytes() == rows.tobytes()
    assert again.labels.tobytes() == labels.tobytes()


def test_rows_that_are_laid_out_otherwise_give_the_same_bytes() -> None:
    rows = np.arange(6.0).reshape(3, 2)
    turned = [rows, np.asfortranarray(rows), np.arange(6.0).reshape(3, 2).astype(">f8"), rows.astype(np.float32)]

    found = {Dataset(first_row=0, rows=each, labels=np.ones(3), outputs={}).to_bytes() for each in turned}

    assert len(found) == 1


def test_the_bytes_are_laid_out_as_it_is_written_down() -> None:
    found = Dataset.from_bytes(written(body=np.arange(6.0).astype("<f8").tobytes()))

    assert (found.first_row, found.rows.tolist()) == (7, [[0.0], [1.0]])
    assert found.labels.tolist() == [2.0, 3.0]
    assert {name: values.tolist() for name, values in found.outputs.items()} == {"v1": [4.0, 5.0]}


def test_bytes_that_are_cut_off_anywhere_are_refused() -> None:
    whole = written()

    for cut in range(len(whole)):
        assert refusal(whole[:cut])


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "does not begin"),
        (b"PK\x03\x04" + BODY, "does not begin"),
        (MAGIC, "does not begin"),
        (written(size=1 << 62), "a header of 4611686018427387904 bytes"),
        (written(size=0), "no JSON"),
        (written(body=BODY[:-1]), "header asks for"),
        (written(body=BODY + b"\0"), "header asks for"),
        (written([]), "other fields"),
        (written({**HEADER, "pickle": 1}), "other fields"),
        (written({name: HEADER[name] for name in ("rows", "features", "versions")}), "other fields"),
        (written({**HEADER, "rows": -1}), "rows is -1"),
        (written({**HEADER, "rows": 1 << 40}), "rows is 1099511627776"),
        (written({**HEADER, "rows": 2.0}), "rows is 2.0"),
        (written({**HEADER, "features": True}), "features is True"),
        (written({**HEADER, "features": (1 << 40) - 1}), "header asks for"),
        (written({**HEADER, "first_row": None}), "first_row is None"),
        (written({**HEADER, "versions": "v1"}), "versions"),
        (written({**HEADER, "versions": [1]}), "versions"),
        (written({**HEADER, "versions": ["v1", "v1"]}, BODY + bytes(16)), "distinct"),
    ],
)
def test_damage_is_refused_by_what_is_wrong(data: bytes, named: str) -> None:
    assert named in refusal(data)
