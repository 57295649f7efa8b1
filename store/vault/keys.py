"""Keys of data, whose they are, and what the rest of the house may ask of a vault."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

#: Bytes of a data key: AES-256.
MATERIAL_BYTES = 32
#: The class of data that names of actors are.
ACTORS_KIND = "actors"
#: How long a key that may go with its age seals: what it sealed goes all at once, when the last of it is old enough.
PERIOD_US = 30 * 86_400 * 1_000_000


class Owner(NamedTuple):
    """Whose data a key seals. The *subject* is an opaque id: the vault keeps only a keyed hash of it."""

    kind: str  #: class of data: rows, datasets, …
    model: str
    subject: str = ""
    period: int = 0  #: stretch of time; nothing is sealed under a key of an earlier one
    name: str = ""  #: of one thing that has a key of its own; kept in clear


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key by its id. The id stands beside what is sealed; it is random, and tells nothing."""

    key_id: str
    material: bytes = field(repr=False)


class KeyFacts(NamedTuple):
    """What may be told of a key."""

    key_id: str
    kind: str
    model: str
    period: int
    name: str
    created_us: int
    destroyed_us: int | None

    def lived(self, at_us: int) -> bool:
        """Say whether it was alive at a moment, whatever became of it since."""
        return self.created_us <= at_us and (self.destroyed_us is None or self.destroyed_us >= at_us)


class Vault(Protocol):
    """The keys of one namespace. Safe to use from many threads.

    Every method raises `VaultAway` when the vault cannot be reached.
    """

    def keys(self, owners: Sequence[Owner]) -> list[DataKey]:
        """Return the living key of each owner; one that is made here is durable when this returns.

        An owner whose key was destroyed gets a new one under another id: to erase concerns what was.
        """

    def opened(self, key_ids: Collection[str]) -> dict[str, DataKey]:
        """Return the keys that are alive, by id; those that were destroyed are left out.

        Raises:
            KeyUnknown: The vault has never held one of them.
        """

    def find(
        self, kind: str, *, model: str | None = None, pseudonym: str | None = None, before_period: int | None = None
    ) -> list[KeyFacts]:
        """Return the keys of a class of data, living and destroyed, that match every filter given, by id.

        *pseudonym* is that of a subject.
        """

    def destroy(self, key_ids: Collection[str]) -> None:
        """Destroy keys for good. When this returns, no file of the vault holds a byte of them.

        Destroying twice is destroying once. An id that was never held is noted as destroyed.
        """

    def actor(self, name: str) -> str:
        """Return the opaque id of who is called *name*; one that is made here is durable when this returns.

        It is random, the same for the same name, and another one after `destroy` has had the key inside it.
        """

    def find_actor(self, name: str) -> str | None:
        """Return the opaque id of who is called *name*, and make none."""

    def names(self, actors: Collection[str]) -> dict[str, str | None]:
        """Return who stands behind ids, None where the name was destroyed; an id that was never made is left out."""

    def pseudonym(self, purpose: str, text: str) -> str:
        """Return a keyed hash of *text*: equal for equal text, and no clue to it without the vault. 64 digits.

        The purpose of subjects is `subject`.
        """

    def changes(self) -> int:
        """Count the destructions so far, by whatever process: what was learned before another one may be gone."""

    def generation(self) -> int:
        """Return a number that is another one once a key that was learned here may be gone. Cheap for a file."""

    def close(self) -> None:
        """Let go of everything. Closing twice is closing once."""
