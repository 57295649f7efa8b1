"""A channel that goes on under renewed certificates: each call begins on the connection that holds by then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
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
        self._looked, self._channel = clock(), make(files.credentials())

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever gRPC takes is passed on
        """Give a call with one request and one answer."""
        return _Method(lambda: self._current().unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Give a call with one request and many answers."""
        return _Method(lambda: self._current().unary_stream(*args, **kwargs))

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Give a call with many requests and one answer."""
        return _Method(lambda: self._current().stream_unary(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Give a call with many requests and many answers."""
        return _Method(lambda: self._current().stream_stream(*args, **kwargs))

    def subscribe(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Have somebody told how the connection of now fares."""
        self._current().subscribe(*args, **kwargs)

    def unsubscribe(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Tell them no more."""
        self._current().unsubscribe(*args, **kwargs)

    def close(self) -> None:
        """Close the channel of now; calls under way on it fail."""
        with self._lock:
            self._channel.close()

    def __enter__(self) -> grpc.Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _current(self) -> grpc.Channel:
        with self._lock:
            now = self._clock()
            if now - self._looked >= LOOK_SECONDS:
                self._looked = now
                if self._files.renew():
                    self._channel = self._make(self._files.credentials())
            return self._channel


class _Method:
    """A call, made on the channel that holds when it begins."""

    def __init__(self, made: Callable[[], Any]) -> None:
        self._made = made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        return self._made()(*args, **kwargs)

    def with_call(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        return self._made().with_call(*args, **kwargs)

    def future(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        return self._made().future(*args, **kwargs)
