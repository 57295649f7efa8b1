"""Keys of data, held outside the database. To destroy a key is to forget what it seals."""

from store.vault.actors import key_of
from store.vault.errors import KeyUnknown, SealBroken, VaultAway, VaultFault, VaultForeign, VaultUnsafe
from store.vault.keys import ACTORS_KIND, PERIOD_US, DataKey, KeyFacts, Owner, Vault
from store.vault.open import open_vault, read_vault
from store.vault.rewrapping import rewrap
from store.vault.sealing import SEAL_BYTES, seal, unseal

__all__ = [
    "ACTORS_KIND",
    "PERIOD_US",
    "SEAL_BYTES",
    "DataKey",
    "KeyFacts",
    "KeyUnknown",
    "Owner",
    "SealBroken",
    "Vault",
    "VaultAway",
    "VaultFault",
    "VaultForeign",
    "VaultUnsafe",
    "key_of",
    "open_vault",
    "read_vault",
    "rewrap",
    "seal",
    "unseal",
]
