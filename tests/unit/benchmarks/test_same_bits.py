"""No bit of a profile depends on order, partition, numba or numpy: one block of what `make same-bits` counts."""

from __future__ import annotations

from benchmarks.same_bits import counted

#: What numpy 2.0.2 and numpy 2.4.6 count in the first block.
DIGEST = "0574d0111d8f91648486e0f641700afee9079d09a84cae3d94b9193b3307586e"


def test_a_thousand_windows_are_the_same_bits_in_any_order_and_partition_with_and_without_numba() -> None:
    block = counted(0)

    assert (block.windows, block.bits) == (1_000, 0)


def test_a_thousand_windows_are_the_bits_that_other_versions_of_numpy_counted() -> None:
    assert counted(0).digest == DIGEST
