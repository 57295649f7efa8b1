from __future__ import annotations

import pytest

from store.vault import KeyUnknown, Owner, Vault

ANN, BOB = Owner("rows", "m", "ann"), Owner("rows", "m", "bob")


def test_an_owner_gets_the_same_key_again_and_others_get_others(vault: Vault) -> None:
    first, second = vault.keys([ANN, BOB])

    assert vault.keys([BOB, ANN, BOB]) == [second, first, second]
    assert first.material != second.material


@pytest.mark.parametrize(
    "other",
    [
        ANN._replace(kind="datasets"),
        ANN._replace(model="n"),
        ANN._replace(subject=""),
        ANN._replace(period=1),
        ANN._replace(name="d"),
    ],
)
def test_whatever_differs_in_an_owner_makes_it_another_one(vault: Vault, other: Owner) -> None:
    first, second = vault.keys([ANN, other])

    assert first.key_id != second.key_id


def test_keys_are_opened_by_their_ids(vault: Vault) -> None:
    keys = vault.keys([ANN, BOB])

    assert vault.opened([key.key_id for key in keys]) == {key.key_id: key for key in keys}


def test_a_destroyed_key_opens_nothing_and_an_unknown_one_is_a_fault(vault: Vault) -> None:
    gone, kept = vault.keys([ANN, BOB])
    vault.destroy([gone.key_id])

    assert vault.opened([gone.key_id, kept.key_id]) == {kept.key_id: kept}
    with pytest.raises(KeyUnknown, match="0123"):
        vault.opened(["0123"])


def test_an_owner_whose_key_was_destroyed_gets_a_new_one(vault: Vault) -> None:
    [gone] = vault.keys([ANN])
    vault.destroy([gone.key_id])

    [fresh] = vault.keys([ANN])

    assert fresh.key_id != gone.key_id
    assert fresh.material != gone.material


def test_destroying_twice_is_destroying_once(vault: Vault) -> None:
    [gone] = vault.keys([ANN])
    vault.destroy([gone.key_id])
    before = vault.find("rows")
    vault.destroy([gone.key_id])

    assert vault.find("rows") == before


def test_an_id_that_was_never_held_can_be_destroyed_and_stays_so(vault: Vault) -> None:
    vault.destroy(["of-an-older-copy"])

    assert vault.opened(["of-an-older-copy"]) == {}


def test_keys_are_found_by_model_subject_and_period(vault: Vault) -> None:
    later = ANN._replace(period=3, model="n")
    first, second, third = vault.keys([ANN, BOB, later])

    def found(**filters: object) -> set[str]:
        return {one.key_id for one in vault.find("rows", **filters)}  # type: ignore[arg-type]  # as the method has them

    assert found() == {first.key_id, second.key_id, third.key_id}
    assert found(pseudonym=vault.pseudonym("subject", "ann")) == {first.key_id, third.key_id}
    assert found(model="n") == {third.key_id}
    assert found(before_period=3) == {first.key_id, second.key_id}


def test_a_key_lived_from_its_making_to_its_end(vault: Vault) -> None:
    [key] = vault.keys([ANN])
    [alive] = vault.find("rows")
    vault.destroy([key.key_id])
    [dead] = vault.find("rows")

    assert dead.destroyed_us is not None
    assert alive.lived(dead.destroyed_us + 1)
    ends_us = (dead.created_us - 1, dead.created_us, dead.destroyed_us, dead.destroyed_us + 1)
    assert [dead.lived(at_us) for at_us in ends_us] == [False, True, True, False]


def test_more_keys_than_a_statement_takes_are_made_and_destroyed(vault: Vault) -> None:
    owners = [Owner("rows", "m", f"s-{number}") for number in range(5_000)]
    keys = vault.keys(owners)
    vault.destroy([key.key_id for key in keys[1:]])

    assert len({key.key_id for key in keys}) == len(owners)
    assert list(vault.opened([key.key_id for key in keys])) == [keys[0].key_id]


def test_a_pseudonym_is_the_same_for_the_same_text_and_purpose_alone(vault: Vault) -> None:
    one = vault.pseudonym("subject", "ann")

    assert vault.pseudonym("subject", "ann") == one
    assert len({one, vault.pseudonym("subject", "bob"), vault.pseudonym("request", "ann")}) == 3
    assert "ann" not in one


def test_each_destruction_is_counted(vault: Vault) -> None:
    [key] = vault.keys([ANN])
    before = vault.changes()
    vault.destroy([key.key_id])

    assert vault.changes() == before + 1


def test_a_vault_is_of_another_generation_once_a_key_that_was_learned_here_may_be_gone(vault: Vault) -> None:
    [key] = vault.keys([ANN])
    learned = vault.generation()
    same = vault.generation()
    vault.destroy([key.key_id])

    assert same == learned
    assert vault.generation() != learned
