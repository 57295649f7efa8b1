"""Draws docs/policy.md from the dataclasses of the policy, so that the page cannot differ from what is accepted."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from scripts.policy_meanings import meanings
from statemachine.policies.grammar import MOST_DEPTH, MOST_LENGTH
from statemachine.policies.parts import MOST_PARTS
from statemachine.policies.policy import Policy
from statemachine.policies.sections import MOST_SEGMENTS, Condition, Persistence, Quality, Rule, Segments, Split
from statemachine.policies.signals import OF_METRICS, SIGNALS, metric
from statemachine.policies.values import MOST_TEXT

PAGE = Path(__file__).resolve().parents[1] / "docs" / "policy.md"
LARGEST_PLAIN = 10_000_000  #: numbers from here on are written with an exponent

HEAD = """# Policy

Drawn by `scripts/draw_policy.py` from `statemachine/policies/policy.py`. Do not edit it by hand.

A policy is an object. It is given when a model is created or updated, as JSON in `policy_json` or as a message in
`policy`, one of the two, and as `--policy FILE`, JSON or YAML, to a backtest. What it leaves out keeps its default. A
key that is unknown, a value of another type, or one out of bounds is refused by its dotted name. A policy that is
given to an update replaces the old one whole, and is refused while a remedy is under way. Bounds include their ends.
Quantities of rows derive from the size of the reference. What waits for data (suspect, degraded, shadow, rung,
promoting) waits at least as long as the reference took to gather. The message (`proto/remission/v1/policy.proto`) is
drawn from the same fields by `scripts/draw_policy_proto.py`; what it sets that this release does not know is refused,
not passed over.

```json
{"tier": 2, "approvals": {"required": true}, "canary": {"rungs_bp": [100, 1000, 2500]}}
```

The same as YAML, in a file that ends in `.yaml` or `.yml`. Of YAML (1.2, core schema) only what JSON can say is read:
aliases, tags, second documents and keys that are said twice are refused at their line and column, and `no` is a word,
not false.

```yaml
tier: 2
approvals: {required: true}
canary:
  rungs_bp: [100, 1000, 2500]
```

`remission policy check FILE` names everything that is wrong with a file, each at its line, and asks no server.
`remission policy show` tells a policy in sentences, with all that it leaves to defaults. `remission policy diff OLD
NEW` tells what differs in what two policies come to, by dotted name and in sentences. Each side is a file,
`default`, or a version from the log of a model: every policy that a model was given is one, counted from 1, and each
event names the version that it was decided under. `model:NAME` is the newest, `model:NAME@3` the third.

`remission policy try` tells what a policy would have done before it is used. With `--stream FILE --target COLUMN` a
recorded stream is run whole under it and under another (`--against`), and both are told side by side: alarms,
confirmed, cleared, remedies, promotions, rollbacks, the loss served, and every move. With `--model NAME` each
decision in the log of a model is judged again under it, on the inputs that are on record: they were measured under
the policy of their time, so windows, blocks and the tolerance of the loss stay as they were. No decision is told
where the reference would be needed, which servers keep.
"""

RULES = """### Rules across columns

