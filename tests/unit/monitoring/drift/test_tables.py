from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitoring.drift.compiled import CompiledTogether, asked
from monitoring.drift.tables import EXACT, Asked, Tables, Together

Ints = NDArray[np.int64]
WAYS = [Together, asked]


def drawn(
    seed: int, shapes: list[tuple[int, int]], windows: int, highest: int, bits: int = 25, step: int = 1
) -> tuple[list[Ints], Ints]:
    """Draw tables of these shapes, of as many *steps* as have so many bits, and counts of windows up to the highest."""
    generator = np.random.default_rng(seed)
    tables = [step * generator.integers(-(1 << bits), 1 << bits, size=shape) for shape in shapes]
    return tables, generator.integers(0, highest, size=(windows, sum(slots for _, slots in shapes)), endpoint=True)


def with_narrow_ends(tables: list[Ints], most: int, seed: int) -> list[Ints]:
    """Let up to *most* alternatives at the end of each table tell all slots the same, but for two, one or none."""
    generator, found = np.random.default_rng(seed), []
    for table in tables:
        alternatives, slots = table.shape
        here = table.copy()
        for line in here[max(alternatives - int(generator.integers(most + 1)), 0) :]:
            line[:] = line[0]
            line[generator.choice(slots, size=min(int(generator.integers(3)), slots), replace=False)] = table[0, 0] + 1
        found.append(here)
    return found


def by_whole_numbers(tables: list[Ints], counts: Ints) -> Ints:
    parts = np.split(counts, np.cumsum([table.shape[1] for table in tables])[:-1], axis=1)
    return np.concatenate([part @ table.T for part, table in zip(parts, tables, strict=True)], axis=1)


@given(
    seed=st.integers(0, 1_000),
    shapes=st.lists(st.tuples(st.integers(0, 5), st.sampled_from([1, 9, 9, 71])), min_size=1, max_size=6),
    windows=st.integers(1, 9),
    highest=st.sampled_from([1, 1_000, 1 << 24, 1 << 31]),
)
def test_products_are_those_of_whole_numbers(
    seed: int, shapes: list[tuple[int, int]], windows: int, highest: int
) -> None:
    tables, counts = drawn(seed, shapes, windows, highest)

    assert np.array_equal(Tables.of(tables).dot(counts), by_whole_numbers(tables, counts))


def test_the_highest_count_that_is_multiplied_at_once_keeps_all_sums_exact_and_no_higher_one_would() -> None:
    tables, _ = drawn(1, [(30, 71)] * 3, 1, 1)
    heaviest = max(int(np.abs(table).sum(axis=1).max()) for table in tables)

    most = Tables.of(tables).most

    assert most * heaviest <= EXACT < (most + 1) * heaviest


def test_a_window_has_the_same_products_in_any_company() -> None:
    tables, counts = drawn(2, [(30, 71)] * 20 + [(50, 27)] * 2, 300, 1_000)
    held = Tables.of(tables)

    alone = np.concatenate([held.dot([one]) for one in counts])

    assert np.array_equal(held.dot(counts), alone)
    assert np.array_equal(held.dot(counts[::-1]), alone[::-1])


