"""Followers: who is sent to look at what the feed of a model has, when, and what becomes of those that fail."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from server.desk import Desk, Doing
from server.following import consequences, neglect
from server.following.backlog import Backlog
from server.following.neglect import Neglect
from server.following.turns import Turn
from store.answers import Answer
from store.errors import StoreClosed, StoreError
from store.ports import Store, Unit

T = TypeVar("T")


class Followers:
    """Sends followers: behind what is taken in, to what failed, and to what another server has left."""

    def __init__(self, store: Store, desk: Desk, do: Doing) -> None:
        self._store, self._desk, self._do = store, desk, do
        self._backlog, self._neglect = Backlog(), Neglect()

    def fed(self, model: str, work: Callable[[Unit], T]) -> Answer[T]:
        """Take data in, then look at it. On the stream's own clock the answer waits until it was looked at."""
        if self._desk.clock.follows_stream:

            def both(unit: Unit) -> T:
                answer = work(unit)
                consequences.follow(self._desk, unit, model)
                return answer

            return self._do(both)
        answer = self._do(work)
        answer.add_done_callback(lambda done: None if _failed(done) else self._called(model))
        return answer

    def send(self, model: str) -> Answer[None]:
        """Look at everything that *model* has in its feed and that was not looked at yet."""

        def work(unit: Unit) -> None:
            self._backlog.begun(model)
            consequences.follow(self._desk, unit, model)

        followed = self._do(work)
        followed.add_done_callback(lambda done: self._backlog.failed(model) if _failed(done) else None)
        return followed

    def send_again(self) -> list[Turn[None]]:
        """Follow the models whose follower has failed, as when the database was away."""
        return [Turn(model, self.send(model)) for model in self._backlog.left()]

    def send_to_neglected(self) -> list[Turn[None]]:
        """Follow the models that another server has taken rows of, and has not looked at since this was last called."""
        return [Turn(model, self.send(model)) for model in self._store.read(self._neglect.found)]

    def catch_up(self) -> None:
        """Follow every model that has something new to the end of its feed, as after a restart.

        A model whose follower fails keeps no other from being served: it is followed again with each tick of the clock.

        Raises:
            StoreError: The store cannot be used.
        """
        for followed in [self.send(name) for name in self._store.read(neglect.waiting)]:
            error = followed.exception()
            if isinstance(error, StoreError):
                raise error

    def _called(self, model: str) -> None:
        """Have a model followed behind the commit, so that no answer waits for it; many batches need one follower."""
        if self._backlog.calls(model):
            with contextlib.suppress(StoreClosed):  # whoever opens the store next catches up
                self.send(model)


def _failed(done: Answer[T]) -> bool:
    return done.cancelled() or done.exception() is not None
