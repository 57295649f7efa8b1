"""What is odd about the columns of a stream, though it can be used: told before a backtest, and never in its way."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from backtest.stream import Column, Stream

MOST_WORDS = 20  #: a column of words with up to so many of them is one of categories
OWN_SHARE = 0.9  #: of rows with a word of their own, from which on words are names of rows
NUMBERS_SHARE = 0.8  #: of words that are numbers, from which on the others look like mistakes


def doubts_of(stream: Stream) -> list[str]:
    """Say in a sentence each what looks like a mistake in what was read."""
    return [*(doubt for column in stream.columns for doubt in _of(column)), *_lone_classes(stream)]


def _of(column: Column) -> Iterator[str]:
    where, known = f"the column {column.name!r}", _known(column)
    if not known.any():
        yield f"{where} is missing in every row; --drop leaves it out"
    elif column.words is None:
        if _counts(column.values):
            yield f"{where} counts rows; if it is an index, --drop leaves it out"
    elif len(column.words) > MOST_WORDS:
        yield from _of_words(where, column.words, int(known.sum()))


def _known(column: Column) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    values = np.asarray(column.values)
    return values >= 0 if column.words is not None else ~np.isnan(values)


def _counts(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    return bool((np.diff(values) == 1).all())


def _of_words(where: str, words: tuple[str, ...], rows: int) -> Iterator[str]:
    numbers = pd.to_numeric(pd.Series(words), errors="coerce")
    strangers = [word for word, number in zip(words, numbers, strict=True) if np.isnan(number)]
    if strangers and len(strangers) <= (1 - NUMBERS_SHARE) * len(words):
        yield f"{where} holds numbers, but is read as words because of {strangers[0][:40]!r}; nothing stands for a gap"
    elif len(words) >= OWN_SHARE * rows:
        told = f"{len(words)} different words in {rows} rows"
        yield f"{where} has {told}, of which no model learns; --drop leaves it out"


def _lone_classes(stream: Stream) -> Iterator[str]:
    for number, name in enumerate(stream.classes):
        if int((stream.labels == number).sum()) == 1:
            yield f"the class {name!r} is the truth of one row alone; --task regression reads numbers as values"
