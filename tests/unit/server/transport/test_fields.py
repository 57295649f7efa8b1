from __future__ import annotations

import struct

import pytest
from remission.v1 import columns_pb2, ingest_pb2, training_pb2

from server.errors import Invalid, TooLarge
from server.requests import Categories
from server.transport import fields


def numbers(name: str, *values: float) -> columns_pb2.Column:
    packed = struct.pack(f"<{len(values)}d", *values)
    return columns_pb2.Column(name=name, numeric=columns_pb2.NumericColumn(values=packed))


def words(name: str, dictionary: list[str], *codes: int) -> columns_pb2.Column:
    packed = struct.pack(f"<{len(codes)}i", *codes)
    return columns_pb2.Column(name=name, categorical=columns_pb2.CategoricalColumn(dictionary=dictionary, codes=packed))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "is empty; 1 to 256 characters are accepted"),
        ("\u2003 ", "is empty; 1 to 256 characters are accepted"),
        ("a\x85b", "holds a control character; others are accepted"),
        ("x" * 257, "257 characters; at most 256 are accepted"),
    ],
)
def test_an_owner_can_be_read_by_people(given: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        fields.owner(given, "model.owner")

    assert refused.value.violations == (("model.owner", told),)
    assert fields.owner(" Risk & Söhne, équipe 7", "model.owner") == " Risk & Söhne, équipe 7"


def test_columns_are_read_by_name() -> None:
    found = fields.columns([numbers("x", 1.5, 2.5), words("c", ["red"], 0, -1)], 2, "columns")

    assert list(found["x"]) == [1.5, 2.5]  # type: ignore[arg-type]  # a column of numbers iterates
    colours = found["c"]
    assert isinstance(colours, Categories)
    assert (colours.dictionary, list(colours.codes)) == (["red"], [0, -1])


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ([numbers("x", 1.0)], "columns[x]"),
        ([numbers("x", 1.0, 2.0), numbers("x", 1.0, 2.0)], "columns[x]"),
        ([columns_pb2.Column(name="x")], "columns[x]"),
        ([columns_pb2.Column()], "columns[0]"),
        ([words("c", ["red", "red"], 0, 1)], "columns[c]"),
        ([words("c", ["r" * 257], 0, 0)], "columns[c]"),
    ],
)
def test_a_column_that_cannot_be_read_is_named(columns: list[columns_pb2.Column], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        fields.columns(columns, 2, "columns")

    assert caught.value.violations[0][0] == field


@pytest.mark.parametrize("value", ["", " a", "a" * 65, "a\nb", "é"])
def test_an_id_is_printable_and_short(value: str) -> None:
    with pytest.raises(Invalid):
        fields.identifier(value, "request_id")


@pytest.mark.parametrize("value", ["", "-a", "A", "a" * 64, "a/b"])
def test_a_model_has_a_plain_name(value: str) -> None:
    with pytest.raises(Invalid):
        fields.model_name(value)


def test_rows_are_counted_before_anything_is_read() -> None:
    assert fields.rows_within(100_000, "row_count") == 100_000
    with pytest.raises(TooLarge):
        fields.rows_within(100_001, "row_count")
    with pytest.raises(Invalid):
        fields.rows_within(0, "row_count")


def test_an_enum_is_read_as_a_word_and_written_back() -> None:
    kind = fields.word(training_pb2.JobKind, training_pb2.JOB_KIND_REMEDY, "kind", ("challenge", "remedy"))

    assert kind == "remedy"
    assert fields.number(training_pb2.JobKind, kind) == training_pb2.JOB_KIND_REMEDY


@pytest.mark.parametrize("value", [0, 99])
def test_an_enum_that_says_nothing_known_is_refused_with_what_is_accepted(value: int) -> None:
    with pytest.raises(Invalid, match="DIRECTION_HIGHER_IS_WORSE"):
        fields.word(ingest_pb2.Direction, value, "direction", ("higher_is_worse",))


def test_a_page_is_bounded_and_has_a_default() -> None:
    assert [fields.page(size) for size in (0, 7, 5_000)] == [100, 7, 1_000]
    with pytest.raises(Invalid):
        fields.page(-1)


def test_a_token_continues_the_question_that_it_was_given_for_and_no_other() -> None:
    token = fields.page_token("m-7", "all", [1])

    assert fields.continued(token, "all", [1]) == "m-7"
    assert fields.continued("", "all", [1]) == ""
    with pytest.raises(Invalid, match="another question"):
        fields.continued(token, "some", [1])


@pytest.mark.parametrize("token", ["x", "####", "4pyT", "w6k="])
def test_a_token_that_was_never_given_is_refused(token: str) -> None:
    with pytest.raises(Invalid):
        fields.continued(token, 1)
