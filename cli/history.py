"""`remission backtest` and `remission replay`: history run through the service, and history checked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from remission import Client
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from backtest.run import Options, backtest
from backtest.stream import StreamInvalid, read_stream

LINES = 40  #: of a timeline that people are shown


def run_backtest(  # noqa: PLR0913 - each is one option of the command
    file: Path,
    *,
    target: str,
    task: str | None,
    drop: str,
    time: str | None,
    reference_share: float,
    label_delay: int | None,
    window: int | None,
    metric: str,
    policy: Path | None,
    template: str,
    outcomes: str,
    database: str,
    server: str,
    external_worker: bool,
    baselines: bool,
    seed: int,
    json_file: str,
) -> None:
    """Run a backtest with a progress bar, print what it found, and write the report."""
    columns = tuple(part.strip() for part in drop.split(",") if part.strip())
    stream = read_stream(file, target, task=task, drop=columns, time=time, reference_share=reference_share)
    chosen = read_policy(policy)
    if window is not None:
        chosen = {**chosen, "windows": {**chosen.get("windows", {}), "rows": window}}
    options = Options(
        metric=metric, template=template, outcomes=outcomes, label_delay=label_delay, policy=chosen,
        database=database, server=server, external_worker=external_worker, baselines=baselines, seed=seed,
    )  # fmt: skip
    console = Console(stderr=True)
    found = with_bar(console, stream.name, lambda begin: backtest(stream, options, begin))
    if json_file == "-":
        json.dump(found, sys.stdout, indent=2)
        sys.stdout.write("\n")
    elif json_file:
        Path(json_file).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    show_report(console, found)


def with_bar(console: Console, name: str, run: Any) -> dict[str, Any]:  # noqa: ANN401 - takes what begins the bar
    """Run *run* under a progress bar of rows."""
    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*parts, console=console) as bar:
        line = bar.add_task(name, total=None)

        def begin(rows: int) -> Any:  # noqa: ANN401 - what is told of each step
            bar.update(line, total=rows)
            return lambda done: bar.advance(line, done)

        found: dict[str, Any] = run(begin)
    return found


def show_report(console: Console, found: dict[str, Any]) -> None:
    """Print a report for people: losses, counts, the timeline, and what the audit says."""
    table = Table(title=f"{found['stream']}: loss ({found['metric']})", header_style="bold")
    for name in found["loss"]:
        table.add_column(name, justify="right")
    table.add_row(*("-" if value is None else f"{value:.5g}" for value in found["loss"].values()))
    console.print(table)
    timeline = Table("row", "from", "to", "trigger", "reason", title="timeline", header_style="bold")
    for one in found["transitions"][:LINES]:
        timeline.add_row(str(one["row"]), one["from"], one["to"], one["trigger"], one["reason"])
    console.print(timeline)
    if len(found["transitions"]) > LINES:
        console.print(f"… and {len(found['transitions']) - LINES} more")
    audit = found["audit"]
    console.print(
        f"{found['promotions']} promotions, {found['rollbacks']} rollbacks, {found['retrainings']} retrainings "
        f"({found['rejected']} rejected, {found['recalibrations']} recalibrations, {found['restores']} restores)"
    )
    console.print(
        f"log: {audit['events']} events, chain {'whole' if audit['chain_ok'] else 'BROKEN'}, "
        f"replay {'equal' if audit['replay_equal'] else 'DIFFERENT'}, "
        f"{audit['rederived']} of {audit['decisions']} decisions derived again, {audit['log_sha256'][:16]}…"
    )
    console.print(f"{found['seconds']} s, of which {found['training_seconds']} s training")


def read_policy(path: Path | None) -> dict[str, Any]:
    """Read a policy file, or nothing."""
    if path is None:
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise StreamInvalid(f"--policy: {path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise StreamInvalid(f"--policy: {path} is no JSON object")
    return data


def run_replay(model: str, server: str, *, derive: bool, as_json: bool) -> bool:
    """Replay a model's log, and derive its decisions again when asked; say whether all is equal."""
    console = Console()
    with Client(server) as client:
        table = Table("version", "type", "before", "after", header_style="bold")
        summary = None
        for part in client.replay(model):
            if part.HasField("summary"):
                summary = part.summary
                continue
            step = part.step
            table.add_row(str(step.event.version), step.event.type, _place(step.before), _place(step.after))
        verified = client.audit.verify(model) if derive else None
    equal = summary is not None and summary.equal and summary.chain_ok
    if verified is not None:
        equal = equal and verified.decisions == verified.rederived
    told: dict[str, Any] = {"events": summary.events if summary else 0, "equal": equal}
    if verified is not None:
        told |= {
            "decisions": verified.decisions, "rederived": verified.rederived, "log_sha256": verified.log_sha256,
            "first_failure": verified.first_failure,
        }  # fmt: skip
    if as_json:
        console.print_json(json.dumps(told))
    else:
        console.print(table)
        console.print(told)
    return equal


def _place(state: Any) -> str:  # noqa: ANN401 - a message
    from remission.v1 import health_pb2

    name = health_pb2.State.Name(state.state).removeprefix("STATE_").lower()
    return f"{name}.{state.phase}" if state.phase else name
