"""The watches that a process knows by heart. Each holds all rows of its model, so those that nobody asks for may go."""

from __future__ import annotations

from collections.abc import Callable

from server.clock import steady_us
from server.watching.watch import Watch


class Watches:
    """Watches by model, the one that was asked for longest ago first. For the writer's thread."""

    def __init__(self, clock_us: Callable[[], int] = steady_us) -> None:
        self._clock_us = clock_us
        self._known: dict[str, tuple[Watch, int]] = {}  #: each with when it was asked for last

    def __len__(self) -> int:
        """Say how many there are."""
        return len(self._known)

    def __contains__(self, model: str) -> bool:
        """Say whether the watch of *model* is known; from any thread."""
        return model in self._known

    def get(self, model: str) -> Watch | None:
        """Give the watch of *model*, if it is known."""
        found = self._known.pop(model, None)
        return None if found is None else self.put(model, found[0])

    def put(self, model: str, watch: Watch) -> Watch:
        """Keep the watch of *model*, and give it."""
        self._known.pop(model, None)
        self._known[model] = watch, self._clock_us()
        return watch

    def drop(self, model: str) -> None:
        """Let the watch of *model* go, if it is known."""
        self._known.pop(model, None)

    def idle(self, most: int, idle_us: int) -> list[str]:
        """Give the models to let go of, so that *most* are left; none that was asked for within *idle_us*."""
        since_us = self._clock_us() - idle_us
        first = list(self._known.items())[: max(len(self._known) - most, 0)]
        return [model for model, (_, asked_us) in first if asked_us <= since_us]
