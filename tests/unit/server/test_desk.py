"""Claims about what is known by heart: it is made anew when what it rests on has changed."""

from __future__ import annotations

import json

from tests.fixtures.services import a_model, a_service


def test_a_watch_is_made_anew_when_another_policy_holds() -> None:
    with a_service() as service:
        service.create_model(a_model("m")).result()
        before = service.store.read(lambda reader: service.desk.watch(reader, "m"))
        kept = service.store.read(lambda reader: service.desk.watch(reader, "m"))

        policy = json.dumps({"windows": {"rows": 30}})
        service.update_model("m", "", None, None, policy).result()
        after = service.store.read(lambda reader: service.desk.watch(reader, "m"))

    assert kept is before
    assert (before.window_rows, after.window_rows) == (10, 30)
