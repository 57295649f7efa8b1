"""A server takes new certificates, and another authority, as it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.fixtures.authority import Authority
from tests.fixtures.secured import secured

CALL_SECONDS = 10.0
FILES = ("server.pem", "server.key", "authority.pem")


def test_a_running_server_shows_new_certificates_and_lets_in_by_the_new_authority_alone(tmp_path: Path) -> None:
    before, after = _authority(tmp_path / "before"), _authority(tmp_path / "after")
    shown = tmp_path / "shown"
    shutil.copytree(tmp_path / "before", shown)
    old, new = before.machine("worker"), after.machine("worker")
    with secured(tmp_path, shown, old) as target:
        assert _asked(target, old)
        for name in FILES:
            (shown / name).write_bytes((tmp_path / "after" / name).read_bytes())

        assert _asked(target, new)
        with pytest.raises(grpc.RpcError) as refused:
            _asked(target, old)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "certificates_renewed" in (tmp_path / "server.log").read_text()


def _authority(folder: Path) -> Authority:
    folder.mkdir()
    return Authority(folder)


def _asked(target: str, credentials: grpc.ChannelCredentials) -> bool:
    """Say whether the server serves, over a connection of its own."""
    # Channels of equal arguments share a connection.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(target, credentials, options) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        found = stub.Check(health_pb2.HealthCheckRequest(), timeout=CALL_SECONDS)
        return bool(found.status == health_pb2.HealthCheckResponse.SERVING)
