"""The report of a bundle: one page for people, which a browser shows without asking anybody for anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from remission_verify.sealed import SEALED

from server.bundling.story import Story
from statemachine.reasons import TOLD

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_HASH = 16

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #bbb; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; font-size: .86rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid #ddd; }
th { background: #f2f2f2; } code { font: .85em ui-monospace, monospace; overflow-wrap: anywhere; }
.open { color: #a00000; font-weight: 600; } .note { color: #555; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } tr { break-inside: avoid; }
  thead { display: table-header-group; } h2 { break-after: avoid; } }
"""

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head><body>
{body}
</body></html>
"""


def report(about: Mapping[str, Any], story: Story, files: Mapping[str, Mapping[str, Any]], digest: str) -> str:
    """Write the page: *about* is what the manifest says, *digest* covers all the other *files*."""
    title = f"Record of {about['model']}"
    documents = story.documents()
    sections = [
        f"<h1>{escape(title)}</h1>", _head(about, story),
        _section("Inventory", _inventory(documents["inventory"]["models"][0])),
        _section("Incidents", _incidents(documents["incidents"]["incidents"])),
        _section("Changes of state", _moves(story.moves)),
        _section("Gates", _gates(story.gates)),
        _section("Versions", _versions(documents["lineage"]["versions"])),
        _section("Data", _data(documents["lineage"]["data"])),
        _section("What people decided, and what was handed to them", _people(story.people)),
        _section("Files and how to check them", _files(about, files, digest)),
    ]  # fmt: skip
    return PAGE.format(title=escape(title), style=STYLE, body="\n".join(sections))


def _head(about: Mapping[str, Any], story: Story) -> str:
    start = "its first event" if about["from_us"] is None else when(about["from_us"])
    end = "the checkpoint" if about["until_us"] is None else when(about["until_us"])
    told = (
        f"<p>Period: {start} to {end}. Log <code>{escape(about['origin'])}</code>, namespace "
        f"<code>{escape(about['namespace'])}</code>. Checkpoint signed {when(about['created_us'])}, "
        f"release {escape(about['release'])}. Times are UTC.</p>"
    )
    if story.erased_from is None:
        return told
    return (
        f'{told}\n<p class="open">The payload of event {story.erased_from} was erased. What the events from there on '
        "tell stands in no table below; their envelopes are in events.jsonl, and verify.</p>"
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{body}"


def _inventory(entry: Mapping[str, Any]) -> str:
    validation, review = entry["validation"], entry["next_review"]
    rows = [(name, entry[name]) for name in ("owner", "purpose", "tier", "task", "metric", "outcomes", "champion")]
    rows += [
        ("state", f"{'.'.join(filter(None, (entry['state'], entry['phase'])))}, automation {entry['automation']}"),
        ("policy", f"version {entry['policy_version']}"),
        ("validated", f"{when(validation['at_us'])} by {validation['how']}" if validation else "never"),
        ("next review", f"{when(review['at_us'])}: {review['why']}" if review else "none, it is retired"),
        ("open findings", ", ".join(f"{one['what']} since {when(one['since_us'])}" for one in entry["findings"])
         or "none"),
    ]  # fmt: skip
    return table(("what", "value"), rows)


def _incidents(incidents: Sequence[Mapping[str, Any]]) -> str:
    if not incidents:
        return "<p>None in this period.</p>"
    names = ("#", "signal", "onset", "detected", "confirmed", "restored", "outcome", "cause",
             "to detect", "to confirm", "to restore")  # fmt: skip
    rows = [
        (
            one["number"], f"{one['signal']} {one['subject']}", _place(one["onset"]), _place(one["detected"]),
            _place(one["confirmed"]), _place(one["restored"]), one["outcome"] or "OPEN", _causes(one),
            *(_took(one["times"][name]) for name in ("to_detect", "to_confirm", "to_restore")),
        )
        for one in incidents
    ]  # fmt: skip
    told = "<p class='note'>To detect: from onset to the alarm. To confirm and to restore: from the alarm.</p>"
    return table(names, rows) + told + "\n".join(_remedies(one) for one in incidents if one["remedies"])


def _causes(incident: Mapping[str, Any]) -> str:
    """Tell the causes that were named, the latest last: remedies followed that one."""
    return ", then ".join(one["cause"] for one in incident["diagnoses"]) or "-"


def _remedies(incident: Mapping[str, Any]) -> str:
    names = ("remedy", "asked by", "proposed", "trained", "gates", "canary", "promoted", "turned back", "abandoned")
    rows = [
        (
            one["number"], one["requested_by"],
            *(_place(one.get(what)) for what in ("proposed", "trained", "judged", "canary", "promoted")),
            _ended(one.get("turned_back")), _ended(one.get("abandoned")),
        )
        for one in incident["remedies"]
    ]  # fmt: skip
    return f"<p>Remedies of incident {incident['number']}:</p>" + table(names, rows)


def _moves(moves: Sequence[Mapping[str, Any]]) -> str:
    rows = [(one["position"], when(one["at_us"]), one["source"], one["dest"], one["trigger"], one["reason"])
            for one in moves]  # fmt: skip
    used = [reason for reason in TOLD if any(one["reason"] == reason for one in moves)]
    meanings = table(("reason", "what it means"), [(reason, TOLD[reason].meaning) for reason in used])
    return table(("position", "when", "from", "to", "trigger", "reason"), rows) + (meanings if used else "")


def _gates(gates: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (one["position"], one["candidate"] or one["chosen"], gate["name"], gate.get("value"), gate.get("bound"),
         gate.get("sample"), gate["verdict"])
        for one in gates for gate in one["gates"]
    ]  # fmt: skip
    return table(("position", "candidate", "gate", "value", "bound", "sample", "verdict"), rows)


def _versions(versions: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            one["version"], one["origin"], one.get("remedy", "-"), one.get("requested_by", "-"),
            ", ".join(f"{said['said']} by {said['actor']}" for said in one.get("approvals", ())) or "none asked",
            one["data"].get("rows") or one["data"].get("reference", {}).get("rows"),
            one["code"].get("template", "not recorded"), one["manifest_sha256"][:MOST_HASH],
            ", ".join(_span(span) for span in one["served"]),
        )
        for one in versions
    ]  # fmt: skip
    names = ("version", "origin", "remedy", "asked by", "approvals", "rows", "template", "manifest", "positions")
    return table(names, rows)


def _data(data: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (one["kind"], one.get("job", "-"), one["rows"], one.get("holdout") or "-",
         (one["sha256"] or "erased")[:MOST_HASH], ", ".join(one["versions"]) or "none")
        for one in data
    ]  # fmt: skip
    return table(("kind", "job", "rows", "held out", "hash", "versions trained on it"), rows)


def _people(people: Sequence[Mapping[str, Any]]) -> str:
    rows = [(one["position"], when(one["at_us"]), one["what"], one["actor"], one["note"]) for one in people]
    return table(("position", "when", "what", "who", "note"), rows)


def _files(about: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]], digest: str) -> str:
    shown = [name for name in sorted(files) if not name.startswith("evidence/")]
    rows = [(name, files[name]["size"], files[name]["sha256"]) for name in shown]
    rows.append((f"evidence/ ({len(files) - len(shown)} files)", "", "each file's name is its SHA-256"))
    sealed = "<p>Rows are ciphertext; who holds the vault can open them (<code>remission open</code>).</p>"
    return (
        table(("file", "bytes", "SHA-256"), rows)
        + (sealed if SEALED in files else "")
        + f"<p>Digest of these files: <code>{digest}</code></p>"
        + f"<p>Check it offline: <code>remission-verify bundle FILE --key {escape(about['origin'])}+…</code>. "
        "Take the key from elsewhere than this archive.</p>"
    )


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; whatever a cell holds is text."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = ["<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>" for row in rows]
    if not lines:
        return "<p>None in this period.</p>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table>"


def when(at_us: int) -> str:
    """Write an instant as people read it; one that no calendar has, as its number."""
    try:
        return (EPOCH + timedelta(microseconds=at_us)).strftime("%Y-%m-%d %H:%M:%S")
    except OverflowError:
        return f"{at_us} µs"


def lasting(seconds: float) -> str:
    """Write a duration as people read it."""
    try:
        return str(timedelta(seconds=seconds))
    except OverflowError:
        return f"{seconds} s"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _place(mark: Mapping[str, Any] | None) -> str:
    if mark is None:
        return "-"
    at = "" if mark["at_us"] is None else f"{when(mark['at_us'])} "
    return f"{at}(row {mark.get('row')})"


def _ended(mark: Mapping[str, Any] | None) -> str:
    return f"{_place(mark)} {mark['reason']}" if mark else "-"


def _took(time: Mapping[str, Any]) -> str:
    seconds, rows = time["seconds"], time["rows"]
    parts = [lasting(seconds)] if seconds is not None else []
    return ", ".join([*parts, *([f"{rows} rows"] if rows is not None else [])]) or "-"


def _span(span: Mapping[str, Any]) -> str:
    until = span["until"]["position"] if span["until"] else ""
    return f"{span['as']} {span['from']['position']}-{until}"
