"""What a vault promises of those who act: one opaque id a name, until the name is forgotten."""

from __future__ import annotations

from statemachine.actors import is_actor
from store.vault import ACTORS_KIND, Owner, Vault, key_of, open_vault

ANN, BOB = "ann@bank.example", "Bob Näf"


def forget(vault: Vault, actor: str) -> None:
    vault.destroy([key_of(actor)])


def test_a_name_has_one_id_and_another_name_another(vault: Vault) -> None:
    ann, bob = vault.actor(ANN), vault.actor(BOB)

    assert (vault.actor(ANN), vault.actor(BOB)) == (ann, bob)
    assert ann != bob
    assert is_actor(ann)


def test_an_id_tells_nothing_of_the_name_even_to_who_has_the_pepper(vault: Vault) -> None:
    with_another = open_vault("memory://", clock_us=lambda: 1)

    assert vault.actor(ANN) not in (with_another.actor(ANN), vault.pseudonym("actor", ANN))


def test_the_names_behind_ids_are_told_and_ids_that_were_never_made_are_left_out(vault: Vault) -> None:
    ann, bob = vault.actor(ANN), vault.actor(BOB)
    stranger = f"actor_{'0' * 24}"

    assert vault.names([ann, bob, stranger, "local"]) == {ann: ANN, bob: BOB}


def test_the_id_of_a_name_is_found_and_none_is_made(vault: Vault) -> None:
    ann = vault.actor(ANN)

    assert [vault.find_actor(name) for name in (ANN, BOB, BOB)] == [ann, None, None]
    assert len(vault.find(ACTORS_KIND)) == 1


def test_a_forgotten_name_is_told_to_nobody_and_gets_another_id_when_it_comes_again(vault: Vault) -> None:
    ann, bob = vault.actor(ANN), vault.actor(BOB)
    forget(vault, ann)
    found = vault.find_actor(ANN)
    again = vault.actor(ANN)

    assert found is None
    assert again not in (ann, bob)
    assert vault.names([ann, bob, again]) == {ann: None, bob: BOB, again: ANN}


def test_forgetting_twice_is_forgetting_once_and_an_id_of_another_vault_stays_forgotten(vault: Vault) -> None:
    ann, stranger = vault.actor(ANN), f"actor_{'0' * 24}"
    for actor in (ann, ann, stranger):
        forget(vault, actor)

    assert vault.names([ann, stranger]) == {ann: None, stranger: None}


def test_a_key_of_data_is_nobody(vault: Vault) -> None:
    [key] = vault.keys([Owner("rows", "m", "ann")])

    assert vault.names([f"actor_{key.key_id}"]) == {}


def test_many_names_are_kept_apart_whatever_is_in_them(vault: Vault) -> None:
    names = [f"{'x' * length}\x01\0" for length in range(130)] + [f"{'x' * length}" for length in range(1, 130)]
    ids = [vault.actor(name) for name in names]

    assert len(set(ids)) == len(names)
    assert vault.names(ids) == dict(zip(ids, names, strict=True))
