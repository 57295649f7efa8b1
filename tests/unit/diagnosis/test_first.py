from collections.abc import Callable
from typing import Any

import pytest

from diagnosis.first import judge
from statemachine.policies import sections

Planted = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("fault", ["unit", "missing", "covariate", "concept", "prior", "none"])
def test_shares_lie_between_0_and_1_and_add_up_to_no_more_than_1(planted: Planted, fault: str) -> None:
    for rows in (20, 100, 600):
        shares = [each.share for each in judge(planted(fault, 3, rows), sections.Diagnosis()).causes]

        assert all(0 <= share <= 1 for share in shares)
        assert sum(shares) <= 1 + 1e-6
        assert shares == sorted(shares, reverse=True) or shares[-1] == 1
