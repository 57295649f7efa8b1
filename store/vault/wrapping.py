"""A master key, which wraps the keys of the vault: whoever has the vault's file alone has nothing."""

import os
import stat
from pathlib import Path

from store.vault.errors import SealBroken, VaultForeign, VaultUnsafe
from store.vault.keys import MATERIAL_BYTES, DataKey
from store.vault.sealing import seal, unseal

_PROOF = b"remission vault"
_WRAPPED = "the keys of this vault are wrapped, and no master key is given; the one that wraps them"
_CLEAR = "the keys of this vault are not wrapped, and a master key is given; none, until `remission key wrap`,"


class Wrapping:
    """Wraps bytes under the master key; without one they stay as they are."""

    def __init__(self, master: bytes | None = None) -> None:
        self._master = DataKey("master", master) if master else None

    def wrapped(self, data: bytes, name: str) -> bytes:
        """Return *data*, which stands under *name*, as it is kept."""
        return seal(self._master, data, name.encode()) if self._master else data

    def unwrapped(self, data: bytes, name: str) -> bytes:
        """Undo `wrapped`."""
        return unseal(self._master, data, name.encode()) if self._master else data

    def proof(self) -> bytes:
        """Return what tells the same master key again."""
        return self.wrapped(_PROOF, "proof") if self._master else b""

    def check(self, proof: bytes) -> None:
        """Let a vault pass whose keys this master key wraps.

        Raises:
            VaultForeign: Another one does, or none.
        """
        if bool(proof) != bool(self._master):
            raise VaultForeign(f"vault_master: {_WRAPPED if proof else _CLEAR} is accepted")
        try:
            fits = not proof or self.unwrapped(proof, "proof") == _PROOF
        except SealBroken:
            fits = False
        if not fits:
            raise VaultForeign("vault_master: another master key wraps this vault; that one is accepted")


def read_master(path: str) -> bytes | None:
    """Read a master key: a file of 64 hexadecimal digits that nobody else can read. No path: no key.

    Raises:
        VaultUnsafe: The file is missing, holds something else, or others can read it.
    """
    if not path:
        return None
    file = Path(path)
    try:
        mode = file.stat().st_mode
        digits = file.read_text(encoding="ascii").strip()
        key = bytes.fromhex(digits)
    except (OSError, ValueError) as error:
        raise VaultUnsafe(f"vault_master: {path!r} is no file of 64 hexadecimal digits: {error}") from error
    if len(key) != MATERIAL_BYTES:
        raise VaultUnsafe(
            f"vault_master: {path!r} holds {len(key)} bytes; {MATERIAL_BYTES} in hexadecimal are accepted"
        )
    check_private(file, mode, "vault_master")
    return key


def check_private(file: Path, mode: int, setting: str) -> None:
    """Let a file pass that only its owner can read or write.

    Raises:
        VaultUnsafe: Others can.
    """
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise VaultUnsafe(f"{setting}: {file} has the mode {stat.S_IMODE(mode):04o}; 0600 is accepted")


def make_private(file: Path) -> None:
    """Make an empty file that only its owner can read; one that is there stays as it is."""
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
