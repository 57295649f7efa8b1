"""What chance passes in any of several: more than in one alone, and never nothing."""

from __future__ import annotations

import numpy as np
import pytest

from measures.chance import shared_among


@pytest.mark.parametrize("number", [4, 1_000])
def test_several_ask_for_no_fewer_errors_than_one_alone_up_to_those_that_no_chance_is_left_of(number: int) -> None:
    asked = np.arange(0.0, 40.0, 0.05).tolist()

    assert [one for one in asked if shared_among(one, number) < one] == []
