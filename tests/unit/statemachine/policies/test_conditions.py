"""What a condition may say: hostile expressions are refused at once, and what is accepted always comes to a truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.signals.conditions import holds
from statemachine.policies.conditions import signals_of
from statemachine.policies.grammar import ExpressionInvalid
from statemachine.policies.policy import Policy, PolicyInvalid
from statemachine.policies.signals import OF_METRICS, SIGNALS, metric

NAMED = [*SIGNALS, *(metric(name, part) for name in ("p99", "a b") for part in OF_METRICS)]
SOME = st.sampled_from(NAMED)
DECIMAL = st.decimals(-1000, 1000, places=3).map(str) | st.sampled_from(["1e3", "0.5e-3", "00.5", "1E+9", "- -2.0"])
SERIES = st.text(min_size=1, max_size=9).map(lambda name: metric(name, "value"))
NUMBER = st.recursive(
    SOME | DECIMAL | SOME.map("-{}".format) | SERIES,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=4,
)
SIGN = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
SPACED = st.tuples(st.text(" \t\n\r\f\v\x1c\xa0\u2003", max_size=2), SIGN).map("".join)
COMPARED = st.tuples(NUMBER, SIGN | SPACED, NUMBER | st.integers(0, 99).map(str) | st.just("007"))
TRUTH = st.recursive(
    COMPARED.map(" ".join) | st.sampled_from(["true", "false"]),
    lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"!({' '.join(parts)})"),
    max_leaves=3,
)
HOSTILE = [
    ("", 1, "'the end' is not accepted here"),
    ("loss.up", 1, "it comes to a number"),
    ("1", 1, "it comes to a whole number"),
    ("loss.upp > 1", 1, "there is no signal loss.upp"),
    ("loss > 1", 1, "there is no signal loss"),
    ("size([1]) > 0", 6, "'[' is not accepted"),
    ("size(rows) > 0", 1, "there is no signal size"),
    ("[1, 2].all(x, x > 0)", 1, "'[' is not accepted"),
    ("rows > 0 ? true : false", 10, "'?' is not accepted"),
    ('rows > "a"', 8, "'\"' is not accepted"),
    ("rows.map(x, x) > 1", 11, "',' is not accepted"),
    ("__import__ > 1", 1, "there is no signal __import__"),
    ('metric["a"].wert > 1', 13, 'there is no signal metric["a"].wert'),
    ('metric["a\\""].value > 1', 7, "'[' is not accepted"),
    ("rows * 2 > 1", 8, "a whole number is not accepted here"),
    ("rows > 1 > 2", 10, "'>' is not accepted here"),
    ("rows && true", 1, "a number is not accepted here"),
    ("!rows > 1", 2, "a number is not accepted here"),
    ("true == true", 1, "true or false is not accepted here"),
    ("rows > 1 true", 10, "'true' is not accepted here"),
    ("(rows > 1", 10, "'the end' is not accepted here; a closing bracket is"),
    ("rows > 1e999", 8, "'1' is not accepted"),
    ("rows > 12345678901234567890", 8, "a number of more than 15 signs"),
    ("(" * 100 + "rows > 1", 22, "deeper than 20 levels"),
    ("!" * 100 + "true", 22, "deeper than 20 levels"),
    ("true || " * 60 + "true", 401, "more than 400 characters"),
    ("rows\xa0> 1", 5, "'\\xa0' is not accepted"),
    ("rows > 1\u2003", 9, "'\\u2003' is not accepted"),
    ('metric["\u202e"].value > 1', 1, "the metric '\\u202e'"),
    ('metric["\ud800"].value > 1', 1, "the metric '\\ud800'"),
    ("rows > 1.0 // x", 13, "'/' is not accepted here"),
]


@pytest.mark.parametrize(("text", "column", "why"), HOSTILE, ids=[text[:20] or "nothing" for text, *_ in HOSTILE])
def test_an_expression_that_is_no_condition_is_refused_at_its_column(text: str, column: int, why: str) -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        signals_of(text)

    assert (caught.value.column, caught.value.why[: len(why)]) == (column, why)


@given(st.text(max_size=60) | st.text("()!&|<>=+-*/. 019rowslup[]\"'\n", max_size=60))
def test_whatever_is_given_is_refused_by_name_or_comes_to_a_truth(text: str) -> None:
    try:
        Policy.from_json({"conditions": [{"name": "c", "when": text}]})
    except PolicyInvalid as error:
        found: object = error.name
    else:
        found = holds(text, dict.fromkeys(signals_of(text), 1.0))

    assert found in (True, False, None, "conditions[0].when")


@given(TRUTH, st.dictionaries(SOME, st.floats(allow_nan=False, allow_infinity=False), min_size=12))
def test_what_is_accepted_comes_to_a_truth_or_to_none_for_whatever_finite_signals(
    text: str, known: dict[str, float]
) -> None:
    try:
        named = signals_of(text)
    except ExpressionInvalid as error:
        named = ()
        found: object = next((word for word in ("400", "metric", "not accepted") if word in error.why), error.why)
    else:
        found = holds(text, {name: known.get(name, 0.0) for name in named})

    assert found in (True, False, None, "400", "metric", "not accepted")


def test_a_condition_names_each_of_its_signals_once() -> None:
    found = signals_of('metric["p 99"].value < 2 && loss.up > 0.1 || -metric["p 99"].value > loss.up')

    assert found == ('metric["p 99"].value', "loss.up")
