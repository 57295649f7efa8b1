"""Columns as numbers: a category becomes its code in the vocabulary of its feature, and a number stays what it is."""

from __future__ import annotations

import numpy as np

from server.errors import Invalid
from server.intake.row_keys import Crowd
from server.intake.schema import CATEGORICAL, MOST_CATEGORIES, OTHER, Feature, Schema, Vocabulary
from server.requests import Categories, Column, Floats


def coded(
    schema: Schema,
    vocabulary: Vocabulary,
    columns: dict[str, Column],
    count: int,
    field_name: str,
    crowd: Crowd | None = None,
) -> tuple[Floats, dict[str, list[str]]]:
    """Give the (features, rows) matrix of *columns*, and the categories that are new in it, by the feature's number.

    Raises:
        Invalid: A column is missing, unknown, of the wrong kind or length, or not finite.
    """
    names = {feature.name for feature in schema.features}
    unknown = [name for name in columns if name not in names]
    absent = [name for name in names if name not in columns]
    if unknown or absent:
        raise Invalid(
            field_name,
            f"unknown: {sorted(unknown) or 'none'}; missing: {sorted(absent) or 'none'}; "
            f"the schema has {sorted(names)}",
        )
    matrix = np.empty((len(schema.features), count), dtype=np.float64)
    learnt: dict[str, list[str]] = {}
    for index, feature in enumerate(schema.features):
        column = columns[feature.name]
        where = f"{field_name}[{feature.name}]"
        known = vocabulary.codes[index]
        matrix[index], fresh = _codes(feature, known, column, count, where, crowd)
        if fresh:
            learnt[str(index)] = fresh
    return matrix, learnt


def _codes(
    feature: Feature, known: dict[str, int], column: Column, count: int, where: str, crowd: Crowd | None
) -> tuple[Floats, list[str]]:
    if feature.kind != CATEGORICAL:
        if isinstance(column, Categories):
            raise Invalid(where, "the feature is numeric; float64 values are accepted")
        if len(column) != count:
            raise Invalid(where, f"{len(column)} values for {count} rows; one a row is accepted")
        if np.isinf(column).any():
            raise Invalid(
                where, f"infinite at row {int(np.isinf(column).argmax())}; finite or NaN (missing) is accepted"
            )
        return column, []
    if not isinstance(column, Categories):
        raise Invalid(where, "the feature is categorical; a dictionary and codes are accepted")
    return _categories(known, column, count, where, crowd)


def _categories(
    known: dict[str, int], column: Categories, count: int, where: str, crowd: Crowd | None
) -> tuple[Floats, list[str]]:
    if len(column.codes) != count:
        raise Invalid(where, f"{len(column.codes)} codes for {count} rows")
    size = len(column.dictionary)
    if count and (int(column.codes.max()) >= size or int(column.codes.min()) < -1):
        raise Invalid(where, f"a code lies outside -1..{size - 1}")
    used = np.zeros(size, dtype=bool)
    used[column.codes[column.codes >= 0]] = True
    # In the order of their names, so that the order of a sender's dictionary changes nothing.
    fresh = sorted({name for code, name in enumerate(column.dictionary) if used[code] and name not in known})
    hidden: dict[str, float] = {}
    if crowd is not None and fresh:
        said = crowd.says(column.codes, size)
        hidden = {name: OTHER for name, well in zip(column.dictionary, said, strict=True) if not well}
        fresh = [name for name in fresh if name not in hidden]
    fresh = fresh[: max(MOST_CATEGORIES - len(known), 0)]
    codes = {**hidden, **known, **{name: len(known) + i for i, name in enumerate(fresh)}}
    table = np.array([*(codes.get(name, np.nan) for name in column.dictionary), np.nan])
    return table[column.codes], fresh
