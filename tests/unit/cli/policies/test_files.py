"""Files of policies: JSON and YAML say the same, and what is hostile is refused at its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cli.policies.files import PolicyFileInvalid, parse, read_policy_file
from statemachine.policies.policy import Policy

WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12)
PLAIN = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    PLAIN | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)
HOSTILE = [
    ("tier: 1\ntier: 2\n", (2, 1), "tier: stands here a second time"),
    ("canary:\n  alpha: 0.1\n  alpha: 0.2\n", (3, 3), "canary.alpha: stands here a second time"),
    ("a: &x [1]\nb: *x\n", (2, 4), "the alias *x"),
    ("tier: !!python/object/apply:os.system [ls]\n", (1, 7), "the tag tag:yaml.org,2002:python/object/apply:os.system"),
    ("tier: 1\n---\ntier: 2\n", (2, 1), "a second document"),
    ("? [a]\n: 1\n", (1, 3), "a key that is no word"),
    ("[" * 10_000, (1, 21), "more than 20 levels"),
    ("tier: [1\n", (2, 1), "is no YAML"),
    ("tier: 1\n\tx: 2\n", (2, 1), "is no YAML: found character"),
    ('{"a\\e[2Jb": 1}', (1, 2), "the key 'a\\x1b[2Jb'"),
    ('{"\\ud800": 1}', (1, 2), "the key '\\ud800'"),
    ("tier: \x00\n", None, "is no YAML"),
]


@pytest.mark.parametrize(("text", "place", "why"), HOSTILE, ids=[why for *_, why in HOSTILE])
def test_what_is_more_than_plain_values_is_refused_at_its_line_and_column(
    text: str, place: tuple[int, int] | None, why: str
) -> None:
    with pytest.raises(PolicyFileInvalid) as caught:
        parse("p.yaml", text)

    assert (caught.value.place, caught.value.why[: len(why)]) == (place, why)


@given(st.text(max_size=200) | st.text("{}[]:,-?!&*#|>'\"% \ntier", max_size=60))
def test_whatever_a_file_holds_it_is_read_or_refused(text: str) -> None:
    assert told(text).startswith("p.yaml")


def told(text: str) -> str:
    """Say what is made of a file, be it refused or not."""
    try:
        file = parse("p.yaml", text)
    except PolicyFileInvalid as error:
        return str(error)
    return f"{file.name}: {[str(one) for one in Policy.faults(file.data)]}"


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_json_and_yaml_of_one_value_are_read_as_that_value(value: dict[str, Any]) -> None:
    as_json, as_yaml = json.dumps(value, ensure_ascii=False), yaml.safe_dump(value, allow_unicode=True)

    assert parse("p.json", as_json).data == value == parse("p.yaml", as_yaml).data


def test_words_that_yaml_once_took_for_something_else_are_words() -> None:
    found = parse("p.yaml", "[no, on, 1:30, 2026-01-01, .nan, 0o7, 1_000]").data

    assert found == ["no", "on", "1:30", "2026-01-01", ".nan", "0o7", "1_000"]


def test_a_file_that_is_named_json_must_be_json(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text("tier: 2\n", encoding="utf-8")

    with pytest.raises(PolicyFileInvalid, match=r"policy\.json:1:1: is no JSON"):
        read_policy_file(file)


@pytest.mark.parametrize("name", ["policy.json", "policy.yaml"])
def test_a_mark_of_order_at_the_beginning_is_passed_over(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text('{"tier": 2}', encoding="utf-8-sig")

    assert read_policy_file(file).data == {"tier": 2}


def test_a_number_of_thousands_of_digits_is_told_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(f'{{"tier": {"9" * 5000}}}', encoding="utf-8")
    read = read_policy_file(file)

    assert [(read.place(one.name), one.name) for one in Policy.faults(read.data)] == [((1, 2), "tier")]


def test_a_file_without_end_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b" " * 65_537)

    with pytest.raises(PolicyFileInvalid, match="is longer than 65536 bytes"):
        read_policy_file(file)


def test_every_fault_has_its_place_also_what_lies_in_a_list() -> None:
    file = parse("p.yaml", "tier: 9\ngates:\n  mandatory:\n  - holdout\n  - luck\ntyre: 1\ncanary: 3\n")

    places = {one.name: file.place(one.name) for one in Policy.faults(file.data)}
    assert places == {"tier": (1, 1), "gates.mandatory[1]": (5, 5), "tyre": (6, 1), "canary": (7, 1)}


def test_the_faults_of_a_policy_begin_with_the_one_that_a_server_refuses_it_for() -> None:
    data = {"tier": 9, "canary": {"alpha": 7, "beta": 1}}

    found = [str(one) for one in Policy.faults(data)]
    with pytest.raises(ValueError, match="tier") as caught:
        Policy.from_json(data)
    assert found[0] == str(caught.value)
    assert len(found) == 3
