from __future__ import annotations

from typing import Any

import pytest

from statemachine.policies.policy import Policy
from statemachine.policies.values import MOST_SHOWN, PolicyInvalid


@pytest.mark.parametrize(
    "told",
    [
        {"tier": "x" * 20_000},
        {"tier": [1] * 20_000},
        {"gates": {"mandatory": ["x" * 20_000]}},
        {"canary": {"rungs_bp": [1] * 20_000}},
        {"quality": {"entity": "x" * 20_000}},
    ],
)
def test_a_refusal_shows_no_more_of_a_value_than_people_read_and_ends_with_what_is_accepted(told: Any) -> None:
    with pytest.raises(PolicyInvalid, match=r"… is not accepted; .* (is|are)$") as refused:
        Policy.from_json(told)

    assert len(str(refused.value)) < 2 * MOST_SHOWN
