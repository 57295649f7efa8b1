"""A report is the same whenever it is made, holds what it should, and adds up, for each task and kind of stream."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backtest.options import Options
from backtest.run import backtest
from backtest.stream import read_stream
from tests.fixtures.streams import changed_concept

KEYS = {
    "stream", "rows", "reference_rows", "task", "metric", "loss", "blocks", "retrainings", "rejected", "promotions",
    "rollbacks", "recalibrations", "restores", "transitions", "audit", "seconds", "training_seconds", "seed",
    "failures", "promoted", "alarms", "noted", "drifted", "moved",
}  # fmt: skip
AUDIT = {"events", "chain_ok", "replay_equal", "decisions", "rederived", "log_sha256"}
TRANSITION = {"row", "from", "to", "trigger", "reason"}
ALARM = {"row", "onset_row", "signal", "subject", "detector", "verdict", "until", "cause", "causes_before", "retrained"}
BLOCK = {"start", "end", "served", "static"}


def as_it_is(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def in_thirds(frame: pd.DataFrame) -> pd.DataFrame:
    """Give three classes, whose order turns round with the concept."""
    signal = np.where(frame["label"] == 1, frame["x"].abs(), -frame["x"].abs())
    return frame.assign(label=pd.cut(signal, [-9, -0.4, 0.4, 9], labels=["low", "middle", "high"]).astype(str))


def as_values(frame: pd.DataFrame) -> pd.DataFrame:
    sign = np.where(np.arange(len(frame)) < len(frame) // 2, 1.0, -1.0)
    return frame.assign(label=(sign * (2 * frame["x"] + frame["y"]) + 0.1 * frame["label"]).round(4))


def with_holes(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out features, and the truth of every seventh row."""
    rows = np.arange(len(frame))
    return frame.assign(
        x=frame["x"].where(rows % 5 > 0), colour=frame["colour"].where(rows % 4 > 0),
        label=frame["label"].where(rows % 7 > 0),
    )  # fmt: skip


VARIANTS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str, dict[str, Any]]] = {
    "binary": (as_it_is, "binary", {"baselines": True}),
    "multiclass": (in_thirds, "multiclass", {"template": "linear"}),
    "regression": (as_values, "regression", {}),
    "holes": (with_holes, "binary", {"metric": "roc_auc"}),
    "selective": (as_it_is, "binary", {"outcomes": "selective", "template": "linear"}),
}


@pytest.fixture(scope="module", params=sorted(VARIANTS))
def twice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], ...]:
    """Run one variant twice, from the file on, and give both reports."""
    change, task, options = VARIANTS[request.param]
    path: Path = changed_concept(tmp_path_factory.mktemp("reports") / "turned.csv")
    change(pd.read_csv(path)).to_csv(path, index=False)
    first, second = (backtest(read_stream(path, "label"), Options(**options)) for _ in range(2))
    assert first["task"] == task
    return first, second


def test_the_same_file_gives_the_same_report_and_log(twice: tuple[dict[str, Any], ...]) -> None:
    first, second = ({k: v for k, v in one.items() if not k.endswith("seconds")} for one in twice)

    assert first == second
    assert len(first["audit"]["log_sha256"]) == 64


def test_a_report_has_its_keys_and_no_others(twice: tuple[dict[str, Any], ...]) -> None:
    found = twice[0]

    assert set(found) == KEYS
    assert set(found["audit"]) == AUDIT
    assert all(set(one) == BLOCK for one in found["blocks"])
    assert all(set(one) == TRANSITION for one in found["transitions"])
    assert all(set(one) == ALARM for one in found["alarms"])
    assert set(found["loss"]) in ({"served", "static"}, {"served", "static", "recent", "all"})


def test_every_decision_derives_again_and_the_replay_is_equal(twice: tuple[dict[str, Any], ...]) -> None:
    audit = twice[0]["audit"]

    assert audit["chain_ok"]
    assert audit["replay_equal"]
    assert audit["decisions"] == audit["rederived"] > 0
    assert twice[0]["failures"] == []


def test_blocks_tile_the_rows_from_the_third_tenth_on(twice: tuple[dict[str, Any], ...]) -> None:
    rows, blocks = twice[0]["rows"], twice[0]["blocks"]

    assert len(blocks) == 8
    assert (blocks[0]["start"], blocks[-1]["end"]) == (rows // 5, rows)
    assert all(one["end"] == other["start"] for one, other in pairwise(blocks))


def test_transitions_chain_from_healthy_in_the_order_of_rows(twice: tuple[dict[str, Any], ...]) -> None:
    found, moves = twice[0], twice[0]["transitions"]

    assert moves[0]["from"] == "healthy"
    assert all(one["to"] == other["from"] and one["row"] <= other["row"] for one, other in pairwise(moves))
    assert all(found["reference_rows"] <= move["row"] < found["rows"] for move in moves)


def test_counts_agree_with_each_other_and_with_the_transitions(twice: tuple[dict[str, Any], ...]) -> None:
    found = twice[0]
    triggers = [move["trigger"] for move in found["transitions"]]

    assert found["retrainings"] >= found["rejected"] + found["promotions"]
    assert found["promotions"] == triggers.count("confirm_promotion") == len(found["promoted"])
    assert found["retrainings"] - found["rejected"] == triggers.count("pass_gates")
    assert found["recalibrations"] + found["restores"] <= found["retrainings"]


def test_every_alarm_is_a_move_into_suspicion_and_ends_by_one_out_of_it(twice: tuple[dict[str, Any], ...]) -> None:
    found, told = twice[0]["alarms"], twice[0]["transitions"]
    into = [move["row"] for move in told if move["trigger"] == "raise_alarm"]
    out = [move["row"] for move in told if move["from"] == "suspect"]

    assert [one["row"] for one in found] == into
    assert [one["until"] for one in found if one["until"] is not None] == out
    assert all(one["onset_row"] <= one["row"] for one in found)


def test_a_loss_is_the_mean_over_the_blocks_weighted_by_their_labelled_rows(
    twice: tuple[dict[str, Any], ...], tmp_path: Path
) -> None:
    found = twice[0]
    labels = pd.read_csv(changed_concept(tmp_path / "turned.csv"))["label"]
    holes = found["metric"] == "roc_auc"
    weights = [sum(1 for row in range(one["start"], one["end"]) if not holes or row % 7 > 0) for one in found["blocks"]]
    assert len(labels) == found["rows"]

    for name in ("served", "static"):
        values = [one[name] if found["metric"] == "mae" else 1 - one[name] for one in found["blocks"]]
        assert found["loss"][name] == pytest.approx(np.average(values, weights=weights))
