"""Forgetting by age on a database: evidence and what events tell, what keeps them, and what is left of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from remission_verify.bundle import check_bundle
from remission_verify.trust import Trust

from server.act import SERVICE
from server.audit.deriving import Status
from server.bundling.bundle import Source, write_bundle
from server.bundling.period import Period
from server.clock import wall_us
from server.history.folding import version_of
from server.history.moments import Moment
from server.models import holding
from server.privacy import ageing
from server.privacy.ageing import Retention
from server.service import Service
from server.settings import Settings
from server.wiring import build
from statemachine.record.envelope import PayloadErased
from store import at_rest, migrate
from store.vault import PERIOD_US
from tests.fixtures.jobs import compete
from tests.fixtures.services import Feed, a_model
from tests.unit.server.test_unreadable import later

EVIDENCE, EVENTS = Retention(evidence_days=183), Retention(events_days=183)


@pytest.fixture
def starting(tmp_path: Path) -> Callable[[], Service]:
    """Start a server's service on one database and one vault, again and again."""
    settings = Settings(database=f"sqlite:///{tmp_path}/log.db", artifacts=str(tmp_path / "blobs"), clock="stream")
    migrate.upgrade(settings.database)
    return lambda: build(settings)


@pytest.fixture
def service(starting: Callable[[], Service]) -> Iterator[Service]:
    """Give a service whose model `m` has raised an alarm and laid it to rest, so that evidence is on record."""
    with closing(starting()) as started:
        started.create_model(a_model()).result()
        sender = Feed(started)
        for _ in range(4):
            sender.labels(sender.rows(20, output=0.99), 0.0)
        yield started


def years(count: int) -> int:
    """Give a moment so many years from now."""
    return wall_us() + count * 13 * PERIOD_US


def retired(service: Service, model: str = "m") -> None:
    """Abort whatever is under way, and retire."""
    service.retire_model(model, service.model(model).etag, "replaced").result()


def scopes(service: Service) -> list[str]:
    return [one.scope for one in service.privacy.erasures("", 100)]


def alarm_of(service: Service) -> Any:
    return next(one for one in service.events("m", 0, 1_000) if one.type == "alarm_raised")


def test_evidence_that_a_model_leans_on_is_kept_however_old(service: Service) -> None:
    assert service.privacy.erase_old(EVIDENCE, years(2)).erasures == 0
    assert service.explain("m", alarm_of(service).position).equal


def test_evidence_of_the_last_challenge_is_kept_since_the_next_one_adds_to_it(service: Service) -> None:
    retired(service)
    service.create_model(a_model("n")).result()
    sender = Feed(service, "n")
    sender.labels(sender.rows(20), [0.0, 1.0] * 10)
    compete(service, 0.0)
    kept = service.privacy.erase_old(EVIDENCE, years(2)).erasures
    retired(service, "n")

    assert (kept, service.privacy.erase_old(EVIDENCE, years(2)).erasures) == (0, 1)


def test_a_legal_hold_on_one_model_keeps_the_evidence_of_all(service: Service) -> None:
    service.create_model(a_model("n")).result()
    retired(service)
    service.do(lambda unit: holding.place(service.desk, unit, "n", "a case", SERVICE)).result()
    held = service.privacy.erase_old(EVIDENCE, years(2)).erasures
    service.do(lambda unit: holding.lift(service.desk, unit, "n", "", SERVICE)).result()

    assert (held, service.privacy.erase_old(EVIDENCE, years(2)).erasures) == (0, 1)


def test_old_evidence_is_erased_for_all_models_and_each_log_says_so(service: Service) -> None:
    alarm = alarm_of(service)
    service.create_model(a_model("n")).result()
    retired(service)
    young, old, again = (
        service.privacy.erase_old(EVIDENCE, moment).erasures for moment in (wall_us(), years(2), years(2))
    )

    assert (young, old, again) == (0, 1, 0)
    assert scopes(service) == ["evidence"]
    assert [service.events(model, 0, 1_000)[-1].type for model in ("m", "n")] == ["erased", "erased"]
    assert service.explain("m", alarm.position).status is Status.EVIDENCE_ERASED
    found = service.verify()
    assert (found.failures, found.tree_ok, found.erased > 0) == ([], True, True)


