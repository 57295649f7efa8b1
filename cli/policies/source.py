"""Where a policy comes from: a file, the defaults, or a model's log."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.policies.files import PolicyFile, PolicyFileInvalid, read_policy_file
from statemachine.events import ModelRegistered, PolicyChanged
from statemachine.policies.policy import Policy, PolicyInvalid

BUILT_IN = ("default", "defaults")  #: both name the policy of whoever says nothing; `./default` is a file
MODEL = re.compile(r"model:(?P<name>[^@]+)(?:@(?P<version>[0-9]{1,18}))?")
BEARERS = (ModelRegistered.name, PolicyChanged.name)  #: events that hold a policy; each is the next version


class NoSuchVersion(LookupError):
    """A model's log holds no such version of its policy."""

    def __init__(self, model: str, version: int, newest: int) -> None:
        """Name what was asked for, and what there is."""
        super().__init__(f"model:{model}@{version}: no such version of its policy; 1 to {newest} are accepted")


class PolicyRefused(ValueError):
    """A policy cannot be taken as it is: one line for each reason."""

    def __init__(self, file: PolicyFile, found: list[PolicyInvalid]) -> None:
        """Put the place in the file before each reason."""
        self.file = file.name
        self.faults = [_fault(file, one) for one in found]
        super().__init__(
            "\n".join(f"{file.name}:{one['line']}:{one['column']}: {one['message']}" for one in self.faults)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A policy, what it is called, and what of it was said."""

    name: str
    policy: Policy
    said: dict[str, Any]  #: what was written; of a model, the whole


def policy_from(text: str, server: str) -> Source:
    """Read one of `BUILT_IN`, `model:NAME`, `model:NAME@VERSION`, or else a file.

    Raises:
        PolicyFileInvalid: There is no such file, or it cannot be read.
        PolicyRefused: The file holds what no policy does.
        NoSuchVersion: The log holds no such version.
    """
    asked = MODEL.fullmatch(text)
    if asked is None:
        return policy_at(text, ", and model:NAME or model:NAME@VERSION for one in a log")
    version = asked["version"]
    return _recorded(server, asked["name"], None if version is None else int(version))


def policy_at(text: str, also: str = "") -> Source:
    """Read one of `BUILT_IN`, or else a file; *also* says what else is accepted where there is none.

    Raises:
        PolicyFileInvalid: There is no such file, or it cannot be read.
        PolicyRefused: The file holds what no policy does.
    """
    if text in BUILT_IN:
        return Source(name=text, policy=Policy(), said={})
    try:
        return policy_of(read_policy_file(Path(text)))
    except PolicyFileInvalid as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        why = f"{error.why}; a file is accepted, or what is built in: {', '.join(BUILT_IN)}{also}"
        raise PolicyFileInvalid(text, None, why) from error


def policy_of(file: PolicyFile) -> Source:
    """Give the policy that *file* holds.

    Raises:
        PolicyRefused: It holds what no policy does.
    """
    found = list(Policy.faults(file.data))
    if found:
        raise PolicyRefused(file, found)
    return Source(name=file.name, policy=Policy.from_json(file.data), said=file.data)


def _recorded(server: str, model: str, version: int | None) -> Source:
    from cli.reach import reached

    with reached(server) as client:
        client.models.get(model)  # one that is not there is refused by name
        told = [event.payload_json for event in client.audit.events(model, types=BEARERS)]
    wanted = len(told) if version is None else version
    if not 1 <= wanted <= len(told):
        raise NoSuchVersion(model, wanted, len(told))
    said = json.loads(told[wanted - 1])["policy"]
    return Source(name=f"model:{model}@{wanted}", policy=Policy.from_json(said), said=said)


def _fault(file: PolicyFile, error: PolicyInvalid) -> dict[str, Any]:
    line, column = file.place("" if error.name == "policy" else error.name)
    return {"path": error.name, "line": line, "column": column, "why": error.why, "message": str(error)}
