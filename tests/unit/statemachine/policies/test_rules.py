"""Claims about what a rule may say: comparisons of columns, and nothing that needs a column to be known by its word."""

from __future__ import annotations

import pytest

from statemachine.policies.grammar import ExpressionInvalid
from statemachine.policies.policy import Policy, PolicyInvalid
from statemachine.policies.rules import columns_of


@pytest.mark.parametrize(
    ("must", "columns"),
    [
        ("end >= start", ("end", "start")),
        ('row["net amount"] + tax * 2.0 <= total', ("net amount", "tax", "total")),
        ("!(a == 0) || b != 0", ("a", "b")),
        ('row["true"] > 0 && true', ("true",)),
        ('row["a.b"] > 0 && row["c"] > c', ("a.b", "c")),
        ('row["größe"] > 0', ("größe",)),
    ],
)
def test_a_rule_names_its_columns_each_once_in_order(must: str, columns: tuple[str, ...]) -> None:
    assert columns_of(must) == columns


@pytest.mark.parametrize(
    ("must", "at", "why"),
    [
        ("end", 1, "it comes to a number"),
        ("1 < 2.0", 1, "it names no column"),
        ("true", 1, "it names no column"),
        ("a.b > 0", 1, r'a column of such a name is row\["a.b"\]'),
        ("end >= start; drop", 13, "';' is not accepted"),
        ("size(a) > 1", 5, "is not accepted here"),
        ("a + 1 > b", 5, "beside columns a whole number is written with a point"),
        ("a < b < c", 7, "is not accepted here"),
        ('metric["x"].value > 1', 7, "is not accepted"),
        ("a > " + "1" * 400, 401, "more than 400 characters"),
    ],
)
def test_what_is_no_rule_is_refused_at_its_column(must: str, at: int, why: str) -> None:
    with pytest.raises(ExpressionInvalid, match=why) as caught:
        columns_of(must)

    assert caught.value.column == at


def test_a_policy_names_the_rule_that_it_refuses() -> None:
    with pytest.raises(PolicyInvalid, match=r"quality.rules\[1\].must: at column 1: "):
        Policy.from_json({"quality": {"rules": [{"name": "a", "must": "a > b"}, {"name": "b", "must": "b"}]}})


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(PolicyInvalid, match=r"quality.rules\[1\].name: 'a' is taken"):
        Policy.from_json({"quality": {"rules": [{"name": "a", "must": "a > b"}, {"name": "a", "must": "b > a"}]}})


def test_a_policy_without_rules_has_the_form_that_it_had_before_there_were_any() -> None:
    said = Policy().to_json()

    assert "rules" not in said["quality"]
    assert Policy.from_json(said) == Policy()


def test_rules_are_read_back_from_what_is_recorded() -> None:
    policy = Policy.from_json({"quality": {"rules": [{"name": "a", "must": "a > b", "tolerance": 0.2}]}})

    assert Policy.from_json(policy.to_json()) == policy
