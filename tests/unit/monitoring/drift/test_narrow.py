import numpy as np
import pytest
from numpy.typing import NDArray

from monitoring.drift.narrow import Narrow, Spot, spots
from monitoring.drift.tables import EXACT, Run, Tables, Together

Ints = NDArray[np.int64]


@pytest.mark.parametrize(
    ("told", "spot"),
    [
        ([5, 5, 5, 5, 9], Spot(5, 4, (4,))),
        ([-7, 5, 5, -7, 5, 5], Spot(5, -12, (0, 3))),
        ([0, 0, 0, 0, 0], Spot(0, 0, (0,))),
        ([5, 5, 5, 6, 7], None),  # singles out two slots, and tells them two things
        ([5, 5, 5, 5, 6, 6, 6], None),
        ([5, 5, 5, 6], None),  # so few slots are no more than a line
    ],
)
def test_what_is_narrow_tells_all_slots_the_same_but_for_two(told: list[int], spot: Spot | None) -> None:
    assert Spot.of(np.array(told)) == spot


def test_only_those_behind_the_last_wide_one_are_taken() -> None:
    narrow, wide = [1, 1, 1, 1, 2], [1, 2, 3, 4, 5]

    assert spots(np.array([narrow, wide, narrow, narrow])) == [Spot(1, 1, (4,))] * 2
    assert spots(np.array([narrow, wide])) == []


def test_tables_behind_each_other_hold_nothing_of_what_is_narrow() -> None:
    """And have the products of whole numbers at the highest count that is multiplied at once."""
    usual = 1 << 24
    tables = [np.array([[3, -1, 4, -1, 5], [usual, usual, -usual, usual, usual], [number] * 5]) for number in (2, 6)]
    held = [Tables.of([table]) for table in tables]
    counts = np.full((2, 5), held[0].parted.most)

    found = Together(held)

    assert found.dot(counts).tolist() == [(table @ counts[0]).tolist() for table in tables]
    assert held[0].parted.most == EXACT // (7 * usual)  # five slots as usual, and for one twice that to be made up for
    ((_, factors, _),) = found._pieces  # noqa: SLF001 - what is held cannot be seen from outside
    assert [one.values.shape for one in factors if isinstance(one, Run)] == [(2, 1, 5, 1)]
    assert [len(one.columns) for one in factors if isinstance(one, Narrow)] == [2]
