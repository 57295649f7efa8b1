"""What can be wrong with a vault, its keys, or what they seal. The docstring is the message."""

from store.errors import StoreError


class VaultFault(StoreError):
    """The vault cannot be used."""

    def __init__(self, reason: str) -> None:
        """Say why, and what would be accepted."""
        self.reason = reason
        super().__init__(reason=reason)


class VaultUnsafe(VaultFault):
    """The vault would not keep its keys to itself."""


class VaultForeign(VaultFault):
    """The vault is not the one that belongs here."""


class VaultAway(VaultFault):
    """The vault cannot be reached. Nothing was taken in and nothing was erased; ask again later."""


class KeyUnknown(StoreError):
    """The vault has never held this key: it belongs to another database, or is an old copy of itself."""

    def __init__(self, key_id: str) -> None:
        """Name the key."""
        self.key_id = key_id
        super().__init__(key_id=key_id)


class SealBroken(StoreError):
    """What is sealed does not open under its key: it was altered, or moved to another place."""

    def __init__(self, key_id: str) -> None:
        """Name the key."""
        self.key_id = key_id
        super().__init__(key_id=key_id)
