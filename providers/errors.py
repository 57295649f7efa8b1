"""Why points do not come through. Each message says what to do, since it is all that people on call see."""

from __future__ import annotations


class ProviderError(Exception):
    """Something between a provider and the service is not as it must be."""


class ConfigInvalid(ProviderError):
    """The file of settings cannot be used as it is."""


class Away(ProviderError):
    """Nobody answers now; asking again later is right."""

    def __init__(self, told: str, retry_seconds: float = 0.0) -> None:
        """Say who is away, and when to come again, where that was said."""
        super().__init__(told)
        self.retry_seconds = retry_seconds


class Unusable(ProviderError):
    """An answer cannot be taken as it is. Nothing of it was, and nothing was skipped."""
