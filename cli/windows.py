"""`remission windows`: what the latest windows of rows showed, feature by feature."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.options import DEFAULT_SERVER, AsJson, Server

SIZES = ("psi", "js", "ks", "wasserstein")
SHARES = ("missing", "invalid", "new", "outside")
_UNWATCHED = "not watched, for want of rows in the reference"
COLUMNS = ("feature", "evidence", "change", *SIZES, *SHARES, "mean", "spread", "new_categories")


def windows(
    model: Annotated[str, typer.Argument(help="The model.")],
    last: Annotated[int, typer.Option(help="How many windows, the newest; 1 to 50.", min=1, max=50)] = 1,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell what the latest windows of rows showed: evidence, sizes of change, faults, losses, latencies."""
    from cli.reach import reached
    from cli.tables import show, told, visible

    with reached(server) as client:
        found = [told(one) for one in client.health.windows(model, last)]
    if as_json:
        show(found, (), as_json=True)
        return
    for window in found:
        typer.echo(summary(window))
        show([row(feature) for feature in window["features"]], COLUMNS, as_json=False)
        for segment in window["segments"]:
            typer.echo(visible(part(segment)))
        for fault in window["faults"]:
            of = f"{fault['kind']} of {fault['feature']} in {fault['share']:.2%} of rows {fault['told']}"
            typer.echo(visible(of.rstrip()))
    if not found:
        typer.echo(f"{model}: no window has ended yet")


def summary(window: dict[str, Any]) -> str:
    """Tell in one line what is so of the whole window.

    >>> window = {"first_row": "600", "end_row": "700", "rows": "100", "verdict": "alarm", "log_evidence": 7.25}
    >>> summary({**window, "label_coverage": 0.5, "loss": 0.125, "latency_p99_us": 2048.0})
    'rows 600 to 699: alarm at 7.25 nats; 100 rows, 50% labelled; loss 0.125; latency p99 2.048 ms'
    """
    parts = [f"{window['rows']} rows, {window['label_coverage']:.0%} labelled"]
    if "loss" in window:
        parts.append(f"loss {window['loss']:.6g}")
    if "estimated_loss" in window:
        parts.append(f"estimated loss {window['estimated_loss']:.6g} ± {window['estimated_error']:.2g}")
    if "latency_p99_us" in window:
        parts.append(f"latency p99 {window['latency_p99_us'] / 1_000:.4g} ms")
    if int(window.get("repeats", 0)):
        parts.append(f"{window['repeats']} repeated")
    where = f"rows {window['first_row']} to {int(window['end_row']) - 1}"
    return f"{where}: {window['verdict']} at {window['log_evidence']:.4g} nats; {'; '.join(parts)}"


def part(segment: dict[str, Any]) -> str:
    """Tell of a segment in one line.

    >>> part({"name": "region=north", "rows": "8", "labelled": "6", "loss": 0.5, "accepted": 0.25})
    'segment region=north: 8 rows, 6 labelled; loss 0.5; up to 0.25 is accepted'
    >>> part({"name": "age<30", "rows": "2", "labelled": "0"})
    'segment age<30: 2 rows, 0 labelled; not watched, for want of rows in the reference'
    """
    told = [f"{segment['rows']} rows, {segment['labelled']} labelled"]
    told += [f"loss {segment['loss']:.6g}"] if "loss" in segment else []
    told += [f"drift at {segment['log_evidence']:.4g} nats"] if "log_evidence" in segment else []
    watched = "accepted" in segment
    told.append(f"up to {segment['accepted']:.6g} is accepted" if watched else _UNWATCHED)
    return f"segment {segment['name']}: {'; '.join(told)}"


def row(feature: dict[str, Any]) -> dict[str, Any]:
    """Give a feature as a line of the table; a change that nothing speaks for is not told.

    >>> found = row({"name": "x", "log_evidence": 3.14159, "change": "shift +0.5", "psi": 0.25, "missing": 0.02})
    >>> found["feature"], found["evidence"], found["psi"], found["missing"], found["mean"]
    ('x', '3.14', '0.25', '2%', '')
    """
    new = [f"{one['category']} ({one['rows']})" for one in feature.get("new_categories", ())]
    return {
        "feature": feature["name"], "evidence": f"{feature['log_evidence']:.3g}",
        "change": feature["change"] if feature["log_evidence"] > 0 else "",
        **{name: f"{feature[name]:.3g}" if name in feature else "" for name in (*SIZES, "mean", "spread")},
        **{name: _share(feature.get(name, 0.0)) for name in SHARES},
        "new_categories": new,
    }  # fmt: skip


def _share(value: float) -> str:
    return f"{100 * value:.3g}%" if value else ""
