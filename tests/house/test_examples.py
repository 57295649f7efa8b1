"""Examples in docstrings give what they say."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT, ROOT / "client" / "src", ROOT / "verifier" / "src")


def with_examples() -> Iterator[str]:
    """Name the modules of all rooms that show an example."""
    for source in SOURCES:
        for room in sorted(source.glob("*/__init__.py")):
            for file in sorted(room.parent.rglob("*.py")):
                if room.parent.name != "tests" and ">>> " in file.read_text(encoding="utf-8"):
                    yield ".".join(file.relative_to(source).with_suffix("").parts).removesuffix(".__init__")


MODULES = tuple(with_examples())


def test_every_source_has_modules_that_show_examples() -> None:
    assert {"measures.sums", "remission.assignment", "remission_verify.tiles"} <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_an_example_gives_what_it_says(module: str) -> None:
    failed, tried = doctest.testmod(import_module(module))

    assert failed == 0
    assert tried > 0
