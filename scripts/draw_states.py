"""Draws docs/states.md from the table of moves, so that the picture cannot differ from the machine."""

from __future__ import annotations

import sys
from pathlib import Path

from statemachine import guards
from statemachine.moves import MOVES, Move
from statemachine.words import LIVING, RETIRED, Place

PAGE = Path(__file__).resolve().parents[1] / "docs" / "states.md"

TRUE_IN: dict[str, str] = {
    "healthy": "No evidence stands against the champion. A refresh may be wanted where more data make a better one.",
    "suspect": "One alarm, unconfirmed. Only rows after it confirm or clear it.",
    "degraded": "The decline is confirmed, and explained or not. A remedy is sought as budget and pauses allow.",
    "retraining.scoping": "A remediation has begun; the entrants of the bake-off are being chosen.",
    "retraining.awaiting_approval": "A person must agree before anything is trained. Silence is a refusal.",
    "retraining.queued": "The job waits for a worker.",
    "retraining.leased": "A worker holds the job; its attempt number fences off those who held it before.",
    "retraining.validating": "The bake-off is over; its winner stands before the gates.",
    "canary.shadow": "The candidate scores rows that the champion serves. Nobody is served by it.",
    "canary.rung": "The candidate serves a share of the units.",
    "canary.promoting": "The candidate serves everyone, and is watched before it counts as champion.",
    "canary.aborting": "Routers were asked to serve the champion alone; their word, or the route's end, is awaited.",
    "rolled_back": "The rollback target serves everything. After a short while the model is judged again.",
    "retired": "The watch has ended.",
}


def main() -> None:
    """Write the page; with `--check`, only say whether it is fresh."""
    text = page()
    if "--check" in sys.argv:
        sys.exit(
            0 if PAGE.read_text(encoding="utf-8") == text else "docs/states.md is stale; run scripts/draw_states.py"
        )
    PAGE.write_text(text, encoding="utf-8")


def page() -> str:
    """Write the whole page."""
    return "\n".join(
        [
            "# States",
            "",
            "Drawn by `scripts/draw_states.py` from the table in `statemachine/moves.py`. Do not edit it by hand.",
            "",
            "Who is in charge (`auto`, `held`, `frozen`) is no state: a move that makes things safe is allowed whoever",
            "is in charge, every other one only while the service may act.",
            "",
            "```mermaid",
            "stateDiagram-v2",
            "    [*] --> healthy",
            *_arrows(),
            "```",
            "",
            "## What is true in each, and how it is left",
            "",
            *(line for place in (*LIVING, RETIRED) for line in _place(place)),
            "## The table of moves",
            "",
            "| trigger | from | to | holds | makes safe |",
            "|---|---|---|---|---|",
            *(_row(move) for move in MOVES),
            "",
            "## The guards",
            "",
            *(f"- `{guard.__name__}`: {(guard.__doc__ or '').strip()}" for guard in _guards()),
            "",
        ]
    )


def _arrows() -> list[str]:
    found = [
        f"    {_id(source)} --> {_id(move.dest)}: {move.trigger}"
        for move in MOVES
        if move.trigger != "retire"
        for source in move.sources
    ]
    return [*found, "    note right of healthy: retire leads from every state to retired"]


def _id(place: Place) -> str:
    return str(place).replace(".", "_")


def _place(place: Place) -> list[str]:
    leaves = [f"`{move.trigger}` → {move.dest}" for move in MOVES if place in move.sources and move.trigger != "retire"]
    return [f"### {place}", "", TRUE_IN[str(place)], "", f"Left by: {', '.join(leaves) or 'nothing'}.", ""]


def _row(move: Move) -> str:
    sources = ", ".join(map(str, move.sources)) if move.trigger != "retire" else "every state"
    holds = ", ".join(f"`{guard.__name__}`" for guard in move.when) or "-"
    return f"| `{move.trigger}` | {sources} | {move.dest} | {holds} | {'yes' if move.stops else ''} |"


def _guards() -> list[guards.Guard]:
    return list({guard.__name__: guard for move in MOVES for guard in move.when}.values())


if __name__ == "__main__":
    main()
