"""The `remission-verify` command. Exit code 0: all is right. 1: something is wrong. 2: it was asked in a wrong way."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from remission_verify.auditing import check_log, check_receipt
from remission_verify.bundle import check_bundle
from remission_verify.errors import VerificationError
from remission_verify.findings import Findings
from remission_verify.folder import read_plain, read_text
from remission_verify.keys import read_verifiers, read_witnesses
from remission_verify.limits import MOST_ENTRY_BYTES
from remission_verify.telling import as_json, as_table, progress_for, shown
from remission_verify.trust import Trust

WRONG, MISUSED = 1, 2

#: A log that is longer is worth a line that says how far the check is.
FEW = 20_000


class _Parser(argparse.ArgumentParser):
    """A parser that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISUSED, f"{self.prog}: {message}; `{self.prog} --help` says what is accepted\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser().parse_args(arguments)
    work: Callable[[argparse.Namespace], Findings] = asked.work
    try:
        found = work(asked)
    except (VerificationError, OSError) as error:
        sys.stderr.write(f"remission-verify: {shown(str(error))}\n")
        return MISUSED
    try:
        print(as_json(found) if asked.json else as_table(found, asked.right), flush=True)
    except OSError as error:  # a full disk says nothing about the record, and a reader who has left had his answer
        _let_go_of_output()
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"remission-verify: standard output: {error.strerror}\n")
            return MISUSED
    return 0 if found.whole else WRONG


def _let_go_of_output() -> None:
    """Write nowhere what standard output still holds: Python would try once more as it ends, and complain itself."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """Return what reads the words of the command."""
    whole = _Parser("remission-verify", description="Checks what Remission has recorded, with no server.")
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)
    log = _command(commands.add_parser("log", help="check an exported log, entry by entry"), _log)
    log.add_argument("folder", type=Path, metavar="FOLDER", help="folder with `checkpoint` and `tile/`")
    log.add_argument("--older", type=Path, action="append", default=[], metavar="FILE", help="earlier checkpoint")
    log.set_defaults(right="every entry is what was signed, and stands in its place")
    receipt = _command(commands.add_parser("receipt", help="check that an entry stands in the log"), _receipt)
    receipt.add_argument("file", type=Path, metavar="FILE", help="the receipt (C2SP tlog-proof)")
    receipt.add_argument("--entry", type=Path, metavar="FILE", help="the entry; else the receipt's name with `.entry`")
    receipt.set_defaults(right="the entry stands in the log")
    bundle = _command(commands.add_parser("bundle", help="check the record of a model in a bundle"), _bundle)
    bundle.add_argument("file", type=Path, metavar="FILE", help="the archive")
    bundle.set_defaults(
        right="the record is what was signed, nothing is missing in it, and each event stands in the log"
    )
    return whole


def _command(parser: argparse.ArgumentParser, work: Callable[[argparse.Namespace], Findings]) -> _Parser:
    """Add what every command takes."""
    key = "public key of the log, `name+hash+base64`, or a file of them"
    parser.add_argument("--key", action="append", required=True, metavar="KEY", help=key)
    parser.add_argument("--origin", default="", metavar="NAME", help="the log that it must be")
    parser.add_argument("--witness", action="append", default=[], metavar="KEY", help="public key of a witness")
    parser.add_argument("--quorum", type=int, default=0, metavar="N", help="how many witnesses must have seen it")
    parser.add_argument("--json", action="store_true", help="tell it for programs")
    parser.set_defaults(work=work)
    return parser  # type: ignore[return-value]  # `parser_class` says so, and argparse's types do not


def _trust(asked: argparse.Namespace) -> Trust:
    return Trust(tuple(read_verifiers(asked.key)), asked.origin, tuple(read_witnesses(asked.witness)), asked.quorum)


def _log(asked: argparse.Namespace) -> Findings:
    older = {str(file): read_text(file.parent, file.name) for file in asked.older}
    return check_log(asked.folder, _trust(asked), older, progress_for(FEW))


def _receipt(asked: argparse.Namespace) -> Findings:
    file: Path = asked.file
    entry: Path = asked.entry or file.with_name(f"{file.name}.entry")
    text = read_text(file.parent, file.name)
    return check_receipt(str(file), text, read_plain(entry.parent, entry.name, MOST_ENTRY_BYTES), _trust(asked))


def _bundle(asked: argparse.Namespace) -> Findings:
    return check_bundle(asked.file, _trust(asked))
