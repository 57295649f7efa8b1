"""No personal data in the log: which fields an event may have, and which names a feature should not.

An event is for ever. So each of its texts is listed here with what it holds: a word of ours, id or hash, the opaque
id of who acts, or, in the few that are notes, what people write. A field that is not listed is refused until somebody
says what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from statemachine.kinds import Event

#: Words of a name that tell of a person, whatever the type of what is in it.
PERSONAL = frozenset(
    (
        "address", "age", "birth", "birthday", "born", "city", "customer", "dob", "email", "ethnicity", "firstname",
        "gender", "iban", "ip", "lastname", "latitude", "longitude", "mail", "mobile", "msisdn", "nationality",
        "passport", "person", "phone", "postcode", "race", "religion", "salary", "sex", "ssn", "street", "surname",
        "telephone", "user", "username", "zip",
    )
)  # fmt: skip
#: Texts that are words of ours: each is one of a few.
WORDS = frozenset(
    (
        "cause", "detector", "dest", "entrant", "entrants", "failure", "finding", "instead_of", "isolation", "metric",
        "outcomes", "reason", "remedy", "returns_to", "scope", "signal", "source", "task", "template",
        "trigger", "verdict",
    )
)  # fmt: skip
#: Texts that are ids, hashes, or names that a model's owner gives to things.
NAMES = frozenset(
    (
        "candidate", "champion", "chosen", "erasure", "evidence", "features_sha256", "job", "jobs", "manifest", "model",
        "owner", "provider", "pseudonym", "reference_sha256", "rollback_target", "router", "salt",
        "semantic_sha256", "shadows", "spec", "subject", "version", "versions", "worker",
    )
)  # fmt: skip
#: Texts that name who acts, as the envelope's `actor` does: an opaque id, or a word of ours (`statemachine/actors.py`).
ACTORS = frozenset(("requested_by",))
#: Texts that people write. They are told to keep persons out of them, and nothing that is folded depends on one.
NOTES = frozenset(("note", "purpose"))
#: Structures whose own fields are numbers and words of ours.
STRUCTURES = frozenset(("causes", "gates", "measured", "policy", "signals"))
_NUMBERS = (int, float, bool)


def personal_words(name: str) -> list[str]:
    """Give the parts of *name* that tell of a person.

    >>> personal_words("home_address"), personal_words("birthDate"), personal_words("pages_per_visit")
    (['address'], ['birth'], [])
    """
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]
    return [part for part in parts if part in PERSONAL]


def unfit_fields(events: Iterable[type[Event]]) -> Iterator[str]:
    """Tell each field of *events* that may hold personal data, and what would be accepted."""
    for cls in events:
        hints = get_type_hints(cls)
        dataclass: Any = cls
        for field in fields(dataclass):
            why = _unfit(field.name, hints[field.name])
            if why:
                yield f"{cls.name}.{field.name}: {why}"


def _unfit(name: str, hint: Any) -> str:  # noqa: ANN401 - any type
    told = personal_words(name)
    if told:
        return f"{told[0]!r} tells of a person; an aggregate, or an opaque id under another name, is accepted"
    if hint in _NUMBERS or (name in STRUCTURES and (hint is dict or _holds(hint, dict))):
        return ""
    if hint is str or _holds(hint, str):
        known = name in WORDS | NAMES | ACTORS | NOTES
        return "" if known else "is a text that statemachine/personal.py does not list; say there what it holds"
    return f"{hint} is not accepted; numbers, texts that are listed, and lists of them are"


def _holds(hint: Any, kind: type) -> bool:  # noqa: ANN401 - as above
    """Say whether *hint* is a list of *kind*, or for a dictionary one with names as keys."""
    inner = get_args(hint)
    return bool(inner) and (inner[0] is kind or _origin(inner[0]) is kind or _origin(hint) is kind)


def _origin(hint: Any) -> Any:  # noqa: ANN401 - as above
    return getattr(hint, "__origin__", None)
