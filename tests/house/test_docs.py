"""What the documents say is so: links lead somewhere, commands are known, files exist, and no name lacks its line."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from remission import Client
from remission.connection import OPTIONS
from remission_verify.command import parser
from typer.core import TyperGroup

from cli.main import app
from retraining.template import TEMPLATES
from scripts import draw_policy, draw_states
from server.intake import points, schema
from server.models import references, registration
from server.settings import BOUNDS, OF_CLIENTS, Settings
from server.transport import fields, ingest, models, policies
from statemachine.externals import MOST_SIGNALS
from statemachine.reasons import SIGNALS, TOLD
from statemachine.words import Reason, Signal

ROOT = Path(__file__).resolve().parents[2]
LINE = 140  #: characters; a row of a table may be longer, since it cannot be broken
DRAWN = (draw_policy.PAGE, draw_states.PAGE)
OUTSIDE = ("http://", "https://", "mailto:")
#: Folders of ours that hold pages; what tools and runs leave beside them is not read.
PLACES = ("*.md", "docs/**/*.md", "client/*.md", "verifier/*.md", "backtest/**/*.md")
PAGES = sorted({page for place in PLACES for page in ROOT.glob(place)})
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group, since there are several
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def command(name: str, *words: str) -> Any:
    """Give a command by its name, or that of its group and its own."""
    found = COMMANDS[name]
    return found.commands[words[0]] if isinstance(found, TyperGroup) and words else found


def prose(page: Path) -> str:
    """Give a page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def code(page: Path) -> list[str]:
    """Give what stands between backticks in the prose of a page."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def shell_lines(page: Path) -> Iterator[list[str]]:
    """Give the words of each line that a page tells people to type."""
    for kind, block in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines() if kind == "sh" else ():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words:
                yield words


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as links do."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def section(page: str, title: str) -> str:
    """Give what stands below a heading of the second rank."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"{page} has no section {title}"
    return found[1]


def rows(text: str) -> dict[str, list[str]]:
    """Give the rows of tables by the name between backticks in their first cell."""
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip(" `") for cell in cells[1:]] for cells in lines}


def told(default: object) -> str:
    """Write a default as the page does."""
    return str(default) if default != "" else "none"


def accepted(name: str) -> str:
    """Write the bounds of a setting as the page does."""
    low, high = BOUNDS[name]
    return f"{low} to {high}"


def leads(page: Path, link: str) -> bool:
    """Say whether a relative link leads to a file, and to a heading of it."""
    name, _, heading = link.partition("#")
    there = (page.parent / name).resolve() if name else page
    return there.exists() and (not heading or heading in anchors(there))


def is_there(page: Path, name: str) -> bool:
    """Say whether a file or folder that is named exists: from the root, beside the page, or, a bare name, anywhere."""
    if (ROOT / name).exists() or (page.parent / name).exists():
        return True
    return "/" not in name and any(True for room in PACKAGES for _ in (ROOT / room).rglob(name))


PACKAGES = sorted(
    {str(path.parent.relative_to(ROOT)) for place in ("*", "*/src/*") for path in ROOT.glob(f"{place}/__init__.py")}
)
#: A folder and what lies in it, or a lone file of a kind that we write.
PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|toml|md|lock|yaml|proto)")


@EVERY_PAGE
def test_each_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))

    assert [link for link in links if not link.startswith(OUTSIDE) and not leads(page, link)] == []


@EVERY_PAGE
def test_each_file_that_is_named_exists(page: Path) -> None:
    named = [name for name in code(page) if PATH.fullmatch(name)]

    assert [name for name in named if not is_there(page, name)] == []


@EVERY_PAGE
def test_each_command_line_is_one_that_the_command_takes(page: Path) -> None:
    for words in shell_lines(page):
        if Path(words[0]).name == "remission":
            name, *arguments = words[1:]
            # It reads every word and refuses what it does not know; nothing is run.
            assert (
                command(name, *arguments).make_context(name, arguments[isinstance(COMMANDS[name], TyperGroup) :]).params
            )


@EVERY_PAGE
def test_each_line_for_an_auditor_is_one_that_the_verifier_takes(page: Path) -> None:
    for words in shell_lines(page):
        if Path(words[0]).name == "remission-verify":
            # What it does not know makes it exit.
            assert parser().parse_args(words[1:]).key


@EVERY_PAGE
def test_each_option_of_a_command_that_the_prose_names_is_known(page: Path) -> None:
    for words in (text.split() for text in code(page) if text.startswith("remission ")):
        known = {option for parameter in command(*words[1:]).params for option in parameter.opts}

        assert [word for word in words[2:] if word.startswith("--") and word not in known] == []


@EVERY_PAGE
def test_each_target_of_make_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^## ([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [*shell_lines(page), *(text.split() for text in code(page))]
    asked = {word for line in lines if line[0] == "make" for word in line[1:] if word.islower()}

    assert asked - targets == set()


@EVERY_PAGE
def test_no_line_of_prose_is_too_long_to_read(page: Path) -> None:
    lines = [] if page in DRAWN else page.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if len(line) > LINE and not line.startswith("|")] == []


def test_the_readme_lists_every_command_and_no_other() -> None:
    listed = {name.split()[1] for name in rows(section("README.md", "The command"))}

    assert listed == set(COMMANDS)


def test_every_room_of_the_server_has_a_line() -> None:
    rooms = {str(face.parent.relative_to(ROOT)) for face in ROOT.glob("server/*/__init__.py")}

    assert set(rows(section("docs/architecture.md", "Rooms of the server"))) == {f"{room}/" for room in rooms}


