"""`remission backtest`: recorded history run through the service, and what people are shown of it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from backtest.doubts import doubts_of
from backtest.options import Options, setup_of
from backtest.stream import StreamInvalid, read_stream
from cli.interrupts import interruptible
from cli.policies.files import PolicyFileInvalid
from cli.policies.source import PolicyRefused, policy_at
from cli.reach import credentials, reach
from cli.reports import check_writable, write_report
from cli.tables import breaks_words, plain, visible

LINES = 40  #: of a timeline that people are shown
IN_WORDS = {"static": "left alone", "all": "retrained on all", "recent": "retrained on recent"}  #: whose loss it is


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
    policy: str | None,
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
    options = Options(
        metric=metric, template=template, outcomes=outcomes, label_delay=label_delay, window=window,
        policy=read_policy(policy),
        database=database, server=server, external_worker=external_worker, baselines=baselines, seed=seed,
        tls=credentials() if server else None,
    )  # fmt: skip
    setup_of(stream, options)  # what is wrong is told before anything heavy is imported
    check_writable(json_file)
    if server:
        reach(server)
    from backtest.run import backtest

    console = plain(stderr=True)
    for doubt in doubts_of(stream):
        console.print(visible(f"note: {doubt}"), highlight=False, soft_wrap=True)
    found = with_bar(console, stream.name, lambda begin: backtest(stream, options, begin))
    write_report(found, json_file)
    show_report(console, found)


def with_bar(console: Console, name: str, run: Any) -> dict[str, Any]:  # noqa: ANN401 - takes what begins the bar
    """Run *run* under a progress bar of rows."""
    parts = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with contextlib.ExitStack() as stack:
        again = stack.enter_context(interruptible())

        def begin(rows: int) -> Any:  # noqa: ANN401 - what is told of each step
            bar = stack.enter_context(Progress(*parts, console=console))  # not before: what is refused is one line
            line = bar.add_task(name, total=rows)

            def advance(done: int) -> None:
                again()
                bar.advance(line, done)

            return advance

        found: dict[str, Any] = run(begin)
    return found


def show_report(console: Console, found: dict[str, Any]) -> None:
    """Print a report for people: losses, the timeline, counts, and what the audit says."""
    show_losses(console, found)
    _show_timeline(console, found["transitions"][:LINES])
    if len(found["transitions"]) > LINES:
        console.print(f"… and {len(found['transitions']) - LINES} more")
    show_counts(console, found)


def show_losses(console: Console, found: dict[str, Any]) -> None:
    """Print what a row has cost, as it was served and as it would have been."""
    table = Table(title=f"{found['stream']}: loss ({found['metric']})", header_style="bold")
    for name in found["loss"]:
        table.add_column(IN_WORDS.get(name, name), justify="right")
    table.add_row(*("-" if value is None else f"{value:.5g}" for value in found["loss"].values()))
    console.print(table)


def show_counts(console: Console, found: dict[str, Any]) -> None:
    """Print how often what was done, what the audit says, and how long it took."""
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


def _show_timeline(console: Console, transitions: list[dict[str, Any]]) -> None:
    """Print a row a transition: as a table, or as a line each where a table would break words."""
    timeline = Table("row", "from", "to", "trigger", "reason", title="timeline, by row", header_style="bold")
    for one in transitions:
        timeline.add_row(str(one["row"]), one["from"], one["to"], one["trigger"], one["reason"])
    if not breaks_words(console, timeline):
        console.print(timeline)
        return
    lines = [f"{one['row']}: {one['from']} → {one['to']}, {one['trigger']} ({one['reason']})" for one in transitions]
    console.print("\n".join(["timeline, by row", *lines]), highlight=False, soft_wrap=True)


def read_policy(text: str | None) -> dict[str, Any]:
    """Read a policy file, or what is built in; nothing without either."""
    if text is None:
        return {}
    try:
        return policy_at(text).said
    except (PolicyFileInvalid, PolicyRefused) as error:
        raise StreamInvalid(f"--policy: {error}") from error
