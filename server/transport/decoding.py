"""Reads messages off the wire: bytes that are none are an invalid argument, where gRPC would call them unknown."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError

from server.errors import Invalid
from server.transport.handlers import Context, Decode, Interceptor, Message


class Decoder(Interceptor):
    """Answers for calls whose bytes cannot be read; lets their methods see messages alone."""

    def decoding(self, decode: Decode) -> Decode:
        """Read a message, or None where the bytes are none."""

        def decoded(data: bytes) -> Any:  # noqa: ANN401 - a message
            try:
                return decode(data)
            except DecodeError:
                return None

        return decoded

    def begin(self, request: Message, context: Context) -> Invalid | None:
        """Refuse a request that could not be read."""
        return self.go_on(request, context)

    def go_on(self, message: Message, context: Context) -> Invalid | None:  # noqa: ARG002 - who asks is no matter
        """Refuse a message that could not be read."""
        if message is not None:
            return None
        return Invalid("request", "the bytes are no message of this call; protobuf's binary format is accepted")