def test_what_a_living_model_needs_is_never_erased_by_age(service: Service) -> None:
    retired(service)
    service.create_model(a_model("n")).result()
    service.privacy.erase_old(Retention(1, 183, 183), years(3))
    sender = Feed(service, "n")
    for _ in range(4):
        sender.labels(sender.rows(20, output=0.99), 0.0)

    assert "alarm_raised" in {one.type for one in service.events("n", 0, 1_000)}
    assert service.model("n").schema["features"]


def test_events_of_a_model_go_only_after_it_was_retired_for_long_enough(service: Service) -> None:
    living = service.privacy.erase_old(EVENTS, years(2)).erasures
    retired(service)
    young, old, again = (
        service.privacy.erase_old(EVENTS, moment).erasures for moment in (wall_us(), years(2), years(2))
    )

    assert (living, young, old, again) == (0, 0, 1, 0)
    told = service.events("m", 0, 1_000)
    assert [one.erased for one in told] == [True] * (len(told) - 1) + [False]
    assert (told[-1].type, scopes(service)) == ("erased", ["events"])


def test_how_long_events_are_kept_is_counted_from_the_retirement_whatever_the_log_was_told_since(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ageing, "PAGE", 3)
    retired(service)
    for _ in range(5):
        service.do(lambda unit: holding.place(service.desk, unit, "m", "a case", SERVICE)).result()
        service.do(lambda unit: holding.lift(service.desk, unit, "m", "", SERVICE)).result()

    moves = [one.recorded_us for one in service.events("m", 0, 1_000) if one.type == "state_changed"]
    end_us = moves[-1] + EVENTS.events_days * ageing.DAY_US

    assert [service.privacy.erase_old(EVENTS, moment).erasures for moment in (end_us, end_us + 1)] == [0, 1]


@pytest.mark.parametrize("keep", [EVIDENCE, EVENTS], ids=["evidence", "events"])
def test_what_is_kept_for_half_a_year_goes_then_and_no_month_before(service: Service, keep: Retention) -> None:
    retired(service)

    gone = [service.privacy.erase_old(keep, wall_us() + count * PERIOD_US).erasures for count in (6, 8)]

    assert gone == [0, 1]


def test_a_hold_keeps_the_events_of_a_retired_model(service: Service) -> None:
    retired(service)
    service.do(lambda unit: holding.place(service.desk, unit, "m", "a case", SERVICE)).result()

    assert service.privacy.erase_old(EVENTS, years(2)).erasures == 0


def test_events_of_the_others_go_and_who_cannot_be_read_is_named(service: Service) -> None:
    service.create_model(a_model("broken")).result()
    retired(service)
    retired(service, "broken")
    later(service)
    found = service.privacy.erase_old(EVENTS, years(2))

    assert (found.erasures, list(found.left)) == (1, ["broken"])
    assert [one.model for one in service.privacy.erasures("", 10)] == ["m"]


def test_old_evidence_waits_for_the_model_that_cannot_be_read_and_it_is_named(service: Service) -> None:
    service.create_model(a_model("broken")).result()
    retired(service)
    later(service)
    found = service.privacy.erase_old(EVIDENCE, years(2))

    assert (found.erasures, list(found.left)) == (0, ["broken"])
    assert service.explain("m", alarm_of(service).position).equal