@pytest.mark.parametrize("way", WAYS)
@given(
    seed=st.integers(0, 1_000),
    shapes=st.lists(st.tuples(st.integers(1, 3), st.sampled_from([1, 9, 9, 71, 130])), min_size=1, max_size=5),
    order=st.lists(st.integers(0, 5), min_size=1, max_size=40),
    highest=st.sampled_from([1, 1_000, 1 << 15, 1 << 31]),
    bits=st.sampled_from([(6, 1), (6, 1 << 12), (6, (1 << 24) - 1), (7, 1), (22, 1), (32, 1)]),
)
def test_windows_of_many_tables_have_the_products_of_their_own(
    way: Callable[[list[Tables]], Asked],
    seed: int,
    shapes: list[tuple[int, int]],
    order: list[int],
    highest: int,
    bits: tuple[int, int],
) -> None:
    """Some have the same tables, some tables of the same shapes, and one has others; features may share a table.

    What their last alternatives single out is in the same slots for two of them, and elsewhere for the others.
    """
    drawn_from = [
        with_narrow_ends(
            drawn(seed + number, shapes + shapes[:1] * 4 * (number < 4), 1, 1, *bits)[0], 3, seed + number // 2
        )
        for number in range(6)
    ]
    alike = [[[table, one[0]][at > len(shapes) - 1] for at, table in enumerate(one)] for one in drawn_from]
    held = [Tables.of(tables) for tables in alike]
    generator = np.random.default_rng(seed)
    counts = [generator.integers(0, highest, held[number].slots, endpoint=True) for number in order]

    found = way([held[number] for number in order]).dot(counts)

    assert found.shape == (len(order), max(held[number].columns for number in order))
    for line, number, one in zip(found, order, counts, strict=True):
        (alone,) = by_whole_numbers(alike[number], one[None])
        assert np.array_equal(line, np.append(alone, np.zeros(len(line) - len(alone), np.int64)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("told", [(1 << 30) - 1, 1 << 30, 1 - (1 << 30), -(1 << 30), -(1 << 31) - 1, 1 << 40])
@pytest.mark.parametrize("count", [(1 << 31) - 1, 1 << 31, (1 << 32) + 7])
def test_products_of_more_bits_than_are_multiplied_at_once_are_those_of_whole_numbers(
    way: Callable[[list[Tables]], Asked], told: int, count: int
) -> None:
    tables = [Tables.of([np.array([[1, told], [0, 1]])]), Tables.of([np.array([[0, 0, -1]])])]

    found = way(tables).dot([np.array([3, count // 4096]), np.array([1, 1, count])])

    assert found.tolist() == [[3 + told * (count // 4096), count // 4096], [-count, 0]]


@pytest.mark.parametrize("rows", [(1 << 15) - 1, 1 << 15])
@pytest.mark.parametrize("told", [-63, 190, 191])
@pytest.mark.parametrize("step", [1, -1, 1 << 22])
def test_rows_in_one_slot_have_exact_products_up_to_where_sums_of_32_bits_end(rows: int, told: int, step: int) -> None:
    """Slots tell all sorts of things, so that their table is not narrow, and are as many as are added up at once."""
    table, counts = np.tile(np.arange(-63, 1), (2, 1)), np.zeros(64, np.int64)
    table[:, 3], counts[3] = told, rows

    found = asked([Tables.of([step * table]), Tables.of([-step * table])])

    assert isinstance(found, CompiledTogether)
    assert found.dot([counts, counts]).tolist() == [[rows * told * step] * 2, [-rows * told * step] * 2]


@pytest.mark.parametrize(
    ("line", "together"),
    [
        ([5, 259, 100, 7, 8, 9], CompiledTogether),  # 254 steps apart
        ([5, 260, 100, 7, 8, 9], Together),
        ([5, 259 << 20, 100, 7, 8, 9], Together),
        ([0, 254 << 22, 1 << 22, 7 << 22, 8 << 22, 9 << 22], CompiledTogether),
        ([0, 254 << 24, 1 << 24, 7 << 24, 8 << 24, 9 << 24], Together),  # of which the middle takes more bits
        ([3] * 5 + [4], CompiledTogether),
        ([3] * 6, CompiledTogether),
    ],
)
def test_alternatives_of_few_levels_are_told_by_bytes_and_others_by_linear_algebra(
    line: list[int], together: type[Asked]
) -> None:
    tables, counts = Tables.of([np.array([line])]), np.array([1, 0, 5, 70_000, 3, 2])

    found = asked([tables])

    assert type(found) is together
    assert found.dot([counts]).tolist() == [[int(counts @ line)]]


def test_tables_without_exact_products_are_refused_and_the_heaviest_others_keep_theirs() -> None:
    heaviest = np.array([[1, (1 << 52) - 1]])

    assert Tables.of([heaviest]).dot(np.array([[0, 2], [2, 2]])).tolist() == [[(1 << 53) - 2], [1 << 53]]
    with pytest.raises(ValueError, match=f"adds up to {(1 << 52) + 1}; products are exact up to {1 << 52}"):
        Tables.of([np.array([[1, 1 << 52]])])


@pytest.mark.parametrize("way", WAYS)
def test_counts_of_another_layout_are_refused(way: Callable[[list[Tables]], Asked]) -> None:
    tables, counts = drawn(3, [(2, 9), (3, 12)], 4, 9)

    with pytest.raises(ValueError, match=r"counts of shape \(20,\) are not those of a window, \(21,\)"):
        way([Tables.of(tables)] * 4).dot([*counts[:, :-1]])


@pytest.mark.parametrize("way", WAYS)
def test_counts_are_taken_however_they_lie_in_memory(way: Callable[[list[Tables]], Asked]) -> None:
    tables, counts = drawn(4, [(2, 9), (3, 12)], 4, 9, 6)
    locked = counts[2].copy()
    locked.setflags(write=False)
    each = [counts[0].astype(np.int32), np.repeat(counts[1], 2)[::2], locked, counts[3]]

    found = way([Tables.of(tables)] * 4).dot(each)

    assert np.array_equal(found, by_whole_numbers(tables, counts))
