"""A channel that goes on under renewed certificates: each call begins on the connection that holds by then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from remission.certificates import CertificateFiles

LOOK_SECONDS = 1.0  #: between two looks at the files, where calls are made at all


class RenewingChannel(grpc.Channel):
    """Opens a channel of its own whenever *files* were renewed. Calls under way end where they began.

    The channel before is closed by gRPC itself once the last of its calls has ended.
    """

    def __init__(
        self,
        files: CertificateFiles,
        make: Callable[[grpc.ChannelCredentials], grpc.Channel],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files, self._make, self._clock = files, make, clock
        self._lock = threading.Lock()
        self._looked, self._held = clock(), _Held(make(files.credentials()))

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever gRPC takes is passed on
        """Give a call with one request and one answer."""
        return _Method(self._current, lambda channel: channel.unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Give a call with one request and many answers."""
        return _Method(self._current, lambda channel: channel.unary_stream(*args, **kwargs))

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Give a call with many requests and one answer."""
        return _Method(self._current, lambda channel: channel.stream_unary(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Give a call with many requests and many answers."""
        return _Method(self._current, lambda channel: channel.stream_stream(*args, **kwargs))

    def subscribe(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Have somebody told how the connection of now fares."""
        self._current().channel.subscribe(*args, **kwargs)

    def unsubscribe(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Tell them no more."""
        self._current().channel.unsubscribe(*args, **kwargs)

    def close(self) -> None:
        """Close the channel of now; calls under way on it fail."""
        with self._lock:
            self._held.channel.close()

    def __enter__(self) -> grpc.Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _current(self) -> _Held:
        with self._lock:
            now = self._clock()
            if now - self._looked >= LOOK_SECONDS:
                self._looked = now
                if self._files.renew():
                    self._held = _Held(self._make(self._files.credentials()))
            return self._held


@dataclass(frozen=True, slots=True)
class _Held:
    """A channel, and the methods that were made on it: they go with it, since a method keeps its channel open."""

    channel: grpc.Channel
    methods: dict[_Method, Any] = field(default_factory=dict)


class _Method:
    """A call, made on the channel that holds when it begins."""

    def __init__(self, current: Callable[[], _Held], make: Callable[[grpc.Channel], Any]) -> None:
        self._current, self._make = current, make

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        return self._made()(*args, **kwargs)

    def with_call(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        return self._made().with_call(*args, **kwargs)

    def future(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        return self._made().future(*args, **kwargs)

    def _made(self) -> Any:  # noqa: ANN401 - what gRPC gives
        held = self._current()
        method = held.methods.get(self)
        if method is None:  # made twice by two threads at once, one is kept: they are alike
            method = held.methods[self] = self._make(held.channel)
        return method
