"""Who may speak as a provider: the name that points are sent under is held against the caller's certificate."""

from __future__ import annotations

from collections.abc import Mapping

from server.act import Caller
from server.transport.errors import NotTheProvider


class Speakers:
    """The names in certificates by provider, as the setting `providers` gives them.

    A provider that it does not list is spoken for by the certificate of that very name. So nobody lends another's name
    to points of their own, which would be judged as that provider's and cover up its silence.
    """

    def __init__(self, bound: Mapping[str, frozenset[str]]) -> None:
        self._bound = bound

    def check(self, who: Caller, provider: str) -> None:
        """Let *who* speak as *provider*; without certificates everybody may, and naming no provider is no claim.

        Raises:
            NotTheProvider: The certificate is not one of that provider's.
        """
        if who.name and provider and who.name not in self._bound.get(provider, frozenset((provider,))):
            raise NotTheProvider(provider)
