"""The demo shows the whole loop: decline noticed, explained, remedied, proved, promoted; and the record holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.commands import Done, remission

JOURNEY = ("healthy", "suspect", "degraded", "retraining", "canary", "healthy")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp("demo")
    done = remission("demo", "--json", "report.json", folder=folder)
    return done, json.loads((folder / "report.json").read_text(encoding="utf-8"))


def states(transitions: list[dict[str, Any]]) -> list[str]:
    """Give the public states in order, without phases."""
    found = ["healthy"]
    for move in transitions:
        state = move["to"].partition(".")[0]
        if state != found[-1]:
            found.append(state)
    return found


def test_the_demo_succeeds_and_says_so(shown: tuple[Done, dict[str, Any]]) -> None:
    done, _ = shown

    assert done.code == 0, done.out + done.err
    assert done.err == ""
    assert done.out.count("\nyes  ") == 4
    assert "NO   " not in done.out


def test_a_model_falls_ill_and_is_brought_back_to_health(shown: tuple[Done, dict[str, Any]]) -> None:
    found = states(shown[1]["transitions"])

    assert JOURNEY in [tuple(found[i : i + len(JOURNEY)]) for i in range(len(found))]


def test_what_was_served_erred_far_less_than_the_model_left_alone(shown: tuple[Done, dict[str, Any]]) -> None:
    loss = shown[1]["loss"]

    assert loss["served"] <= 0.6 * loss["static"]


def test_the_log_replays_equal_and_every_decision_derives_again(shown: tuple[Done, dict[str, Any]]) -> None:
    audit = shown[1]["audit"]

    assert audit["chain_ok"]
    assert audit["replay_equal"]
    assert audit["decisions"] == audit["rederived"] > 0
