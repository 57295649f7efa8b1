"""What a check has found, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from remission_verify.findings import Findings
from remission_verify.log import Progress

_WIDTH = 12


def shown(text: str) -> str:
    """Give *text* as a terminal may have it: what is no printable character is written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def as_json(found: Findings) -> str:
    """Write findings for programs."""
    faults = [{"file": one.file, "position": one.position, "said": one.said} for one in found.faults]
    told = {
        "ok": found.whole,
        "origin": found.origin,
        "size": found.size,
        "root": found.root,
        "streams": found.streams,
        "signed_by": list(found.signed_by),
        "witnesses": [{"name": name, "time_s": time_s} for name, time_s in found.witnesses],
        "faults": faults,
        "untold": found.untold,
        "checked": found.checked,
        "unchecked": found.unchecked,
        **found.more,
    }
    return json.dumps(told, indent=2)


def as_table(found: Findings, right: str) -> str:
    """Write findings for people; *right* is said when nothing is wrong."""
    rows = [
        ("log", found.origin),
        ("entries", _entries(found)),
        ("root", found.root),
        ("signed by", ", ".join(found.signed_by)),
        *(("seen by", f"{name} at {_moment(time_s)}") for name, time_s in found.witnesses),
        *((name, str(value)) for name, value in found.more.items()),
        *(() if found.whole else (("checked", ", ".join(found.checked) or "nothing"), ("unchecked", found.unchecked))),
    ]
    lines = [f"{name:{_WIDTH}}{shown(value)}" for name, value in rows if value]
    return "\n".join([*lines, *_verdict(found, right)])


def progress_for(size: int) -> Progress:
    """Give what shows progress on a terminal, and nothing elsewhere; *size* entries are few enough to wait for."""
    if not sys.stderr.isatty():
        return lambda _done, _size: None

    def show(done: int, of: int) -> None:
        if of > size:
            sys.stderr.write(f"\r{done} of {of} entries" + ("\n" if done == of else ""))

    return show


def _entries(found: Findings) -> str:
    """Say how many were signed."""
    if found.size is None:
        return "not known: no checkpoint was believed"
    return f"{found.size} in {found.streams} streams" if found.streams else str(found.size)


def _verdict(found: Findings, right: str) -> Iterable[str]:
    if found.whole:
        return [f"{'right':{_WIDTH}}{right}"]
    faults: Sequence[str] = [f"{'wrong':{_WIDTH}}{shown(str(fault))}" for fault in found.faults]
    return [*faults, *([f"{'':{_WIDTH}}and {found.untold} more"] if found.untold else [])]


def _moment(time_s: int) -> str:
    try:
        return f"{datetime.fromtimestamp(time_s, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{time_s} s"