def test_a_log_whose_events_are_erased_is_whole_and_says_where_it_cannot_tell(service: Service) -> None:
    service.create_model(a_model("n")).result()
    alarm = alarm_of(service)
    retired(service)
    before = service.verify()
    service.privacy.erase_old(EVENTS, years(2))
    after = service.verify()

    assert (after.failures, after.chain_ok, after.tree_ok) == ([], True, True)
    assert after.events == before.events + 1
    with pytest.raises(PayloadErased):
        service.explain("m", alarm.position)
    with pytest.raises(PayloadErased):
        service.as_of("m", Moment("version", 3))
    assert service.as_of("n", Moment("version", 1)).health.version == 1


def test_an_incident_whose_events_are_erased_is_no_precedent_any_more(service: Service) -> None:
    ill(service, "n")
    retired(service)
    before = service.precedents("n", 0, 5, own=False)
    service.privacy.erase_old(EVENTS, years(2))
    after = service.precedents("n", 0, 5, own=False)

    assert [(one.case.model, one.cure) for one in before.found] == [("m", "the model was retired")]
    assert (after.found, after.models_read, after.models_left_out) == ((), 1, 0)


def test_a_precedent_whose_evidence_is_erased_is_told_without_what_it_cost(service: Service) -> None:
    ill(service, "n")
    retired(service)
    retired(service, "n")
    (before,) = service.precedents("n", 0, 5, own=False).found
    service.privacy.erase_old(EVIDENCE, years(2))
    (after,) = service.precedents("n", 0, 5, own=False).found

    assert before.case.losses is not None
    assert (after.case.losses, after.similarity, after.cure) == (None, before.similarity, before.cure)


def ill(service: Service, model: str) -> None:
    """Put a model under watch that falls ill as `m` did."""
    service.create_model(a_model(model)).result()
    sender = Feed(service, model)
    for _ in range(4):
        sender.labels(sender.rows(20, output=0.99), 0.0)


def test_a_server_that_starts_after_the_erasure_knows_where_the_model_stood(
    service: Service, starting: Callable[[], Service]
) -> None:
    retired(service)
    service.privacy.erase_old(EVENTS, years(2))
    before = service.state("m"), service.model("m")
    service.close()
    with closing(starting()) as again:
        assert (again.state("m"), again.model("m")) == before
        assert again.verify().failures == []


def test_a_destroyed_key_that_no_erasure_explains_is_found(service: Service) -> None:
    vault = service.desk.sealer.vault
    vault.destroy([key.key_id for key in vault.find(at_rest.PAYLOADS, model="m")])

    [failure] = service.verify().failures
    assert "no erasure of events is on record" in failure.what


def test_evidence_whose_key_is_destroyed_and_that_no_erasure_explains_is_found_at_each_decision(
    service: Service,
) -> None:
    vault = service.desk.sealer.vault
    decided = service.verify().decisions
    vault.destroy([key.key_id for key in vault.find(at_rest.EVIDENCE)])
    found = service.verify()

    assert (decided, found.erased) == (found.failed, found.failed)
    assert decided > 0
    assert {one.what.partition(",")[0] for one in found.failures} == {"the key of its evidence is destroyed"}
    assert all(one.model == "m" and one.position for one in found.failures)


def test_an_erasure_explains_only_the_evidence_before_it(service: Service) -> None:
    retired(service)
    service.privacy.erase_old(EVIDENCE, years(2))
    ill(service, "n")
    vault = service.desk.sealer.vault
    vault.destroy([key.key_id for key in vault.find(at_rest.EVIDENCE)])
    found = service.verify()

    assert {one.model for one in found.failures} == {"n"}
    assert found.erased > found.failed > 0


def test_a_bundle_of_erased_events_verifies_and_counts_them(service: Service) -> None:
    retired(service)
    service.privacy.erase_old(EVENTS, years(2))
    service.store.run(service.notary.sign)
    out = io.BytesIO()
    write_bundle(
        Source(service.store, service.desk.blobs, service.notary), "m", Period(), version_of(service.store, "m"), out
    )
    found = check_bundle(out, Trust(tuple(service.notary.verifiers)))

    assert found.faults == []
    assert found.more["erased"] == version_of(service.store, "m") - 1
