"""Commands about policies: offline with files, and against the versions in the log of a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from remission import Client

from statemachine.policies.policy import Policy
from tests.fixtures.commands import remission
from tests.fixtures.servers import serving
from tests.integration.server.requests import create, model, reference

YAML = "tier: 2\napprovals: {required: true}\n"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a server that watches a model whose policy changed once."""
    with serving(tmp_path_factory.mktemp("policies")) as target:
        asked = create(model("m", policy_json='{"tier": 3}'), reference())
        with Client(target) as client:
            made = client.create_model(asked.model, asked.reference)
            client.models.update("m", etag=made.etag, policy={"tier": 2, "canary": {"alpha": 0.1}})
        yield target


def test_a_policy_that_is_whole_is_accepted_as_yaml_and_as_json(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(YAML, encoding="utf-8")
    (tmp_path / "p.json").write_text('{"tier": 2}', encoding="utf-8")

    done = [remission("policy", "check", name, folder=tmp_path) for name in ("p.yaml", "p.json")]

    assert [(one.code, one.out.partition(";")[0]) for one in done] == [(0, "p.yaml: accepted"), (0, "p.json: accepted")]


def test_everything_that_is_wrong_is_told_each_in_a_line_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("tier: 9\ncanary:\n  alpha: 7\nrefresh: {on_improvement: no}\n", encoding="utf-8")

    done = remission("policy", "check", "p.yaml", folder=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        "p.yaml:1:1: tier: 9 is not accepted; a whole number from 1 to 3 is",
        "p.yaml:3:3: canary.alpha: 7 is not accepted; a number from 1e-06 to 0.5 is",
        "p.yaml:4:11: refresh.on_improvement: 'no' is not accepted; true or false is",
    ]


def test_machines_are_told_path_line_and_reason(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{\n "tier": 9\n}', encoding="utf-8")

    done = remission("policy", "check", "p.json", "--json", folder=tmp_path)

    told = json.loads(done.out)
    assert (done.code, told["accepted"]) == (2, False)
    assert [(one["path"], one["line"], one["column"]) for one in told["faults"]] == [("tier", 2, 2)]


def test_a_file_that_is_not_there_is_refused_in_a_line(tmp_path: Path) -> None:
    done = [remission("policy", command, "no.yaml", folder=tmp_path) for command in ("check", "show")]

    assert [one.code for one in done] == [2, 2]
    why = "cannot be read: No such file or directory; a file is accepted, or what is built in: default, defaults"
    assert done[0].err == f"no.yaml: {why}\n"
    assert done[1].err == f"remission: no.yaml: {why}, and model:NAME or model:NAME@VERSION for one in a log\n"


@pytest.mark.parametrize("name", ["default", "defaults"])
def test_what_is_built_in_is_told_checked_and_compared_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "p.json").write_text("{}", encoding="utf-8")

    told = remission("policy", "show", name, "--json", folder=tmp_path)
    checked = remission("policy", "check", name, folder=tmp_path)
    same = remission("policy", "diff", name, "p.json", folder=tmp_path)

    assert json.loads(told.out)["policy"] == Policy().to_json()
    assert (checked.code, checked.out.partition(";")[0]) == (0, f"{name}: accepted")
    assert (same.code, same.out) == (0, "no difference in what they come to\n")


def test_a_policy_is_told_in_sentences_with_what_it_leaves_to_defaults(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(YAML, encoding="utf-8")

    done = remission("policy", "show", "p.yaml", folder=tmp_path)

    assert done.code == 0
    assert (
        "This is a model of tier 2 of 3, of which 1 matters most: a person decides about a doubt that stays."
        in done.out
    )
    assert (
        "A doubt that nothing resolves ends after 1 day, or after as long as the reference took to gather" in done.out
    )
    assert "The service starts at most 3 remedies in 30 days by itself." in done.out


def test_a_version_in_the_log_is_compared_with_the_next_and_with_a_file(target: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("tier: 2\ncanary: {alpha: 0.1}\n", encoding="utf-8")

    between = remission("policy", "diff", "model:m@1", "model:m@2", "--json", folder=tmp_path, REMISSION_SERVER=target)
    same = remission("policy", "diff", "model:m", "p.yaml", folder=tmp_path, REMISSION_SERVER=target)

    told = json.loads(between.out)
    assert [(one["path"], one["old"], one["new"]) for one in told["changes"]] == [
        ("canary.alpha", 0.2, 0.1),
        ("tier", 3, 2),
    ]
    assert (between.code, same.code, same.out) == (1, 0, "no difference in what they come to\n")


def test_a_version_or_a_model_that_is_not_there_is_refused(target: str, tmp_path: Path) -> None:
    version = remission("policy", "show", "model:m@3", folder=tmp_path, REMISSION_SERVER=target)
    stranger = remission("policy", "show", "model:nobody", folder=tmp_path, REMISSION_SERVER=target)

    assert (version.code, stranger.code) == (2, 2)
    assert version.err == "remission: model:m@3: no such version of its policy; 1 to 2 are accepted\n"
    assert "nobody" in stranger.err
