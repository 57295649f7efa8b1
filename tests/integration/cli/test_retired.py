"""A model that was retired is told where it is asked for, and its name is not given again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from remission import Client
from remission.errors import AlreadyExistsError

from tests.fixtures.commands import remission
from tests.fixtures.listeners import in_memory
from tests.integration.server.requests import create, model, reference


def test_retired_models_are_listed_when_asked_for_and_keep_their_names(tmp_path: Path) -> None:
    with in_memory() as target, Client(target) as client:
        for name in ("gone", "here"):
            asked = create(model(name), reference())
            client.create_model(asked.model, asked.reference)
        client.models.retire("gone")
        listed = {
            options: json.loads(remission("models", *options, "--json", "--server", target, folder=tmp_path).out)
            for options in ((), ("--retired",))
        }
        with pytest.raises(AlreadyExistsError, match="or by one that was retired"):
            client.create_model(create(model("gone"), reference()).model, reference())

    assert [one["name"] for one in listed[()]] == ["here"]
    assert {one["name"]: one["retired"] for one in listed["--retired",]} == {"gone": True, "here": False}