def test_every_setting_has_a_line_with_its_default_and_its_bounds() -> None:
    listed = rows(section("docs/operating.md", "Settings"))
    fields = msgspec.structs.fields(Settings)

    assert set(listed) == {field.name for field in fields}
    assert {name: cells[0] for name, cells in listed.items()} == {field.name: told(field.default) for field in fields}
    assert {name: listed[name][1] for name in BOUNDS} == {name: accepted(name) for name in BOUNDS}


def test_every_variable_of_the_commands_that_call_a_server_is_named() -> None:
    listed = section("docs/operating.md", "Settings")

    assert [name for name in sorted(OF_CLIENTS) if f"`{name}`" not in listed] == []


def test_every_variable_that_a_command_reads_is_named() -> None:
    listed = section("docs/operating.md", "Settings")
    groups = [one.commands.values() if isinstance(one, TyperGroup) else (one,) for one in COMMANDS.values()]
    read = {str(param.envvar) for group in groups for one in group for param in one.params if param.envvar}

    assert {name for name in read if f"`{name}`" not in listed} == set()


def test_what_a_server_warns_of_is_told_where_people_look_for_what_to_alert_on() -> None:
    listed = section("docs/operating.md", "What to alert on")
    warned = {
        name
        for file in (ROOT / "server").rglob("*.py")
        for name in re.findall(r'LOG\.(?:warning|error)\(\s*"(\w+)"', file.read_text(encoding="utf-8"))
    }

    assert {name for name in warned if f"`{name}`" not in listed} == set()
    assert "erasure_undone" in warned


def test_every_reason_has_a_line_that_says_what_to_do() -> None:
    listed = rows(section("docs/operating.md", "Reasons"))

    assert set(listed) == set(Reason)
    assert [name for name, cells in listed.items() if len(cells) != 2 or not all(cells)] == []


def test_the_reasons_are_told_by_the_page_as_they_are_by_the_command_and_in_a_bundle() -> None:
    listed = rows(section("docs/operating.md", "Reasons"))

    assert {name: tuple(cells) for name, cells in listed.items()} == {
        reason: (told.meaning.strip("`"), told.to_do.strip("`")) for reason, told in TOLD.items()
    }


def test_the_signals_are_told_by_the_page_as_they_are_by_the_command() -> None:
    listed = rows(section("docs/operating.md", "Signals"))

    assert {name: cells[0] for name, cells in listed.items()} == {str(one): told for one, told in SIGNALS.items()}
    assert set(SIGNALS) == set(Signal)


def test_what_calls_may_hold_is_told_as_it_is_checked() -> None:
    told = dict(re.findall(r"^\| ([^`|]+) \| (.+) \|$", section("docs/operating.md", "Capacity"), re.MULTILINE))
    bounds = {
        "a batch in columns, or labels": (fields.MOST_ROWS, ingest.MOST_OUTPUTS, ingest.MOST_MESSAGE_ROWS),
        "points of metrics": (ingest.MOST_POINTS, points.MOST_SERIES, MOST_SIGNALS),
        "a reference": (models.MOST_REFERENCE_ROWS, references.LEAST_REFERENCE, references.LEAST_BASELINE),
        "a model": (registration.MOST_FEATURES, schema.MOST_CATEGORIES),
        "a training": tuple(template.max_rows for template in TEMPLATES.values()),
        "a policy": (policies.MOST_POLICY,),
    }
    said = {name: re.findall(r"\d[\d,]*\b", told[name]) for name in bounds}

    assert [(name, one) for name, found in bounds.items() for one in found if f"{one:,}" not in said[name]] == []


def test_how_often_a_client_looks_for_a_frozen_server_is_what_its_options_say() -> None:
    every = dict(OPTIONS)["grpc.keepalive_time_ms"] // 1_000

    assert f"sent every {every} seconds while a call waits" in section("docs/operating.md", "PostgreSQL")


def test_every_option_of_a_backtest_has_a_line() -> None:
    listed = section("docs/operating.md", "Backtests")
    options = {option for parameter in COMMANDS["backtest"].params for option in parameter.opts if option[:2] == "--"}

    assert {option for option in options if f"`{option}" not in listed} == set()


def test_every_part_of_the_client_and_each_way_to_send_has_a_line() -> None:
    listed = section("client/README.md", "Calls")
    with Client() as client:
        parts = {name for name in vars(client) if not name.startswith("_")}
    ways = {name for name in dir(Client) if name.startswith("ingest")}

    assert {name for name in parts | ways if f"`{name}`" not in listed} == set()


def test_every_option_of_the_verifier_has_a_line() -> None:
    listed = section("verifier/README.md", "The command")
    told = "".join(found.format_help() for found in verifier_commands())

    assert {option for option in re.findall(r"--[a-z]+", told) if f"`{option}" not in listed} == {"--help"}


def verifier_commands() -> list[argparse.ArgumentParser]:
    """Give the parsers of the verifier's commands."""
    (commands,) = (action.choices for action in parser()._actions if isinstance(action.choices, dict))  # noqa: SLF001 - argparse has no other way to list them
    return [*commands.values()]


def test_the_page_of_the_policy_is_drawn_from_its_fields() -> None:
    assert draw_policy.PAGE.read_text(encoding="utf-8") == draw_policy.page()


@pytest.mark.parametrize("number", [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))])
def test_a_decision_says_what_and_why_and_what_it_costs_and_what_would_change_it(number: str) -> None:
    [page] = (ROOT / "docs" / "decisions").glob(f"{number}-*.md")
    text = page.read_text(encoding="utf-8")

    parts = ("**What.**", "**Why.**", "**What it costs.**", "**What would change our mind.**")
    assert [part for part in parts if part not in text] == []
