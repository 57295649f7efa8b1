"""What a call can meet on its way in or out, where no use case has a say."""

from __future__ import annotations


class TransportError(Exception):
    """The call cannot be carried through."""


class Leaving(TransportError):
    """The server is leaving; ask again in a moment, and it or another answers."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class Overloaded(TransportError):
    """As many calls are under way as this server works on at once."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} calls are under way, and no more are taken on; try again in a second")
        self.most = most


class BytesDiffer(TransportError):
    """The bytes that came are not those that were announced."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field, self.description = field, description


class BehindTheEnd(TransportError):
    """There is nothing at this offset."""

    def __init__(self, offset: int, size: int) -> None:
        super().__init__(f"offset: {offset} lies behind the end; 0 to {size} is accepted")
        self.offset, self.size = offset, size


class CertificateRevoked(TransportError):
    """The caller's certificate is on the list of those that are not let in any more; another one is accepted."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class NotAllowed(TransportError):
    """The caller's certificate does not let it do this."""

    def __init__(self, what: str, setting: str) -> None:
        who = f"callers whose certificate the setting {setting} names, or who need none"
        super().__init__(f"{what} is not allowed; it is to {who}")
        self.setting = setting


class NotTheProvider(TransportError):
    """The caller's certificate is not that of the provider in whose name it speaks."""

    def __init__(self, provider: str) -> None:
        who = (
            f"that of a certificate named {provider!r}, or of those that the setting providers binds to it, is accepted"
        )
        super().__init__(f"provider: {provider!r} is not this certificate's to speak for; {who}")
        self.provider = provider
