"""`remission backtest` refuses what it cannot use: exit code 2, one line that names it, and nothing written."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.commands import remission
from tests.fixtures.tables import ROWS, csv, cut, days, packed, parquet, plain, put, text

LABEL = ("--target", "label")
WHEN = (*LABEL, "--time", "when")
FIRST = int(ROWS * 0.2)


@dataclass(frozen=True)
class Bad:
    """One way of asking for too much."""

    what: str
    write: Callable[[Path], object]  #: given where `table` lies
    asked: tuple[str, ...]
    told: str


def nth(row: int, value: object, others: object) -> list[object]:
    return [value if i == row else others for i in range(ROWS)]


def separated(path: Path, by: str) -> None:
    plain().to_csv(path, index=False, sep=by, decimal="," if by == ";" else ".")


def csv_without_names(path: Path) -> None:
    plain().to_csv(path, index=False, header=False)


def policy(body: bytes) -> Callable[[Path], object]:
    return lambda path: (csv(path), put(path.with_name("policy.json"), body))


POLICY = (*LABEL, "--policy", "policy.json")

BAD = [
    Bad("a missing file", lambda _: None, LABEL, "table: no such file"),
    Bad("a folder", Path.mkdir, LABEL, "table: is a folder; a CSV file (plain or gzipped) or a Parquet file"),
    Bad("an empty file", lambda p: put(p, b""), LABEL, "table: holds nothing; a first line of names"),
    Bad("blank lines", lambda p: put(p, b"\n\n"), LABEL, "table: holds nothing"),
    Bad("names alone", lambda p: put(p, b"x,label\n"), LABEL, "table: 0 rows at --reference-share 0.2"),
    Bad("bytes", lambda p: put(p, np.random.default_rng(1).bytes(4_000)), LABEL, "table: is no text in UTF-8"),
    Bad("bytes that are ASCII", lambda p: put(p, bytes(range(1, 32)) * 99), LABEL, "--target: no column 'label' in"),
    Bad("Latin-1", lambda p: put(p, "x,label\né,1\n".encode("latin-1")), LABEL, "table: is no text in UTF-8 (byte 8)"),
    Bad("Latin-1 in a row", lambda p: put(p, "x,label\n1,1\né,1\n".encode("latin-1")), LABEL, "table: is no text in UTF-8 (byte 12)"),
    Bad("Latin-1, packed", lambda p: put(p, gzip.compress("x,label\n1,1\né,1\n".encode("latin-1"))), LABEL, "table: is no text in UTF-8 (byte 12)"),
    Bad("UTF-16", lambda p: put(p, "x,label\n".encode("utf-16")), LABEL, "table: is no text in UTF-8 (byte 0)"),
    Bad("a cut gzip", lambda p: packed(p, 0.5), LABEL, "table: cannot be read as a table: Compressed file ended"),
    Bad("a cut Parquet", cut, LABEL, "table: cannot be read as a table: "),
    Bad("a row too long", lambda p: text(p, "x,y,c,label", "1,2,r,1", "1,2,r,1,9"), LABEL, "table: cannot be read as a table: "),
    Bad("rows too long", lambda p: text(p, "y,c,label"), LABEL, "table: rows hold more values than the first line"),
    Bad("semicolons", lambda p: separated(p, ";"), LABEL, "table: names are separated by ';'; a CSV with commas is accepted"),
    Bad("tabs", lambda p: separated(p, "\t"), LABEL, "table: names are separated by tabs; a CSV with commas is accepted"),
    Bad("a ZIP", lambda p: put(p, b"PK\x03\x04" + bytes(500)), LABEL, "table: is a ZIP archive or a workbook; a CSV file"),
    Bad("bzip2", lambda p: put(p, bz2.compress(b"x,label\n")), LABEL, "table: is compressed by bzip2; a CSV file (plain or"),
    Bad("xz", lambda p: put(p, lzma.compress(b"x,label\n")), LABEL, "table: is compressed by xz; a CSV file (plain or"),
    Bad("no names", csv_without_names, LABEL, "--target: no column 'label' in table; its first line holds numbers"),
    Bad("a long line", lambda p: put(p, b"x" * 9_000 + b",y\n1,2\n"), LABEL, "--target: no column 'label' in table; it has xxxx"),
    Bad("twins", lambda p: text(p, "x,x,c,label"), LABEL, "table: the column 'x' stands twice; each name once"),
    Bad("an unknown target", csv, ("--target", "no"), "--target: no column 'no' in table; it has x, y, colour, label"),
    Bad("many columns", lambda p: csv(p, **{f"c{i}": 1 for i in range(90)}), ("--target", "no"), "--target: no column"),
    Bad("a target alone", lambda p: csv(p, plain()[["label"]]), LABEL, "table: 0 features are left; 1 to 4096"),
    Bad("no truth", lambda p: csv(p, label=np.nan), LABEL, "--target: 'label' is missing in every row"),
    Bad("one class", lambda p: csv(p, label=1), LABEL, "--target: 'label' is constant in the reference, the first 80"),
    Bad("one class at first", lambda p: csv(p, label=[0] * FIRST + [0, 1] * 160), LABEL, "--target: 'label' is constant"),
    Bad("no truth at first", lambda p: csv(p, label=[None] * 60 + [0, 1] * 170), LABEL, "--target: 'label' is known in 20"),
    Bad("too many classes", lambda p: csv(p, label=[f"w{i}" for i in range(ROWS)]), LABEL, "--task multiclass: 'label'"),
    Bad("words as values", csv, (*LABEL, "--target", "colour", "--task", "regression"), "--task regression: row 0 of"),
    Bad("an endless value", lambda p: csv(p, label=[np.inf, *np.linspace(0, 1, ROWS - 1)]), LABEL, "--task regression: row 0 of 'label'"),
    Bad("three values", csv, ("--target", "x", "--task", "binary"), "--task binary: 'x' has"),
    Bad("an unknown task", csv, (*LABEL, "--task", "guess"), "--task: 'guess' is not accepted; one of binary, "),
    Bad("an unknown drop", csv, (*LABEL, "--drop", "x,no"), "--drop: no column 'no' in table; it has x, y, colour"),
    Bad("the target dropped", csv, (*LABEL, "--drop", "label"), "--drop: 'label' is the target; another column"),
    Bad("the target as time", csv, (*LABEL, "--time", "label"), "--time: 'label' is the target; another column"),
    Bad("an unknown time", csv, (*LABEL, "--time", "no"), "--time: no column 'no' in table"),
    Bad("no time", lambda p: csv(p, when=nth(5, "soon", "2020-01-01")), WHEN, "--time: row 5 of 'when' is 'soon', no"),
    Bad("a gap in time", lambda p: csv(p, when=nth(5, None, "2020-01-01")), WHEN, "--time: row 5 of 'when' is missing"),
    Bad("before 1970", lambda p: csv(p, when=days("1950-01-01")), WHEN, "--time: row 0 of 'when' is '1950-01-01', no"),
    Bad("moments", lambda p: parquet(p, when=days().astype("datetime64[us]")), LABEL, "the column 'when' holds Timestamp"),
    Bad("lists", lambda p: parquet(p, z=[[1, 2]] * ROWS), LABEL, "the column 'z' holds ndarray values; numbers and words"),
    Bad("blobs", lambda p: parquet(p, z=[b"x"] * ROWS), LABEL, "the column 'z' holds bytes values; numbers and words"),
    Bad("long words", lambda p: csv(p, z="a" * 300), LABEL, "the column 'z' holds a text of 300 characters; words of"),
    Bad("a long name", lambda p: csv(p, **{"n" * 300: 1}), LABEL, "the column 'nnnn"),
    Bad("too few rows", lambda p: csv(p, plain().head(80)), LABEL, "table: 80 rows at --reference-share 0.2 are 16 to"),
    Bad("no share", csv, (*LABEL, "--reference-share", "0"), "--reference-share: 0.0 is not accepted; a share between"),
    Bad("all as share", csv, (*LABEL, "--reference-share", "1"), "--reference-share: 1.0 is not accepted"),
    Bad("NaN as share", csv, (*LABEL, "--reference-share", "nan"), "--reference-share: nan is not accepted"),
    Bad("too great a share", csv, (*LABEL, "--reference-share", "0.99"), "table: 400 rows at --reference-share 0.99 are"),
    Bad("a negative delay", csv, (*LABEL, "--label-delay", "-1"), "--label-delay: -1 is not accepted; 0 to 319 rows"),
    Bad("too long a delay", csv, (*LABEL, "--label-delay", "320"), "--label-delay: 320 is not accepted; 0 to 319 rows"),
    Bad("too small a window", csv, (*LABEL, "--window", "4"), "--window: 4 is not accepted; 5 to 320 rows are"),
    Bad("too great a window", csv, (*LABEL, "--window", "321"), "--window: 321 is not accepted; 5 to 320 rows are"),
    Bad("another metric", csv, (*LABEL, "--metric", "mae"), "--metric: 'mae' is not accepted for binary; one of"),
    Bad("an unknown template", csv, (*LABEL, "--template", "magic"), "--template: 'magic' is not accepted; one of hgb"),
    Bad("unknown outcomes", csv, (*LABEL, "--outcomes", "mixed"), "--outcomes: 'mixed' is not accepted; one of exog"),
    Bad("a negative seed", csv, (*LABEL, "--seed", "-1"), "--seed: -1 is not accepted; 0 to 4294967295 is"),
    Bad("no policy", csv, POLICY, "--policy: policy.json: cannot be read: No such file"),
    Bad("a policy without values", policy(b'{"drift":null}'), POLICY, "--policy: policy.json:1:2: drift: null is not accepted"),
    Bad("a broken policy", policy(b"{"), POLICY, "--policy: policy.json:1:2: is no JSON: "),
    Bad("a policy in Latin-1", policy(b'{"\xe9":1}'), POLICY, "--policy: policy.json: is no UTF-8: "),
    Bad("a list as policy", policy(b"[]"), POLICY, "--policy: policy.json:1:1: policy: [] is not accepted; an object is"),
    Bad("an unknown key", policy(b'{"nope":1}'), POLICY, "--policy: policy.json:1:2: nope: is unknown; accepted are tier, "),
    Bad("a value out of bounds", policy(b'{"canary":{"alpha":7}}'), POLICY, "--policy: policy.json:1:12: canary.alpha: 7 is not accepted"),
    Bad("NaN in a policy", policy(b'{"canary":{"alpha":NaN}}'), POLICY, "--policy: policy.json:1:12: canary.alpha: 'NaN' is not"),
    Bad("a report nowhere", csv, (*LABEL, "--json", "no/report.json"), "--json: no/report.json cannot be written; a file"),
    Bad("a report on a folder", csv, (*LABEL, "--json", "."), "--json: . cannot be written; a file in a folder"),
    Bad("an unknown database", csv, (*LABEL, "--db", "mysql://h/d"), "--db: The address must be memory://, sqlite:///"),
    Bad("nonsense as database", csv, (*LABEL, "--db", "nonsense"), "--db: The address must be memory://, sqlite:///"),
    Bad("no database", csv, (*LABEL, "--db", "postgresql://u@127.0.0.1:1/d"), "--db: The database cannot be reached: "),
    Bad("no folder", csv, (*LABEL, "--db", "sqlite:///no/log.db"), "--db: The database cannot be reached: "),
    Bad("a server and a database", csv, (*LABEL, "--db", "memory://", "--server", "h:1"), "--db: is not accepted with"),
    Bad("no server", csv, (*LABEL, "--server", "127.0.0.1:1"), "--server: nobody answers at '127.0.0.1:1'; a running"),
    Bad("a worker elsewhere", csv, (*LABEL, "--external-worker"), "--external-worker: is accepted with --server only"),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=[bad.what.replace(" ", "-") for bad in BAD])
def test_what_cannot_be_used_is_refused_in_one_line_and_nothing_is_written(bad: Bad, tmp_path: Path) -> None:
    table = tmp_path / "table"
    bad.write(table)
    before = {path.name for path in tmp_path.iterdir()}
    report = () if "--json" in bad.asked else ("--json", "report.json")

    done = remission("backtest", "table", *bad.asked, *report, folder=tmp_path)

    assert done.err.startswith(f"remission: {bad.told}")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert len(done.err) < 500
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_database_of_another_schema_or_kind_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    csv(tmp_path / "table")
    foreign = put(tmp_path / "foreign.db", b"no database at all, but long enough to look like one" * 99)
    kept = foreign.read_bytes()

    done = remission("backtest", "table", *LABEL, "--db", "sqlite:///foreign.db", folder=tmp_path)

    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith("remission: --db: ")
    assert foreign.read_bytes() == kept
