"""Claims about who acts: ids at hand, four eyes that ids cannot close, and names that go on record and for good."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from server.act import Caller
from server.clock import wall_us
from server.errors import Invalid, ThingMissing
from server.models import holding
from server.privacy import erasures, forgetting, scopes
from server.privacy.actors import FRESH_SECONDS, Actors
from server.service import Service
from statemachine.errors import LegallyHeld, Refused
from store.errors import RequestIdReused
from store.vault import Vault, key_of, open_vault
from tests.fixtures.services import a_model, a_service

ANN, BOB = "ann@bank.example", "bob@bank.example"


@pytest.fixture
def vault() -> Iterator[Vault]:
    made = open_vault("memory://", clock_us=lambda: 1)
    yield made
    made.close()


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with a model whose remedies a second person must agree to."""
    with a_service() as made:
        new = a_model()
        new.policy["approvals"] = {"required": True}
        made.create_model(new).result()
        yield made


def certified(service: Service, name: str) -> Caller:
    """Give the caller whose certificate holds this name."""
    return Caller(actor=service.privacy.actors.of(name), authentication="mtls", name=name)


def ask(service: Service, caller: Caller) -> None:
    service.start_retraining("m", "", "", [], caller).result()


def approve(service: Service, caller: Caller) -> str:
    service.operate("approve", "m", "", "", caller).result()
    return service.events("m", 0, 1_000)[-1].actor


def forget(service: Service, actor: str, request_id: str = "f-1", note: str = "") -> erasures.ErasureView:
    return service.privacy.forget_actor(actor, note, request_id)


def test_an_id_is_at_hand_for_a_moment_and_then_asked_for_again(vault: Vault) -> None:
    now = [10.0]
    actors = Actors(vault, lambda: now[0])
    before, actor, after = actors.at_hand(ANN), actors.of(ANN), actors.at_hand(ANN)
    now[0] += FRESH_SECONDS
    late = actors.at_hand(ANN)

    assert (before, after, late) == (None, actor, None)
    assert actors.of(ANN) == actor


def test_a_server_goes_on_with_an_id_that_another_one_has_destroyed_for_a_moment_at_most(vault: Vault) -> None:
    now = [10.0]
    one, other = Actors(vault, lambda: now[0]), Actors(vault, lambda: now[0])
    actor = one.of(ANN)
    other.of(ANN)
    vault.destroy([key_of(actor)])
    one.clear()
    at_once = one.of(ANN)
    now[0] += FRESH_SECONDS

    assert other.at_hand(ANN) is None
    assert at_once == other.of(ANN) != actor


@pytest.mark.parametrize("actor", [ANN, "service", "local", "actor_1"])
def test_no_caller_with_a_certificate_is_named_by_anything_but_an_id(actor: str) -> None:
    with pytest.raises(ValueError, match="opaque id"):
        Caller(actor=actor, authentication="mtls", name=ANN)


def test_a_caller_shows_its_name_to_nobody(service: Service) -> None:
    assert ANN not in repr(certified(service, ANN))


def test_a_certificate_that_is_called_like_the_service_is_a_person(service: Service) -> None:
    ask(service, certified(service, "service"))

    assert service.state("m").phase == "awaiting_approval"
    with pytest.raises(Refused):
        approve(service, certified(service, "service"))


def test_who_asked_does_not_agree_and_somebody_else_does(service: Service) -> None:
    ann, bob = certified(service, ANN), certified(service, BOB)
    ask(service, ann)
    with pytest.raises(Refused):
        approve(service, ann)

    assert approve(service, bob) == bob.actor


def test_who_asked_under_a_clear_name_in_an_older_log_does_not_agree_under_an_id(service: Service) -> None:
    ask(service, Caller(actor=ANN, authentication="tests"))
    with pytest.raises(Refused):
        approve(service, certified(service, ANN))

    assert approve(service, certified(service, BOB))


def test_nobody_agrees_to_what_somebody_asked_for_who_was_forgotten_and_everybody_may_reject_it(
    service: Service,
) -> None:
    ask(service, certified(service, ANN))
    forget(service, service.privacy.actors.of(ANN))
    for name in (ANN, BOB):
        with pytest.raises(Refused, match="nobody can tell any more who that is"):
            approve(service, certified(service, name))
    service.operate("reject", "m", "", "", certified(service, ANN)).result()

    assert service.state("m").state == "healthy"


