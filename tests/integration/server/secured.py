"""A server that asks for certificates, as a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.ports import free_port
from tests.fixtures.servers import PATIENCE_SECONDS, ROOT

TLS = Path(__file__).parent / "tls"
AUTHORITY = (TLS / "authority.pem").read_bytes()


def of_a_client() -> grpc.ChannelCredentials:
    """Give the credentials of a client that the authority knows."""
    return grpc.ssl_channel_credentials(AUTHORITY, (TLS / "client.key").read_bytes(), (TLS / "client.pem").read_bytes())


def of_a_stranger() -> grpc.ChannelCredentials:
    """Give the credentials of somebody who knows the server, and has no certificate."""
    return grpc.ssl_channel_credentials(AUTHORITY)


@contextlib.contextmanager
def secured(folder: Path) -> Iterator[str]:
    """Give the address of a server that runs as long as it is needed."""
    target = f"127.0.0.1:{free_port()}"
    environment = {
        "REMISSION_DATABASE": f"sqlite:///{folder / 'log.db'}",
        "REMISSION_ARTIFACTS": str(folder / "artifacts"),
        "REMISSION_TLS_CERTIFICATE": str(TLS / "server.pem"),
        "REMISSION_TLS_KEY": str(TLS / "server.key"),
        "REMISSION_TLS_CLIENT_AUTHORITY": str(TLS / "authority.pem"),
        "REMISSION_PORT": target.rpartition(":")[2],
    }
    command = [sys.executable, "-m", "cli.main", "serve", "--migrate"]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log)
    try:
        with grpc.secure_channel(target, of_a_client()) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS, wait_for_ready=True)
        yield target
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
