from __future__ import annotations

from typing import Any

import grpc
import pytest
from remission.connection import Connection
from remission.errors import CallError, InvalidArgumentError, UnavailableError, make_error

from server.errors import Invalid
from server.transport.status import status_of


class Failure(grpc.RpcError):
    """An error as gRPC raises it."""

    def __init__(self, code: grpc.StatusCode, trailers: tuple[tuple[str, Any], ...] = ()) -> None:
        super().__init__()
        self._code, self._trailers = code, trailers

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "told"

    def trailing_metadata(self) -> Any:
        return self._trailers


class Method:
    """Fails so often, then answers; remembers how long each call could have taken."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.timeouts: list[float] = []

    def __call__(self, request: str, /, timeout: float | None = None) -> str:
        self.timeouts.append(timeout or 0.0)
        if self.failures:
            raise self.failures.pop(0)
        return request


AWAY = Failure(grpc.StatusCode.UNAVAILABLE)


def a_connection(timeout: float = 30.0) -> Connection:
    return Connection("127.0.0.1:1", None, timeout)


def test_a_call_outlasts_a_server_that_is_away_for_a_while() -> None:
    method = Method(AWAY, AWAY)

    assert a_connection().call(method, "asked") == "asked"
    assert len(method.timeouts) == 3
    assert sorted(method.timeouts, reverse=True) == method.timeouts


def test_a_server_that_stays_away_is_given_up_when_the_time_is_up() -> None:
    with pytest.raises(UnavailableError):
        a_connection(timeout=0.05).call(Method(*[AWAY] * 100), "asked")


def test_nothing_but_absence_is_tried_again() -> None:
    method = Method(Failure(grpc.StatusCode.DEADLINE_EXCEEDED))

    with pytest.raises(CallError):
        a_connection().call(method, "asked")
    assert len(method.timeouts) == 1


def test_an_error_carries_what_the_server_says_of_it() -> None:
    status = status_of(Invalid("batch.times_us[3]", "goes backwards"))
    told = Failure(grpc.StatusCode.INVALID_ARGUMENT, (("grpc-status-details-bin", status.SerializeToString()),))

    with pytest.raises(InvalidArgumentError) as caught:
        a_connection().call(Method(told), "asked")

    assert caught.value.reason == "FIELD_INVALID"
    assert [(one.field, one.description) for one in caught.value.violations] == [
        ("batch.times_us[3]", "goes backwards")
    ]


def test_what_the_message_says_already_is_not_said_twice() -> None:
    status = status_of(Invalid("batch.times_us[3]", "goes backwards"))
    trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    told = make_error(grpc.StatusCode.INVALID_ARGUMENT, status.message, trailers[0][1])
    short = make_error(grpc.StatusCode.INVALID_ARGUMENT, "refused", trailers[0][1])

    assert str(told) == "INVALID_ARGUMENT: batch.times_us[3]: goes backwards"
    assert str(short) == "INVALID_ARGUMENT: refused\n  batch.times_us[3]: goes backwards"


def test_a_closed_connection_says_so() -> None:
    connection = a_connection()
    connection.close()
    connection.close()

    with pytest.raises(CallError) as caught:
        connection.call(Method(), "asked")

    assert caught.value.code == grpc.StatusCode.CANCELLED


def test_a_connection_that_is_closed_between_two_steps_of_a_call_says_so_too() -> None:
    connection = a_connection()

    def closing(request: str, /, timeout: float | None = None) -> str:
        connection.close()
        raise ValueError(request, timeout)  # what gRPC raises on a closed channel

    with pytest.raises(CallError) as caught:
        connection.call(closing, "asked")

    assert caught.value.code == grpc.StatusCode.CANCELLED


def test_a_value_that_cannot_be_sent_is_no_matter_of_the_connection() -> None:
    with pytest.raises(ValueError, match="too deep"):
        a_connection().call(Method(ValueError("too deep")), "asked")