def test_it_is_told_who_stands_behind_ids_and_what_ids_names_have(service: Service) -> None:
    ann, bob = service.privacy.actors.of(ANN), service.privacy.actors.of(BOB)
    forget(service, ann)

    assert [(one.actor, one.name) for one in service.privacy.who([ann, bob], [BOB])] == [
        (ann, None),
        (bob, BOB),
        (bob, BOB),
    ]


@pytest.mark.parametrize("actor", ["local", ANN, ""])
def test_what_is_no_id_is_refused_by_its_place(service: Service, actor: str) -> None:
    with pytest.raises(Invalid, match=r"actor_ids\[1\].*24 hex digits are accepted"):
        service.privacy.who([service.privacy.actors.of(ANN), actor], [])


def test_an_id_and_a_name_that_are_not_known_here_are_refused_by_their_place(service: Service) -> None:
    with pytest.raises(ThingMissing, match=r"actor_ids\[0\].*never given"):
        service.privacy.who([f"actor_{'0' * 24}"], [])
    with pytest.raises(ThingMissing, match=r"names\[0\].*nobody is called"):
        service.privacy.who([], [ANN])
    with pytest.raises(ThingMissing, match=r"actor_id: .*never given"):
        forget(service, f"actor_{'0' * 24}")


def test_forgetting_is_on_record_without_the_name_and_asked_again_gives_the_first_answer(service: Service) -> None:
    ann = service.privacy.actors.of(ANN)
    first, again = forget(service, ann), forget(service, ann)
    [kept] = service.store.read(lambda reader: reader.erasures())

    assert first == again == service.privacy.erasure(first.erasure)
    assert (first.scope, first.pseudonym, first.status, first.models) == ("actor", ann, "done", [])
    assert ANN.encode() not in kept.body


def test_what_was_forgotten_before_a_hold_is_answered_as_at_first(service: Service) -> None:
    ann = certified(service, ANN)
    ask(service, ann)
    first = forget(service, ann.actor)
    service.do(lambda unit: holding.place(service.desk, unit, "m", "", certified(service, BOB))).result()

    assert forget(service, ann.actor) == first


def test_a_request_id_stands_for_one_erasure(service: Service) -> None:
    ann, bob = service.privacy.actors.of(ANN), service.privacy.actors.of(BOB)
    forget(service, ann)
    for again in (partial(forget, service, bob), partial(service.privacy.erase_subject, ann, "", "f-1")):
        with pytest.raises(RequestIdReused):
            again()

    assert service.privacy.who([bob], [])[0].name == BOB


def test_a_legal_hold_keeps_the_names_of_those_in_its_log_and_of_nobody_else(service: Service) -> None:
    ann, bob = certified(service, ANN), certified(service, BOB)
    ask(service, ann)
    service.do(lambda unit: holding.place(service.desk, unit, "m", "", bob)).result()
    for actor in (ann.actor, bob.actor):
        with pytest.raises(LegallyHeld, match="a legal hold keeps who acted on m"):
            forget(service, actor)

    assert forget(service, service.privacy.actors.of("eve@bank.example")).status == "done"


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_legal_hold_keeps_a_name_wherever_its_id_stands_in_a_long_log(
    service: Service, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(forgetting, "PAGE", page)
    ann, bob = certified(service, ANN), certified(service, BOB)
    for caller in (bob, bob, ann, bob, bob):
        service.do(partial(holding.place, service.desk, model="m", note="", caller=caller)).result()
        service.do(partial(holding.lift, service.desk, model="m", note="", caller=bob)).result()
    service.do(partial(holding.place, service.desk, model="m", note="", caller=bob)).result()

    with pytest.raises(LegallyHeld, match="a legal hold keeps who acted on m"):
        forget(service, ann.actor)
    assert service.privacy.who([ann.actor], [])[0].name == ANN


def test_who_was_forgotten_and_calls_again_at_once_gets_another_id(service: Service) -> None:
    ann = service.privacy.actors.of(ANN)
    forget(service, ann)

    assert service.privacy.actors.at_hand(ANN) is None
    assert service.privacy.actors.of(ANN) != ann


def test_what_was_intended_before_the_end_is_carried_out_at_the_next_start(service: Service) -> None:
    ann = service.privacy.actors.of(ANN)
    asked = erasures.Asked(subject=ann, note="", request_id="f-1", at_us=wall_us(), scope=scopes.ACTOR)
    service.do(lambda unit: forgetting.intend(service.desk, unit, asked)).result()
    before = service.privacy.who([ann], [])[0].name
    finished = service.privacy.finish().done

    assert (before, finished, service.privacy.who([ann], [])[0].name) == (ANN, 1, None)
