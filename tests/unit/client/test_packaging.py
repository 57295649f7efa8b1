from __future__ import annotations

import ast
import doctest
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import remission

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "client" / "src" / "remission"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]
MODULES = sorted(one.name for one in pkgutil.iter_modules(remission.__path__) if not one.ispkg)
#: Rooms that need the extra; everything else must do without.
EXTRA = {"loading", "sklearn"}
NAMES = {"grpcio": "grpc", "protobuf": "google", "numpy": "numpy", "scikit-learn": "sklearn", "skops": "skops"}


def loaded_by(statement: str) -> set[str]:
    """Give the packages that a fresh interpreter has loaded after a statement."""
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize("module", [None, *(one for one in MODULES if one not in EXTRA)])
def test_nothing_beyond_what_the_client_asks_for_is_loaded(module: str | None) -> None:
    strangers = loaded_by(f"import remission{'.' + module if module else ''}") - set(sys.stdlib_module_names)

    assert {"sklearn", "skops", "pandas", "scipy", "joblib"}.isdisjoint(strangers)


def test_a_wrapped_model_is_what_the_extra_is_for() -> None:
    assert {"sklearn", "skops"} <= loaded_by("import remission.sklearn")


def test_the_client_asks_for_what_it_imports_and_for_nothing_else() -> None:
    mine = set().union(*(imports(module) for module in MODULES if module not in EXTRA))
    generated = set().union(*(imports(f"v1/{path.stem}") for path in (SOURCE / "v1").glob("*.py")))
    more = set().union(*(imports(module) for module in EXTRA)) - mine

    assert mine | generated == {NAMES[one] for one in distributions(PROJECT["dependencies"])}
    assert more <= {NAMES[one] for one in distributions(PROJECT["optional-dependencies"]["sklearn"])}


def distributions(requirements: list[str]) -> list[str]:
    return [re.split(r"[<>=]", line)[0] for line in requirements]


def imports(module: str) -> set[str]:
    """Give the packages of others that a file of ours imports."""
    nodes = list(ast.walk(ast.parse((SOURCE / f"{module}.py").read_text(encoding="utf-8"))))
    named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {one.partition(".")[0] for one in named} - set(sys.stdlib_module_names) - {"remission"}


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_say_what_happens(module: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(f"remission.{module}"))

    assert failed == 0
