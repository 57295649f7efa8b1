"""Handlers of calls, as gRPC gives them to interceptors, made anew around another method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

Handler = Any  #: grpc ships no type for a method handler
Method = Callable[..., Any]


def around(handler: Handler, wrap: Callable[[Method], Method], decode: Callable[[bytes], Any]) -> Handler:
    """Give a handler of the kind of *handler*, whose method is wrapped and whose requests are read by *decode*."""
    make, method = _kind(handler)
    return make(wrap(method), request_deserializer=decode, response_serializer=handler.response_serializer)


def _kind(handler: Handler) -> tuple[Callable[..., Handler], Method]:
    if handler.unary_unary is not None:
        return grpc.unary_unary_rpc_method_handler, handler.unary_unary
    if handler.unary_stream is not None:
        return grpc.unary_stream_rpc_method_handler, handler.unary_stream
    if handler.stream_unary is not None:
        return grpc.stream_unary_rpc_method_handler, handler.stream_unary
    return grpc.stream_stream_rpc_method_handler, handler.stream_stream
