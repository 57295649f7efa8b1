"""Orders of people on call, carried out by a server, and what is told of what follows."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import typer
from remission import Client
from remission.errors import UnavailableError
from remission.v1 import health_pb2, operations_pb2
from rich.console import Console

from cli.reach import NobodyAnswers, credentials, reach, reached
from cli.refusals import one_line
from cli.tables import instant, told, unread, visible, wide
from statemachine.reasons import SIGNALS, TOLD
from statemachine.words import Reason, Signal

AGAIN_SECONDS = 1.0  #: between two looks for a server that is away
#: Commands that have another name than the call that they make.
COMMANDS = {"start_retraining": "retrain", "roll_back": "rollback"}


def give(order: str, server: str, model: str, reason: str, etag: str, *, as_json: bool, **more: list[str]) -> None:
    """Have *order* carried out on *model*, and tell what follows. An etag may come without its quotes."""
    quoted = f'"{etag}"' if etag.isdigit() else etag
    with reached(server) as client:
        getattr(client.operations, order)(model, reason=reason, etag=quoted, **more)
        _show(client, model, as_json=as_json)


def show_wait(server: str, model: str, *, as_json: bool) -> None:
    """Tell what *model* waits for."""
    with reached(server) as client:
        _show(client, model, as_json=as_json)


def run_watch(server: str, models: list[str], after: int, *, as_json: bool) -> None:
    """Tell each change on record behind *after*, and then each that comes, until interrupted.

    A server that leaves, or is away, is waited for, and told of once; the watch goes on behind the last position seen.

    Raises:
        NobodyAnswers: No server was there to begin with.
    """
    reach(server)
    said = ""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            after, why = _watched(server, models, after, as_json=as_json)
            line = f"remission: {why}; the watch goes on behind position {after}"
            if line != said:
                typer.echo(visible(line), err=True)
            said = line
            _await(server)


def _watched(server: str, models: list[str], after: int, *, as_json: bool) -> tuple[int, str]:
    """Tell changes until the server is away; give the last position seen, and why there are no more."""
    console = wide()
    with Client(server, credentials()) as client:
        try:
            for change in client.watch(*models, after_position=after):
                _tell(console, change, as_json=as_json)
                after = max(after, change.position)
        except UnavailableError as error:
            return after, one_line(error)
    return after, "the server has ended the stream"


def _await(server: str) -> None:
    """Return once *server* answers again."""
    while True:
        time.sleep(AGAIN_SECONDS)
        with contextlib.suppress(NobodyAnswers):
            return reach(server)


def _show(client: Client, model: str, *, as_json: bool) -> None:
    found = client.operations.explain_wait(model)
    console = wide()
    if as_json:
        console.print_json(json.dumps(_told(found)))
        return
    for line in _lines(found):
        console.print(visible(line), highlight=False)


def _told(found: operations_pb2.ExplainWaitResponse) -> dict[str, Any]:
    waits = [{**told(one), **({"due": instant(one.due_us)} if one.due_us else {})} for one in found.waits]
    concern = {"concern": told(found.concern)} if found.HasField("concern") else {}
    more = {
        "explanation": found.explanation,
        "note": found.note,
        "requested_by": found.requested_by,
        "orders": _orders(found),
    }
    return {"state": told(found.state), "waits": waits, **concern, **more}


def _lines(found: operations_pb2.ExplainWaitResponse) -> list[str]:
    state = found.state
    serving = (
        f"{state.champion}, and {state.candidate} at {state.exposure_bp / 100:g} %"
        if state.candidate
        else state.champion
    )
    lines = [
        f"{state.model}: {_place(state)} ({state.reason}) since {instant(state.entered_us)}",
        *_in_words(state.reason),
        *([f"note: {found.note}"] if found.note else []),
        *_about(found),
        f"in charge: {_in_charge(state)}",
        f"serving: {serving}",
    ]
    for one in found.waits:
        until = f", until {instant(one.due_us)}" if one.due_us else ""
        lines += [f"waits for: {one.awaited}{until}", f"otherwise: {one.outcome}"]
    return [*lines, f"orders: {', '.join(_orders(found)) or 'none'}", f"etag: {state.etag.strip(chr(34))}"]


def _about(found: operations_pb2.ExplainWaitResponse) -> list[str]:
    """Tell what the open incident is about, since when, and who asked for its remedy."""
    concern = found.concern
    lines = []
    if found.HasField("concern"):
        what = f"{concern.signal} of {concern.subject}" if concern.subject else concern.signal
        when = f" ({instant(concern.onset_us)})" if concern.onset_us else ""
        since = f"suspected from row {concern.onset_row} on{when}"
        lines.append(f"about: {what}, {since}, alarm at row {concern.alarm_row}")
        lines += [f"that is: {SIGNALS[Signal(concern.signal)]}"] if concern.signal in set(Signal) else []
    if concern.cause:
        by = f", by {', '.join(concern.features)}" if concern.features else ""
        lines.append(f"cause: {concern.cause}{by}")
    return [*lines, f"asked for by: {found.requested_by}"] if found.requested_by else lines


def _orders(found: operations_pb2.ExplainWaitResponse) -> list[str]:
    """Name the commands of the orders that the service would take now; those that stop something come last."""
    return [COMMANDS.get(order, order) for order in found.orders]


def _in_words(reason: str) -> list[str]:
    """Tell what a reason means and asks for; a newer server may have reasons that this command does not know."""
    found = TOLD.get(Reason(reason)) if reason in set(Reason) else None
    return [f"means: {found.meaning}", f"do: {found.to_do}"] if found else []


def _tell(console: Console, change: health_pb2.WatchStatesResponse, *, as_json: bool) -> None:
    if change.HasField("unreadable"):
        _tell_lost(console, change, as_json=as_json)
    elif change.HasField("state") and as_json:
        _print(console, {**told(change), "state": told(change.state)})
    elif change.HasField("state"):
        _tell_change(console, change)


def _tell_lost(console: Console, change: health_pb2.WatchStatesResponse, *, as_json: bool) -> None:
    """Say on standard error which model cannot be read, where; to machines as a line among the others as well."""
    [row] = unread([change.unreadable])
    if as_json:
        _print(console, {**row, "position": str(change.position)})


def _tell_change(console: Console, change: health_pb2.WatchStatesResponse) -> None:
    state = change.state
    before = health_pb2.State.Name(change.previous).removeprefix("STATE_").lower()
    line = f"{instant(state.entered_us)}  {state.model}: {before} → {_place(state)}  {change.trigger}, {state.reason}"
    line += f": {change.note}" if change.note else ""
    console.print(visible(f"{line}  (position {change.position})"), highlight=False, soft_wrap=True)


def _print(console: Console, row: dict[str, Any]) -> None:
    console.print(json.dumps(row), soft_wrap=True)


def _place(state: health_pb2.ModelState) -> str:
    name = health_pb2.State.Name(state.state).removeprefix("STATE_").lower()
    return f"{name}.{state.phase}" if state.phase else name


def _in_charge(state: health_pb2.ModelState) -> str:
    if state.state == health_pb2.STATE_RETIRED:
        return "nobody (retired)"
    return {
        health_pb2.AUTOMATION_HELD: "people (held): the service watches and notifies",
        health_pb2.AUTOMATION_FROZEN: "nobody (frozen): nothing that is served changes",
    }.get(state.automation, "the service, by its policy")
