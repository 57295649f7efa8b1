import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.record.canonical import NotCanonical, canonical, digest

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_equal_values_have_equal_bytes(value: object) -> None:
    assert canonical(reversed_keys(value)) == canonical(value)


def reversed_keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reversed_keys(item) for item in value]
    return value


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (math.nan, "$"),
        ({"a": [1.0, math.inf]}, "$.a[1]"),
        ([None, {"b": -math.inf}], "$[1].b"),
        ({"a": datetime(2020, 1, 1, tzinfo=UTC)}, "$"),
        ({1: "a"}, "$"),
        (2**64, "$"),
        (b"bytes", "$"),
    ],
)
def test_what_json_cannot_say_is_refused_by_place(value: object, path: str) -> None:
    with pytest.raises(NotCanonical) as refused:
        canonical(value)

    assert refused.value.path == path
    assert str(refused.value).startswith(f"{path} has no canonical form: ")


def test_a_null_that_was_meant_is_kept() -> None:
    assert canonical({"a": None, "b": [1.5, None]}) == b'{"a":null,"b":[1.5,null]}'


def test_a_digest_is_sha256_in_hexadecimal() -> None:
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
