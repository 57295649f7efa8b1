"""Tables as columns: little-endian bytes that both sides read without a loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remission.v1 import columns_pb2, model_pb2

NUMERIC = model_pb2.FEATURE_KIND_NUMERIC
CATEGORICAL = model_pb2.FEATURE_KIND_CATEGORICAL

MOST_MICROS = {"i8": 2**53 - 1, "i4": 2**31 - 1}  #: what a server takes of instants, and of durations

TRUTHS = ("labels", "values")  #: what the columns of truths are called, of a reference and of what is learned later

Kinds = Mapping[str, model_pb2.FeatureKind.ValueType]
Floats = NDArray[np.float64]
Objects = NDArray[np.object_]
Values = Floats | Objects


@runtime_checkable
class Table(Protocol):
    """Named columns: a dictionary of arrays, or a data frame."""

    def keys(self) -> Iterable[str]:
        """Return the names of the columns."""
        ...

    def __getitem__(self, name: str, /) -> ArrayLike:
        """Return one column."""
        ...


class LengthsDifferError(ValueError):
    """Columns of one table have different numbers of rows."""

    def __init__(self, name: str, expected: int, actual: int) -> None:
        super().__init__(f"{type(self).__doc__} Column {name!r} has {actual}, expected {expected}.")
        self.name, self.expected, self.actual = name, expected, actual


class NotOneValueARowError(LengthsDifferError):
    """A column is no list of values, one a row."""

    def __init__(self, name: str, expected: int, values: NDArray[np.generic]) -> None:
        ValueError.__init__(
            self, f"{type(self).__doc__} Column {name!r} has the shape {values.shape}, expected ({expected},)."
        )
        self.name, self.expected, self.actual = name, expected, values.size


class NotTabularError(ValueError):
    """The data are neither named columns nor a matrix of rows and features."""

    def __init__(self, dimensions: int) -> None:
        super().__init__(f"{type(self).__doc__} They have {dimensions} dimensions.")
        self.dimensions = dimensions


class NotNumericError(ValueError):
    """A column that the model knows as numeric holds something else."""

    def __init__(self, name: str) -> None:
        accepted = "numbers are accepted, and a class as its index" if name in TRUTHS else "numbers are accepted"
        super().__init__(f"{type(self).__doc__} Column {name!r}; {accepted}.")
        self.name = name


class NotUnicodeError(ValueError):
    """A text holds half of a surrogate pair, which cannot be sent."""

    def __init__(self, name: str, row: int) -> None:
        super().__init__(f"{type(self).__doc__} {name}[{row}]; whole characters are accepted.")
        self.name, self.row = name, row


class NotMicrosecondsError(ValueError):
    """An instant or a duration is no whole number of microseconds that the contract can hold."""

    def __init__(self, name: str, row: int, value: object, most: int) -> None:
        told = f"{name}[{row}] is {value}; whole numbers up to {most} are accepted"
        super().__init__(f"{type(self).__doc__} {told}.")
        self.name, self.row, self.value = name, row, value


def tabulate(data: Table | ArrayLike, names: Sequence[str] = ()) -> dict[str, NDArray[np.generic]]:
    """Return *data* as arrays by column name, copied, so that the caller may change its own afterwards.

    A matrix gets its column names from *names*, or `x0`, `x1`, ... without them.

    >>> sorted(tabulate([[1.0, 2.0]]))
    ['x0', 'x1']

    Raises:
        NotOneValueARowError: A column is a matrix, or a single value.
        LengthsDifferError: Columns have different lengths, or there are more or fewer columns than names.
        NotTabularError: It is neither a table nor a matrix, or a matrix of a kind that numpy does not know.
    """
    if isinstance(data, Table):
        table = {str(name): np.array(data[name]) for name in data.keys()}  # noqa: SIM118 - a data frame iterates alike, a Table need not
    else:
        matrix = np.array(data)
        if matrix.ndim not in (1, 2):  # one row, or several
            raise NotTabularError(matrix.ndim)
        matrix = np.atleast_2d(matrix)
        names = names or [f"x{index}" for index in range(matrix.shape[1])]
        if len(names) != matrix.shape[1]:
            raise LengthsDifferError("names", matrix.shape[1], len(names))
        table = dict(zip(names, matrix.T, strict=True))
    rows = count_rows(table)
    for name, values in table.items():
        if values.ndim != 1:
            raise NotOneValueARowError(name, rows, values)
        if values.size != rows:
            raise LengthsDifferError(name, rows, values.size)
    return table


def count_rows(table: Mapping[str, NDArray[np.generic]]) -> int:
    """Return the number of rows; 0 for a table without columns."""
    first = next(iter(table.values()), np.empty(0))
    return first.shape[0] if first.ndim else 1


def infer_kinds(table: Mapping[str, NDArray[np.generic]]) -> dict[str, model_pb2.FeatureKind.ValueType]:
    """Return each column's kind: numbers and truth values are numeric, all else is categorical.

    >>> infer_kinds({"a": np.array([1, 2])}) == {"a": NUMERIC}
    True
    """
    return {name: NUMERIC if values.dtype.kind in "fiub" else CATEGORICAL for name, values in table.items()}


def describe(table: Mapping[str, NDArray[np.generic]], kinds: Kinds | None = None) -> list[model_pb2.FeatureSpec]:
    """Return the features of *table*, with the categories that occur, in order of the words."""
    return [_describe(name, table[name], kind) for name, kind in (kinds or infer_kinds(table)).items()]


def encode(table: Mapping[str, NDArray[np.generic]], kinds: Kinds | None = None) -> list[columns_pb2.Column]:
    """Return *table* as columns of the contract; *kinds* come from the model, or are inferred.

    Raises:
        NotNumericError: A numeric column holds something else.
        NotUnicodeError: A word holds half of a surrogate pair.
    """
    kinds = infer_kinds(table) | dict(kinds or {})
    return [_encode(name, values, kinds[name]) for name, values in table.items()]


def decode(columns: Iterable[columns_pb2.Column]) -> dict[str, Values]:
    """Return columns as arrays: float64 with NaN, or words with None, for missing.

    >>> decode(encode({"a": np.array([1.0, 2.0])}))
    {'a': array([1., 2.])}
    """
    return {column.name: _decode(column) for column in columns}


def pack(values: ArrayLike, dtype: str) -> bytes:
    """Return numbers as little-endian bytes; *dtype* is `f8`, `i8`, `i4` or `u1`."""
    return np.ascontiguousarray(values, dtype=f"<{dtype}").tobytes()


def pack_floats(name: str, values: ArrayLike) -> bytes:
    """Return a column as little-endian float64, with NaN for what is missing.

    Raises:
        NotNumericError: It holds something else.
    """
    return pack(to_floats(name, np.asarray(values)), "f8")


def pack_micros(name: str, values: ArrayLike, dtype: str) -> bytes:
    """Return microseconds as little-endian integers, `i8` or `i4`: fractions are cut off, dates are counted from 1970.

    Raises:
        NotMicrosecondsError: One is missing, no number, or beyond what *dtype* holds.
    """
    given = np.asarray(values)
    whole = given.astype("datetime64[us]").astype(np.int64) if given.dtype.kind == "M" else given
    for row in _beyond(whole, MOST_MICROS[dtype]):
        raise NotMicrosecondsError(name, row, given[row], MOST_MICROS[dtype])
    return pack(whole, dtype)


def _beyond(values: NDArray[np.generic], most: int) -> list[int]:
    """Give the rows that hold no number, or one beyond *most* either way."""
    if values.dtype.kind not in "iufb":
        known = [isinstance(one, int | float) and -most <= one <= most for one in values.tolist()]
        return np.flatnonzero(np.logical_not(known)).tolist()
    numbers = values.astype(np.float64)  # rounds nothing up to 2^53, and orders what is beyond
    found: list[int] = np.flatnonzero(~((-most <= numbers) & (numbers <= most))).tolist()
    return found


def require_unicode(name: str, texts: Sequence[str]) -> None:
    """Refuse texts that cannot be sent.

    Raises:
        NotUnicodeError: One holds half of a surrogate pair.
    """
    row = find_half(texts)
    if row is not None:
        raise NotUnicodeError(name, row)


def find_half(texts: Sequence[str]) -> int | None:
    r"""Give the place of the first text that holds half of a surrogate pair.

    >>> find_half(["a", "\ud83d"])
    1
    """
    if _is_unicode("".join(texts)):
        return None
    return next(place for place, one in enumerate(texts) if not _is_unicode(one))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def to_floats(name: str, values: NDArray[np.generic]) -> Floats:
    """Return a column as float64, with NaN for what is missing.

    >>> to_floats("a", np.array([1, None]))
    array([ 1., nan])

    Raises:
        NotNumericError: It holds something else.
    """
    if values.dtype == np.object_:
        values = np.array([None if is_missing_marker(one) else one for one in values.tolist()], dtype=np.object_)
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise NotNumericError(name) from error


def unpack_floats(data: bytes) -> Floats:
    """Return little-endian float64 bytes as an array, read-only; without a copy on a little-endian machine."""
    return np.frombuffer(data, dtype="<f8").astype(np.float64, copy=False)


def encode_words(values: Iterable[object]) -> tuple[list[str], NDArray[np.int32]]:
    """Return the words that occur, in order of first use, and each row's index into them; -1 is missing.

    >>> encode_words(["b", None, "a", "b"])
    (['b', 'a'], array([ 0, -1,  1,  0], dtype=int32))
    """
    known: dict[str, int] = {}
    codes = [-1 if word is None else known.setdefault(word, len(known)) for word in _words(values)]
    return list(known), np.asarray(codes, dtype=np.int32)


def _words(values: Iterable[object]) -> Iterator[str | None]:
    # A whole number is the same word whether a frame holds it as 3 or, beside a missing value, as 3.0.
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, float | np.floating):
            yield None if np.isnan(value) else str(int(value)) if float(value).is_integer() else str(value)
        else:
            yield None if value is None or is_missing_marker(value) else str(value)


def is_missing_marker(value: object) -> bool:
    """Tell whether a value is what a data frame has where nothing is."""
    # pandas marks missing values with objects of its own, which this client must not import to recognise.
    return type(value).__name__ in {"NAType", "NaTType"}


def _describe(name: str, values: NDArray[np.generic], kind: model_pb2.FeatureKind.ValueType) -> model_pb2.FeatureSpec:
    words = sorted(encode_words(values.tolist())[0]) if kind == CATEGORICAL else []
    return model_pb2.FeatureSpec(name=name, kind=kind, categories=words)


def _encode(name: str, values: NDArray[np.generic], kind: model_pb2.FeatureKind.ValueType) -> columns_pb2.Column:
    if kind == CATEGORICAL:
        words, codes = encode_words(values.tolist())
        half = find_half(words)
        if half is not None:
            raise NotUnicodeError(name, int((codes == half).argmax()))
        column = columns_pb2.CategoricalColumn(dictionary=words, codes=pack(codes, "i4"))
        return columns_pb2.Column(name=name, categorical=column)
    numeric = columns_pb2.NumericColumn(values=pack(to_floats(name, values), "f8"))
    return columns_pb2.Column(name=name, numeric=numeric)


def _decode(column: columns_pb2.Column) -> Values:
    if column.WhichOneof("values") == "numeric":
        return unpack_floats(column.numeric.values)
    words = np.array([*column.categorical.dictionary, None], dtype=np.object_)
    picked: Objects = words[np.frombuffer(column.categorical.codes, dtype="<i4")]
    return picked
