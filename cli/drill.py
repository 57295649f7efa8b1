"""`remission drill`: scenarios of drift played in the real service, and what people are shown of them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

FEW = 30  #: reports that are kept
COLUMNS = (
    *("scenario", "as expected", "expected", "what happened"),
    *("suspect", "confirm", "restore", "cause", "remedy"),
)


def drill(  # noqa: PLR0913, PLR0917 - each is one option
    scenario: Annotated[
        list[str] | None, typer.Option(help="A scenario by name; repeat it for more. All without.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="A JSON or YAML file that overrides parts of the policy; or `default`.")
    ] = None,
    stream: Annotated[
        Path | None, typer.Option(help="Plant in rows of your own: CSV (plain or gzipped) or Parquet.")
    ] = None,
    target: Annotated[str, typer.Option(help="Column of the truth, with --stream.")] = "",
    task: Annotated[str, typer.Option(help="binary, multiclass or regression; of a stream, else inferred.")] = "",
    drop: Annotated[str, typer.Option(help="Columns of the stream to leave out: A,B.")] = "",
    template: Annotated[str, typer.Option(help="The recipe for candidates.")] = "hgb-60",
    metric: Annotated[str, typer.Option(help="accuracy, roc_auc or mae.")] = "",
    seed: Annotated[int, typer.Option(help="Seed of the first run.")] = 0,
    runs: Annotated[int, typer.Option(help="Runs of each scenario, each with a seed of its own.")] = 1,
    every: Annotated[str, typer.Option(help="Drill again after so long, until stopped: 90m, 6h, 7d.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder of reports, with --every.")] = None,
    keep: Annotated[int, typer.Option(help="Reports that are kept there.")] = FEW,
    json_file: Annotated[
        str, typer.Option("--json", help="Write the report to this file, or - for standard output.")
    ] = "",
    listed: Annotated[bool, typer.Option("--list", help="Only tell which scenarios there are.")] = False,
) -> None:
    """Play scenarios of drift against a policy, in a service of their own, and say what it would do.

    No model of anyone is touched. Exit code 1: something was not as expected.

    Example: remission drill --scenario concept --scenario blip-1 --policy policy.json
    """
    if listed:
        _require_alone(scenario, policy, stream, target, task, drop, metric, every, out, json_file)
        show_scenarios()
        return
    from backtest.drills.options import Options, check
    from backtest.drills.schedule import seconds
    from cli.history import read_policy
    from cli.reports import check_writable

    options = Options(
        scenarios=tuple(scenario or ()), stream=_stream(stream, target, task, drop), task=task or "binary",
        policy=read_policy(policy), template=template, metric=metric, seed=seed, runs=runs,
    )  # fmt: skip
    check(options)
    check_writable(json_file)
    if every or out:
        _again_and_again(options, _folder(every, out, keep), keep, seconds(every))
        return
    _finish(_once(options), json_file)


def _finish(found: dict[str, Any], json_file: str) -> None:
    """Write the report where it is wanted; what is not as expected is exit code 1."""
    from cli.reports import write_report

    write_report(found, json_file)
    if not found["as_expected"]:
        raise typer.Exit(1)


def show_scenarios() -> None:
    """Print which scenarios there are."""
    from backtest.drills.scenarios import SCENARIOS
    from cli.tables import wide

    table = Table("scenario", "what happens", "what a sound policy does", header_style="bold")
    for one in SCENARIOS:
        table.add_row(one.name, one.happens, one.sound)
    wide().print(table)


def _require_alone(*others: object) -> None:
    from backtest.stream import StreamInvalid

    if any(others):
        raise StreamInvalid("--list: plays nothing and writes no report; it is accepted without other options")


def _stream(path: Path | None, target: str, task: str, drop: str) -> Any:  # noqa: ANN401 - a stream or nothing
    from backtest.stream import StreamInvalid, read_stream

    if path is None:
        if target or drop:
            raise StreamInvalid("--target: and --drop are accepted with --stream only")
        return None
    if not target:
        raise StreamInvalid("--stream: --target is needed with it, the column of the truth")
    columns = tuple(part.strip() for part in drop.split(",") if part.strip())
    return read_stream(path, target, task=task or None, drop=columns)


def _folder(every: str, out: Path | None, keep: int) -> Path:
    from backtest.stream import StreamInvalid

    if not every or out is None or not out.is_dir():
        raise StreamInvalid("--every: is accepted with --out, a folder that exists, and that with it")
    if not os.access(out, os.W_OK):
        raise StreamInvalid(f"--out: {out} cannot be written; a folder that can be is accepted")
    if keep < 1:
        raise StreamInvalid(f"--keep: {keep} is not accepted; at least 1 is")
    return out


def _once(options: Any) -> dict[str, Any]:  # noqa: ANN401 - the options of a drill
    from backtest.drills.running import drill as run
    from cli.history import with_bar
    from cli.tables import plain

    console = plain(stderr=True)
    found = with_bar(console, "drill", lambda begin: run(options, begin))
    show_drills(console, found)
    return found


def _again_and_again(options: Any, folder: Path, keep: int, seconds: int) -> None:  # noqa: ANN401 - as above
    """Drill until told to stop by an interrupt, which is no fault."""
    from backtest.drills.schedule import repeated

    try:
        rounds = repeated(lambda: _once(options), folder, keep, lambda: time.sleep(seconds), lambda: datetime.now(UTC))
        for path, told, _ in rounds:
            typer.echo(f"{path}: " + ("; ".join(told) or "nothing new"))
    except KeyboardInterrupt:
        typer.echo("stopped")


def show_drills(console: Console, found: dict[str, Any]) -> None:
    """Print a report for people: a line a scenario, and the reasons where something was not as expected."""
    title = f"drills on {found['stream']} ({found['task']}, {found['template']})"
    _show_rows(console, title, [_cells(one) for one in found["scenarios"]])
    for one in found["scenarios"]:
        wrong = [run for run in one["runs"] if not run["as_expected"]]
        for run in wrong[:1]:
            why = f", seed {run['seed']}: {run['why']} {one['sound']}"
            console.print(Text.assemble((one["scenario"], "red"), why))
    console.print(_summary(found["scenarios"]))
    console.print("Delays are windows since the change. All of it took place in memory; no model of yours was touched.")


def _show_rows(console: Console, title: str, rows: list[list[str]]) -> None:
    """Print a row a scenario: as a table, or one below the other where a table would break words, as in a mail."""
    from cli.tables import breaks_words, listed

    table = Table(title=title, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    if breaks_words(console, table):
        console.print(f"{title}\n\n{listed(COLUMNS, rows)}\n", highlight=False, soft_wrap=True)
    else:
        console.print(table)


def _summary(scenarios: list[dict[str, Any]]) -> str:
    """Count those in which something was planted: of the others nothing was expected, and nothing is shown."""
    played = [one for one in scenarios if any(run["planted"] for run in one["runs"])]
    alarms = sum(run["false_alarms"] for one in scenarios for run in one["runs"])
    left = f", {len(scenarios) - len(played)} could not be planted" if len(played) < len(scenarios) else ""
    agreed = f"{sum(one['as_expected'] for one in played)} of {len(played)} as expected{left}"
    return f"{agreed}; {alarms} false alarms before what was planted"


def _cells(one: dict[str, Any]) -> list[str]:
    first = next((run for run in one["runs"] if not run["as_expected"]), one["runs"][0])
    delays = ["-" if value is None else f"{value:g}" for value in first["delays"].values()]
    verdict = ("yes" if first["planted"] else "-") if one["as_expected"] else "NO"
    share = f"{verdict} ({one['share_as_expected']:.0%})" if len(one["runs"]) > 1 else verdict
    cause = " ".join(
        part for part in (first["cause"]["named"], _about(first["alarm"], first["fault"]["named"])) if part
    )
    remedy = ", ".join(first["remedies"]) + (f"; {first['promoted']} promoted" if first["promoted"] else "")
    return [one["scenario"], share, first["expected"], " → ".join(first["road"]), *delays, cause or "-", remedy or "-"]


def _about(alarm: dict[str, str], kinds: list[str]) -> str:
    told = ", ".join([alarm["subject"], *kinds])
    return f"({alarm['signal']}: {told})" if alarm["subject"] else ""
