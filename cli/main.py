"""The `remission` command. Each command imports what it runs, so that help is quick."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer
from typer.exceptions import TyperException

from cli import audit, bundle, drill, duty, privacy, record, windows
from cli.incidents import incidents
from cli.options import DEFAULT_SERVER, MOST_POSITION, AsJson, Server
from cli.policies.commands import policies
from cli.signals import signals

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Watch models in production, and bring them back to health. Exit code 2: refused, and told why in a line.",
)

#: What commands are for, as help groups them.
CALLED, RECORD, PEOPLE = "When you are called", "The record, and who can check it", "People and their data"
RUNNING, BEFORE = "Running it", "Before it is used"
_COMMANDS = {
    CALLED: (
        *(duty.wait, duty.watch, windows.windows, duty.approve, duty.reject, duty.hold, duty.release),
        *(duty.freeze, duty.unfreeze, duty.abort, duty.rollback, duty.retrain),
    ),
    RECORD: (
        *(audit.replay, audit.explain, record.checkpoint, record.receipt, record.tiles, record.restore),
        *(bundle.export, bundle.verify, bundle.inventory),
    ),
    PEOPLE: (privacy.erase, privacy.erasures, privacy.who),
    BEFORE: (drill.drill,),
}

for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
app.command("open", rich_help_panel=RECORD)(bundle.open_rows)
app.add_typer(record.keys, name="key", rich_help_panel=RECORD)
app.add_typer(signals, name="signals", rich_help_panel=RUNNING)
app.add_typer(incidents, name="incidents", rich_help_panel=CALLED)
app.add_typer(policies, name="policy", rich_help_panel=BEFORE)
WRONG_USE = 2  #: exit code when what was asked cannot be done as it was asked

LEFT = 1  #: exit code where nobody reads on


def main() -> None:
    """Run the command; a refusal is one line on standard error and exit code 2."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its library would put lines of its own beside ours
    # Read as scikit-learn loads: trees on few rows gain nothing from threads, and they wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        code = app(standalone_mode=False, prog_name="remission")
        if sys.stdout is not None:  # as it is where a shell has closed it
            sys.stdout.flush()
    except TyperException as error:
        from cli.usage import told

        if said := told(error, typer.main.get_command(app), sys.argv[1:]):
            _say(said)
        sys.exit(WRONG_USE)
    except BrokenPipeError:  # the reader has left, and wants no more
        _let_go_of(sys.stdout)
        sys.exit(LEFT)
    except Exception as error:
        from cli.refusals import expected, one_line
        from cli.tables import visible

        if not expected(error):
            raise
        _say(visible(one_line(error)))
        _let_go_of(sys.stdout)
        sys.exit(WRONG_USE)
    sys.exit(code)  # which is none where all went well


def _say(why: str) -> None:
    """Say why it ends; where nothing can be said the exit code alone tells."""
    try:
        typer.echo(f"remission: {why}", err=True)
    except OSError:
        _let_go_of(sys.stderr)