What must hold of every row, as that an end does not come before its start. A rule is an expression over the columns
of a row that are numbers, in the part of the Common Expression Language that [conditions](#conditions) are written in;
a column whose name is no word is `row["its name"]`. A row that lacks a number which the rule asks for, and one in
which a comparison is of no number, as 0.0 / 0.0, neither keeps the rule nor breaks it. Rows that break it are counted
in each window; more of them than the reference had, and than is tolerated, are a fault of the data by the name of the
rule, and are kept out of training like other broken rows. Where rows of the reference broke it in clumps, as those of
one device may, rows say as much less as their counts there varied more than those of independent rows. A rule that the
reference breaks in so many rows that 90 % are tolerated is not judged: by default from 45 % on. A rule about a column
that a model does not have as a number is refused when the model is given the policy.

```yaml
quality:
  rules:
  - name: ends_after_start
    must: end >= start
  - name: parts_make_the_whole
    must: row["net amount"] + tax <= total * 1.01 || refund > 0
    tolerance: 0.001
  - name: pieces_are_whole
    must: pieces + 67108864.0 * 100663296.0 - 67108864.0 * 100663296.0 == pieces
```

The last one says that numbers are whole: what is added to 1.5 times 2^52 has no place for a fraction, so that it is
rounded; that holds up to 2^51. Bins of whole numbers begin at one and are at least as wide as these are apart, so
counts do not see that they have got a fraction, or are too high by less than one.
"""

SPLITS = f"""### Splits

A decline that is local to a few rows drowns in the whole, so it is looked for where the policy says. Each split makes
segments of a column: `region=north` of a category, `age<30`, `30<=age<50` and `age>=50` of a number. At most
{MOST_SEGMENTS} segments over all splits are accepted; a split that would have more is refused with the number, as is
one of a column, or a category, that the model does not have. A row whose value is missing, or none of those named, is
in none of the split. What is normal for a segment is learned from its rows in the reference, as they stand in the
model's feed; so splits may be changed at any time, and a segment of which too few reference rows are left is not
watched.

```yaml
segments:
  splits:
  - name: region
    column: region
    values: [north, south]
  - name: age
    column: age of client
    edges: [30, 50]
```
"""

CONDITIONS = f"""## `conditions`

A list of at most {MOST_PARTS} conditions over named signals; none by default. They are evaluated when a window of
rows ends, in the Common Expression Language, on signals that are recorded as evidence, with the name and version of
what evaluated them. `suspect` raises suspicion when the condition has held for as long as its persistence says; only
windows after the alarm confirm it, or clear it when it cannot have held. `escalate` does the same and has people told
at once. `accept` clears the alarm of a risen loss while it holds: both stay on record, and no commit lies between
them. A signal that could not be told makes a condition that names it not known, neither true nor false; so does 0.0 /
0.0 in a comparison.

Of the language, numbers, signals, `+ - * /`, comparisons, `&&`, `||`, `!` and brackets are accepted: at most
{MOST_LENGTH} characters and {MOST_DEPTH} levels, no calls, lists or loops. All signals are numbers with a point:
beside them, `2.0` is added and multiplied, not `2`. Names that nobody knows, types that do not fit, and what comes to
no truth are refused when the policy is given, at their column.

```yaml
conditions:
- name: tolerable
  when: metric["latency p99"].ratio < 1.2 && metric["complaints"].value <= 3
  then: accept
- name: slow_and_wrong
  when: loss.up > 0.03 && metric["latency p99"].ratio > 1.5
  persistence: {{of: 5, at_least: 3}}
```
"""


def main() -> None:
    """Write the page; with `--check`, only say whether it is fresh."""
    text = page()
    if "--check" in sys.argv:
        fresh = PAGE.read_text(encoding="utf-8") == text
        sys.exit(0 if fresh else "docs/policy.md is stale; run scripts/draw_policy.py")
    PAGE.write_text(text, encoding="utf-8")


def page() -> str:
    """Write the whole page."""
    hints = get_type_hints(Policy)
    plain = [one for one in fields(Policy) if not is_dataclass(hints[one.name]) and one.name != "conditions"]
    parts = [HEAD, *_table("The whole", "What holds for the model as a whole.", Policy, plain, "")]
    for one in fields(Policy):
        section = hints[one.name]
        if is_dataclass(section):
            said = inspect.getdoc(section) or ""
            parts += _table(f"`{one.name}`", said, section, list(fields(section)), f"{one.name}.")
            parts += FURTHER[section]() if section in FURTHER else []
    return "\n".join([*parts, *_conditions()])


def _rules() -> Iterator[str]:
    """Write what rules are."""
    yield RULES
    yield from _table("A rule", inspect.getdoc(Rule) or "", Rule, list(fields(Rule)), "")


def _splits() -> Iterator[str]:
    """Write what splits are."""
    yield SPLITS
    yield from _table("A split", inspect.getdoc(Split) or "", Split, list(fields(Split)), "segments.splits.")


FURTHER = {Quality: _rules, Segments: _splits}  #: what is written behind the table of a section


def _conditions() -> Iterator[str]:
    """Write what conditions are, and what they may name."""
    known = [one for one in fields(Condition) if one.name != "persistence"]
    yield CONDITIONS
    yield from _table("A condition", inspect.getdoc(Condition) or "", Condition, known, "")
    lasting = inspect.getdoc(Persistence) or ""
    yield from _table("Its `persistence`", lasting, Persistence, list(fields(Persistence)), "")
    yield from ("## Signals", "", "What conditions may name.", "", "| signal | meaning |", "|---|---|")
    yield from (f"| `{name}` | {said[0].upper()}{said[1:]}. |" for name, said in SIGNALS.items())
    yield from (f"| `{metric('name', part)}` | Of a metric series: {said}. |" for part, said in OF_METRICS.items())
    yield ""


def _table(title: str, said: str, section: Any, known: list[Field[Any]], prefix: str) -> Iterator[str]:  # noqa: ANN401 - a class
    hints, told = get_type_hints(section), meanings(section, prefix)
    yield from (f"## {title}", "", _linked(said), "", "| field | default | accepted | meaning |", "|---|---|---|---|")
    for one in known:
        meaning = told[one.name]
        said = f"{meaning[0].upper()}{meaning[1:]}."
        yield f"| `{one.name}` | {_default(one)} | {_accepted(one, hints[one.name])} | {said} |"
    yield ""


def _linked(said: str) -> str:
    """Write a module that a docstring names as the file that it is."""
    return re.sub(r"`(\w+)\.(\w+)`", r"`\1/\2.py`", said)


def _default(one: Field[Any]) -> str:
    value: Any = one.default
    if value is MISSING:
        return "must be given"
    if value is None or isinstance(value, bool):
        return f"`{json.dumps(value)}`"
    if value in ((), ""):
        return "none"
    if isinstance(value, str):
        return f"`{value}`"
    if isinstance(value, tuple):
        return ", ".join(f"{item:,}" if isinstance(item, int) else f"`{item}`" for item in value)
    return _number(value)


def _accepted(one: Field[Any], hint: Any) -> str:  # noqa: ANN401 - any annotation
    if "accepted" in one.metadata:
        return ", ".join(f"`{word}`" for word in one.metadata["accepted"])
    if "low" in one.metadata:
        whole = "whole, " if hint in (int, int | None) else ""
        none = ", or `null`" if one.default is None else ""
        return f"{whole}{_number(one.metadata['low'])} to {_number(one.metadata['high'])}{none}"
    if one.metadata:
        return _accepted_texts(one)
    if hint is bool:
        return "`true`, `false`"
    if hint == tuple[int, ...]:
        return "rising, below 10,000, the last at least 2,500"
    return "a list of names" if hint == tuple[str, ...] else f"a list of up to {MOST_PARTS}"


def _accepted_texts(one: Field[Any]) -> str:
    if "each" in one.metadata:
        return "a list of numbers that rise" if one.name == "edges" else "a list of texts"
    if one.name in {"column", "entity"}:
        return f"a text of up to {MOST_TEXT}"
    return "a letter and up to 62 of a to z, 0 to 9 and _" if one.name == "name" else "an expression, see above"


def _number(value: float) -> str:
    if abs(value) < LARGEST_PLAIN and float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-")


if __name__ == "__main__":
    main()
