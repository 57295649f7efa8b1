"""What the command says when it will not, or cannot, do what was asked: one line."""

from __future__ import annotations

import errno

#: What a disk says that takes no more, or that nobody may write to.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def expected(error: Exception) -> bool:
    """Say whether *error* is a refusal that its message explains, or that of a disk."""
    return _of_disk(error) or _ours(error)


def _of_disk(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in DISK


def _ours(error: Exception) -> bool:
    from remission import CallError
    from remission_verify.errors import VerificationError

    from backtest.errors import StreamInvalid
    from cli.asof import MomentInvalid
    from cli.declarations import DeclarationsInvalid
    from cli.policies.files import PolicyFileInvalid
    from cli.policies.source import NoSuchVersion, PolicyRefused
    from cli.reach import CertificatesUnusable, NobodyAnswers, NotLetIn
    from providers.errors import ProviderError
    from server.audit.crew import CrewLost
    from server.bundling.bundle import BundleUnsound
    from server.checkpoints.keys import KeyUnusable
    from server.checkpoints.notary import LogUnsafe
    from server.errors import RequestError
    from server.serve import CannotListen
    from server.settings import SettingsInvalid
    from statemachine.record.envelope import PayloadErased
    from statemachine.replay import IllegalHistory
    from store.errors import StoreError

    of_records = (BundleUnsound, IllegalHistory, PayloadErased, KeyUnusable, LogUnsafe, VerificationError)
    of_calls = (NobodyAnswers, NotLetIn, CertificatesUnusable, CallError, RequestError)
    of_what_is_asked = (StreamInvalid, SettingsInvalid, MomentInvalid, PolicyFileInvalid, PolicyRefused, NoSuchVersion)
    of_signals = (ProviderError, DeclarationsInvalid)
    ours = (*of_records, *of_what_is_asked, *of_calls, *of_signals)
    return isinstance(error, (StoreError, CannotListen, CrewLost, *ours))


def one_line(error: Exception) -> str:
    """Give the message of *error* without line breaks, and what a server says of a field once."""
    if isinstance(error, OSError) and _of_disk(error):
        return f"{error.filename or 'what was to be told'}: cannot be written: {error.strerror}"
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for i, line in enumerate(lines) if line and not any(_said(line, before) for before in lines[:i])]
    return "; ".join(told)


def _said(line: str, before: str) -> bool:
    return line in before or line.partition(": ")[2] in before
