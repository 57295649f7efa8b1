"""The only place that picks implementations."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from retraining.template import TEMPLATES
from server.act import Act
from server.bundling.bundle import Source
from server.bundling.kept import Kept
from server.checkpoints.keys import fresh_keys, read_keys, write_keys
from server.checkpoints.notary import Notary
from server.clock import StreamClock, SystemClock, wall_us
from server.desk import Desk
from server.intake.sealing import Sealer
from server.service import Service
from server.settings import BESIDE, Settings
from statemachine.machine import GATEKEEPER, Gatekeeper
from store import FsspecBlobs, Readable, Store, open_reader, open_store
from store.sealed_blobs import SealedBlobs
from store.vault import Vault, open_vault, read_vault


# What a service runs on, and what another machine than this one would give it.
def build(
    settings: Settings,
    gatekeeper: Gatekeeper = GATEKEEPER,
    notary: Notary | None = None,
    time_us: Callable[[], int] = wall_us,
) -> Service:
    """Open the store and put the service together; without a *notary* its log is signed by the keys of the settings.

    Raises:
        DatabaseFault: The database cannot be used; the message says why, and what would help.
        KeyUnusable: The keys of the log cannot be used.
        LogUnsafe: The log is not the one that was signed.
    """
    clock = StreamClock() if settings.clock == "stream" else SystemClock(time_us)
    with contextlib.ExitStack() as opened:
        vault = open_vault(settings.vault_url, clock_us=time_us, master=settings.vault_master)
        opened.callback(vault.close)
        # What is sealed must not outlive the keys that seal it.
        lasts = not settings.vault_url.startswith("memory:")
        store = open_store(settings.database, clock_us=time_us, vault=vault if lasts else None)
        opened.callback(store.close)
        notary = notary or notary_of(settings, store)
        opened.pop_all()
    blobs = SealedBlobs(blobs_of(settings), vault)
    desk = Desk(Act(clock, gatekeeper), clock, blobs, TEMPLATES, Sealer(vault, time_us))
    return Service(store, desk, notary, time_us)


@contextlib.contextmanager
def opened_source(settings: Settings) -> Iterator[Source]:
    """Open a log that is only read, beside its server or without one, to make bundles of.

    Raises:
        DatabaseFault: The database cannot be used.
        KeyUnusable: The keys of the log cannot be used.
        LogUnsafe: The log is not the one that was signed.
    """
    with contextlib.closing(open_log(settings)) as store:
        notary = Notary(read_keys(key_file(settings)), checkpoint_file(settings), wall_us)
        notary.check(store)
        yield Source(store, blobs_of(settings), notary)


def open_log(settings: Settings) -> Readable:
    """Open a log to look at it, with the vault that it is sealed with if there is one.

    Raises:
        DatabaseFault: The database cannot be used.
        VaultFault: The vault cannot be used.
    """
    return open_reader(settings.database, vault=vault_to_read(settings))


def vault_to_read(settings: Settings) -> Vault | None:
    """Open the vault of the settings beside its server; None where a log of an earlier release has none."""
    url = settings.vault_url
    beside = not settings.vault and url.startswith(BESIDE)
    if url.startswith("memory:") or (beside and not Path(url.removeprefix(BESIDE).partition("?")[0]).exists()):
        return None
    return read_vault(url, master=settings.vault_master)


@contextlib.contextmanager
def opened_kept(settings: Settings) -> Iterator[Kept]:
    """Open what is kept of rows, to be copied beside its server or without one, and the vault that knows their keys.

    Raises:
        VaultFault: The vault cannot be used.
    """
    vault = read_vault(settings.vault_url, master=settings.vault_master)
    try:
        yield Kept(SealedBlobs(blobs_of(settings), vault), vault)
    finally:
        vault.close()


def blobs_of(settings: Settings) -> FsspecBlobs:
    """Give the artefacts."""
    local = "://" not in settings.artifacts
    return FsspecBlobs(str(Path(settings.artifacts).absolute()) if local else settings.artifacts)


def notary_of(settings: Settings, store: Store) -> Notary:
    """Read the keys, or make the first for a log of which nothing was signed, and hold the log against what was.

    Raises:
        KeyUnusable: They are missing, others may read them, or they are not those of the log.
        LogUnsafe: The log is behind what was signed of it, or differs from it.
    """
    if settings.database.startswith("memory:"):
        return Notary(fresh_keys(), None, wall_us)
    path = key_file(settings)
    if not path.exists() and not store.read(lambda reader: reader.checkpoints()):
        write_keys(path, fresh_keys())
    notary = Notary(read_keys(path), checkpoint_file(settings), wall_us)
    notary.check(store)
    return notary


def key_file(settings: Settings) -> Path:
    """Say where the keys of the log are."""
    if settings.signing_key:
        return Path(settings.signing_key)
    scheme, _, name = settings.database.partition("://")
    if scheme.startswith("sqlite"):
        return Path(f"{name.removeprefix('/')}.key")
    return Path(f"remission-{name.partition('?')[0].rpartition('/')[2] or 'log'}.key")


def checkpoint_file(settings: Settings) -> Path:
    """Say where the newest checkpoint of the log is kept."""
    return Path(settings.checkpoint_file or f"{key_file(settings)}.checkpoint")