def _let_go_of(stream: TextIO) -> None:
    """Write nowhere what *stream* still holds: Python would try once more as it ends, and complain itself."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


@app.command(rich_help_panel=RUNNING)
def serve(  # noqa: PLR0913, PLR0917 - each is one option
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    database: Annotated[str | None, typer.Option("--db", help="sqlite:///FILE or postgresql://…")] = None,
    vault: Annotated[
        str | None, typer.Option(help="Where the keys of data are: sqlite:///FILE or postgresql://…")
    ] = None,
    artifacts: Annotated[str | None, typer.Option(help="Folder or URL of artefacts.")] = None,
    signing_key: Annotated[Path | None, typer.Option(help="File of the keys that sign checkpoints.")] = None,
    clock: Annotated[str | None, typer.Option(help="system, or stream: a model's time is that of its data.")] = None,
    logs: Annotated[str | None, typer.Option(help="console or json.")] = None,
    migrate_first: Annotated[bool, typer.Option("--migrate", help="Bring the database up to date first.")] = False,
) -> None:
    """Serve the contract over gRPC until told to stop (SIGTERM, SIGINT)."""
    # What is imported stays: to look through it again and again for what could go costs a tenth of a start.
    gc.disable()
    from server.serve import run
    from server.settings import load, to_serve
    from store import migrate as migration

    given = load(
        config, host=host, port=port, database=database, vault=vault, artifacts=artifacts, clock=clock, logs=logs,
        signing_key=str(signing_key) if signing_key else None,
    )  # fmt: skip
    settings = to_serve(given)
    if migrate_first:
        migration.upgrade(settings.database)
    run(settings)


@app.command(rich_help_panel=RUNNING)
def migrate(
    database: Annotated[
        str, typer.Option("--db", envvar="REMISSION_DATABASE", help="sqlite:///FILE or postgresql://…")
    ] = "sqlite:///remission.db",
    to: Annotated[str, typer.Option(help="A revision; head is the newest, base is none.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Go down to the revision instead of up.")] = False,
) -> None:
    """Bring a database to a schema version. A log that is not empty is never dropped."""
    from store import migrate as migration

    if down and to == "head":
        raise typer.BadParameter("a revision, or base for no schema at all, is needed with --down", param_hint="--to")
    (migration.downgrade if down else migration.upgrade)(database, to)
    typer.echo(f"schema {migration.current(database) or 'empty'}")


@app.command(rich_help_panel=RUNNING)
def worker(
    server: Server = DEFAULT_SERVER,
    name: Annotated[str, typer.Option(help="Who leases the jobs; else worker-PID.")] = "",
    once: Annotated[bool, typer.Option("--once", help="Do at most one job.")] = False,
) -> None:
    """Train candidates in a sandbox, job after job, until told to stop."""
    from cli.work import work

    work(server, name or f"worker-{os.getpid()}", once=once)


@app.command(rich_help_panel=BEFORE)
def backtest(  # noqa: PLR0913, PLR0917 - each is one option
    file: Annotated[Path, typer.Argument(help="CSV (plain or gzipped) or Parquet.")],
    target: Annotated[str, typer.Option(help="Column of the truth.")],
    task: Annotated[str | None, typer.Option(help="binary, multiclass or regression; else inferred.")] = None,
    drop: Annotated[str, typer.Option(help="Columns to leave out: A,B.")] = "",
    time: Annotated[str | None, typer.Option(help="Column to order by; the stream's clock.")] = None,
    reference_share: Annotated[float, typer.Option(help="First share of the rows: trains and is the reference.")] = 0.2,
    label_delay: Annotated[
        int | None, typer.Option(help="Rows until the truth is known; default 1 % of the stream.")
    ] = None,
    window: Annotated[int | None, typer.Option(help="Rows in a window; default from the reference.")] = None,
    metric: Annotated[str, typer.Option(help="accuracy, roc_auc or mae.")] = "",
    policy: Annotated[
        str | None, typer.Option(help="A file, JSON or YAML, that overrides parts of the policy; or `default`.")
    ] = None,
    template: Annotated[str, typer.Option(help="The recipe for candidates.")] = "hgb-60",
    outcomes: Annotated[str, typer.Option(help="exogenous or selective.")] = "exogenous",
    database: Annotated[str, typer.Option("--db", help="Where the log goes; default a temporary file.")] = "",
    server: Annotated[str, typer.Option(help="Drive a server on the stream's clock instead: HOST:PORT.")] = "",
    external_worker: Annotated[
        bool, typer.Option("--external-worker", help="Leave the jobs to `remission worker`.")
    ] = False,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Also retrain at every tenth, for comparison.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the run; part of the record.")] = 0,
    json_file: Annotated[
        str, typer.Option("--json", help="Write the report to this file, or - for standard output.")
    ] = "",
) -> None:
    """Say what the service would have done to a model on recorded history.

    Example: remission backtest rides.csv.gz --target ridership --task regression --json report.json
    """
    from cli.history import run_backtest

    run_backtest(
        file, target=target, task=task, drop=drop, time=time, reference_share=reference_share,
        label_delay=label_delay, window=window, metric=metric, policy=policy, template=template, outcomes=outcomes,
        database=database, server=server, external_worker=external_worker, baselines=baselines, seed=seed,
        json_file=json_file,
    )  # fmt: skip


@app.command(rich_help_panel=RUNNING)
def models(
    retired: Annotated[bool, typer.Option("--retired", help="List those that were retired, too.")] = False,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """List the models under watch."""
    from cli.reach import reached
    from cli.tables import show, told, unread

    with reached(server) as client:
        listing = client.models.list(include_retired=retired)
        found = [told(model) for model in listing] + unread(listing.unreadable, "name")
    columns = ("name", "owner", "task", "metric", "champion", "reference_rows", "policy_version")
    show(found, (*columns, "retired") if retired else columns, as_json=as_json)


@app.command(rich_help_panel=CALLED)
def state(
    model: Annotated[str, typer.Argument(help="A model; all without one.")] = "",
    at: Annotated[str, typer.Option(help="As of an instant, such as 2026-01-31T12:00:00Z.")] = "",
    version: Annotated[int | None, typer.Option(help="As of a version of the model.", max=MOST_POSITION)] = None,
    position: Annotated[int | None, typer.Option(help="As of a position of the log.", max=MOST_POSITION)] = None,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell the state of a model, or of all; of one also at a moment of its past."""
    from cli.reach import reached
    from cli.tables import show, told, unread

    columns: tuple[str, ...] = (
        "model",
        "state",
        "phase",
        "automation",
        "reason",
        "entered",
        "champion",
        "candidate",
        "exposure_bp",
        "silent_signals",
    )
    if at or version is not None or position is not None:
        from cli.asof import MORE, as_of

        found, columns = [as_of(server, model, at, version, position)], (*columns, *MORE)
    else:
        with reached(server) as client:
            if model:
                found = [told(client.state(model))]
            else:
                listing = client.health.list()
                found = [told(one) for one in listing] + unread(listing.unreadable)
    show(found, columns, as_json=as_json)


@app.command(rich_help_panel=RECORD)
def history(
    model: Annotated[str, typer.Argument(help="A model; all without one.")] = "",
    after: Annotated[int, typer.Option(help="Events behind this position only.", max=MOST_POSITION)] = 0,
    who: Annotated[
        bool, typer.Option("--who", help="Show names where actors have ids, to those who may see them.")
    ] = False,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Read the event log."""
    from cli.reach import reached
    from cli.tables import show, told

    with reached(server) as client:
        found = [told(event) for event in client.history(model, after_position=after)]
        if who:
            from cli.actors import named

            found = named(client, found)
    show(found, ("position", "stream", "version", "type", "occurred", "actor", "payload_json"), as_json=as_json)


@app.command(rich_help_panel=BEFORE)
def demo(
    json_file: Annotated[str, typer.Option("--json", help="Write the report to this file.")] = "",
) -> None:
    """Show the whole loop on real data: Chicago rail ridership, 2001-2016, over gRPC, with a worker."""
    from cli.demo import run_demo

    if not run_demo(json_file):
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
