"""`remission incidents`: what an incident is like, and what ended that."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.options import DEFAULT_SERVER, MOST_COUNT, MOST_POSITION, AsJson, Server

incidents = typer.Typer(no_args_is_help=True, help="Lay an incident beside those that are over.")
COLUMNS = ("model", "position", "began", "cause", "features", "similarity", "cure", "tried", "loss", "since", "why")


@incidents.callback()
def _more_than_one() -> None:
    """Keep the name of a command, also while there is only one."""


@incidents.command()
def similar(
    model: Annotated[str, typer.Argument(help="Whose incident.")],
    position: Annotated[
        int, typer.Option(help="Where its alarm stands in the log; 0 is the newest incident.", max=MOST_POSITION)
    ] = 0,
    most: Annotated[int, typer.Option(help="How many to tell, up to 100.", max=MOST_COUNT)] = 5,
    own: Annotated[bool, typer.Option("--own", help="Leave out the incidents of other models.")] = False,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Find past incidents that are like one of a model, what was tried then, and what ended them.

    Those of the model itself come first. The log is the library: nothing is recorded, and nothing is decided by it.
    """
    import json

    from cli.reach import reached
    from cli.tables import show, told, visible, wide

    with reached(server) as client:
        found = told(client.audit.similar_incidents(model, position=position, most=most, own=own))
    if as_json:
        wide().print_json(json.dumps(found))
        return
    asked = _row(found["incident"])
    alarm = f"{model}, alarm at {asked['position']}: {asked['signal']} {asked['subject']}".rstrip()
    typer.echo(visible(alarm + _told(asked)))
    show([_row(one["incident"]) | _likeness(one) for one in found["similar"]], COLUMNS, as_json=False)
    typer.echo(_beyond(found))


def _told(asked: dict[str, Any]) -> str:
    features = f" in {', '.join(asked['features'])}" if asked["features"] else ""
    return f", {asked['cause'] or 'not explained yet'}{features}"


def _row(one: dict[str, Any]) -> dict[str, Any]:
    from cli.tables import day

    first = one["causes"][0] if one["causes"] else {"kind": "", "features": []}
    return {
        "model": one["model"], "position": one["position"], "began": day(one["detected_us"]),
        "signal": one["signal"], "subject": one["subject"], "cause": first["kind"], "features": first["features"],
        "tried": "; ".join(_tried(attempt) for attempt in one["attempts"]) or "nothing",
        "loss": _levels(one.get("losses")),
        "since": f"again on {day(one['next_us'])}" if int(one["next_us"]) else "none since",
    }  # fmt: skip


def _tried(attempt: dict[str, Any]) -> str:
    told = [attempt["remedy"] or "no choice", attempt["end"] or "under way", attempt["reason"]]
    return " ".join(part for part in (*told, _levels(attempt.get("losses"))) if part)


def _levels(losses: dict[str, float] | None) -> str:
    return f"{losses['before']:.4g} to {losses['after']:.4g}" if losses else ""


def _likeness(one: dict[str, Any]) -> dict[str, str]:
    why = "; ".join(f"{part['part']}: {part['told']}" for part in one["parts"])
    return {"similarity": f"{one['similarity']:.2f}", "cure": one["cure"], "why": why}


def _beyond(found: dict[str, Any]) -> str:
    left_out = f"; {found['models_left_out']} were left out" if found["models_left_out"] else ""
    return f"{len(found['similar'])} alike; incidents of {found['models_read']} other models were compared{left_out}"
