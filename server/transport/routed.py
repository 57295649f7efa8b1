"""What one watcher was told of routes: each that is new, each again before it expires, and who cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from server.history.unreadable import Unreadable
from server.transport.status import said
from server.views import RouteView

RENEWALS = 3  #: of a route within its time to live
LOOK_SECONDS = 15.0  #: between two looks at a model that cannot be read


class Routed:
    """What one watcher was told of the routes of models, and when it is to be told again."""

    def __init__(self, models: Sequence[str]) -> None:
        self._again = dict.fromkeys(models, 0.0)
        self._generations: dict[str, int] = {}
        self._faults: dict[str, str] = {}  #: reasons, of those that could not be read when they were last looked at

    def due(self, now: float) -> list[str]:
        """Give the models to look at; those that cannot be read only now and then, since each look is a fold."""
        return [model for model, again in self._again.items() if model not in self._faults or now >= again]

    def is_news(self, view: RouteView, now: float) -> bool:
        """Take note of a route, and say whether it is to be told: it is new, or expires soon."""
        known = self._generations.get(view.model)
        if view.generation == known and view.model not in self._faults and now < self._again[view.model]:
            return False
        self._faults.pop(view.model, None)
        self._generations[view.model] = view.generation
        self._again[view.model] = now + view.ttl_seconds / RENEWALS
        return True

    def is_new_fault(self, one: Unreadable, now: float) -> bool:
        """Take note of a model that cannot be read, and say whether that, or why, is new."""
        reason, _ = said(one.error)
        is_new = self._faults.get(one.model) != reason
        self._faults[one.model], self._again[one.model] = reason, now + LOOK_SECONDS
        return is_new

    def again(self, now: float) -> float:
        """Give the seconds until something is to be told or looked at again."""
        return min(self._again.values()) - now
