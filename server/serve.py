"""The process that serves: it opens the store, catches up, listens, and leaves in good order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import grpc.aio
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer as Readiness
from remission.v1 import (
    artifact_pb2_grpc,
    audit_pb2_grpc,
    ingest_pb2_grpc,
    model_pb2_grpc,
    operations_pb2_grpc,
    privacy_pb2_grpc,
    routing_pb2_grpc,
    training_pb2_grpc,
)
from remission.v1 import (
    health_pb2_grpc as model_health_pb2_grpc,
)
from remission_verify.cosignature import Witness

from server.certificates import Certificates
from server.checkpoints.witnessing import Asking
from server.clock import wall_us
from server.clockwork import Clockwork
from server.collecting import collect_seldom
from server.logs import configure
from server.revoked import Revoked
from server.service import Service
from server.settings import Settings
from server.timekeeping import look_back
from server.transport.artifacts import ArtifactServicer
from server.transport.audit import AuditServicer
from server.transport.decoding import Decoder
from server.transport.doorkeeper import Doorkeeper
from server.transport.ingest import IngestServicer
from server.transport.limits import Limiter
from server.transport.models import ModelServicer
from server.transport.operations import OperationsServicer
from server.transport.privacy import PrivacyServicer
from server.transport.speakers import Speakers
from server.transport.states import HealthServicer, RoutingServicer
from server.transport.status import said
from server.transport.training import TrainingServicer
from server.transport.wake import Bell
from server.wiring import build
from store.errors import DatabaseFault
from store.vault import VaultFault

LOG = structlog.get_logger()
LEAST_PING_SECONDS = 30  #: between two pings of a client; its library is told of it


class CannotListen(OSError):
    """The address cannot be listened on."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} cannot be listened on; another port, or 0 for a free one, is accepted")


def run(settings: Settings) -> None:
    """Serve until told to stop.

    Raises:
        DatabaseFault: The database cannot be used.
        CannotListen: The address is taken.
    """
    configure(settings.logs)
    service = build(settings)
    try:
        _look_outside(service)
        if not service.desk.clock.follows_stream:
            look_back(service.store, wall_us())
        _forget_again(service)
        service.followers.catch_up()
        collect_seldom()
        asyncio.run(_serve(service, settings))
    finally:
        service.close()


def _look_outside(service: Service) -> None:
    """Say so where nothing outside the database knows how far the log had come."""
    size = service.notary.unguarded(service.store)
    if size:
        then = "whether the log is an older backup cannot be told; if it is, `remission restore` must say so first"
        LOG.warning("checkpoint_file_missing", signed=size, then=then)


def _forget_again(service: Service) -> None:
    """Carry out erasures that a process has left, and again those that an old copy of the vault has undone.

    One that a model stops which cannot be read keeps nobody from being served: it is told, and stays intended.
    """
    found = service.privacy.finish()
    if found.done:
        LOG.info("erasures_left", finished=found.done)
    for erasure, models in found.left.items():
        why = {model: ": ".join(said(error)) for model, error in models.items()}
        LOG.error("erasure_undone", erasure=erasure, models=why, then="it stays intended, and is tried twice a minute")
    keys = service.privacy.destroy_again()
    if keys:
        LOG.warning("vault_restored", keys_destroyed_again=keys, then="throw away copies of the vault that are so old")


async def _serve(service: Service, settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(settings.readers, thread_name_prefix="reader"))
    bell, stop = Bell(loop, service.position), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    forget = [service.store.on_commit(bell.ring), service.store.on_news(bell.ring)]
    server, readiness, port = await listen(service, settings, bell)
    LOG.info("listening", host=settings.host, port=port, clock=settings.clock, database=_shown(settings.database))
    clockwork = Clockwork(service, settings, _asking(settings))
    ticking, folding = loop.create_task(clockwork.run()), loop.create_task(_fold(service))
    await stop.wait()
    service.recall.leave()
    LOG.info("draining", seconds=settings.drain_seconds)
    await readiness.enter_graceful_shutdown()
    bell.leave()  # those who watch would stay for ever
    await server.stop(settings.drain_seconds)
    await clockwork.sign()
    for end in forget:
        end()
    ticking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticking
    await folding
    LOG.info("stopped")


async def _fold(service: Service) -> None:
    """Fold all models while calls are answered; a database that is away has each be folded when somebody asks."""
    try:
        LOG.info("folded", models=await asyncio.to_thread(service.recall.fold_all))
    except (DatabaseFault, VaultFault) as error:
        LOG.warning("not_folded", error=str(error))


async def listen(service: Service, settings: Settings, bell: Bell) -> tuple[grpc.aio.Server, Readiness, int]:
    """Begin to answer; give the server, its health service and its port.

    Raises:
        CannotListen: The address is taken.
    """
    server = grpc.aio.server(
        interceptors=[*_doorkeepers(settings), Limiter(settings.calls), Decoder()],
        options=[
            ("grpc.max_receive_message_length", settings.message_bytes),
            ("grpc.max_send_message_length", settings.message_bytes),
            ("grpc.so_reuseport", 0),
            # Nobody is asked for a certificate again while a connection stands, so none stands for ever.
            ("grpc.max_connection_age_ms", int(settings.connection_seconds * 1_000)),
            ("grpc.max_connection_age_grace_ms", int(settings.connection_seconds * 1_000)),
            # Without this a ping within five minutes of the last one is taken for an attack.
            ("grpc.http2.min_recv_ping_interval_without_data_ms", LEAST_PING_SECONDS * 1_000),
        ],
    )
    readiness = Readiness()
    health_pb2_grpc.add_HealthServicer_to_server(readiness, server)
    _add_servicers(server, service, settings, bell)
    try:
        port = _bind(server, settings)
    except RuntimeError as error:
        raise CannotListen(settings.address) from error
    await server.start()
    await readiness.set("", health_pb2.HealthCheckResponse.SERVING)
    return server, readiness, port


def _add_servicers(server: grpc.aio.Server, service: Service, settings: Settings, bell: Bell) -> None:
    model_pb2_grpc.add_ModelServiceServicer_to_server(ModelServicer(service), server)
    ingest_pb2_grpc.add_IngestServiceServicer_to_server(IngestServicer(service, Speakers(settings.speakers)), server)
    model_health_pb2_grpc.add_ModelHealthServiceServicer_to_server(HealthServicer(service, bell), server)
    routing_pb2_grpc.add_RoutingServiceServicer_to_server(RoutingServicer(service, bell), server)
    training_pb2_grpc.add_TrainingServiceServicer_to_server(TrainingServicer(service, bell), server)
    artifact_pb2_grpc.add_ArtifactServiceServicer_to_server(ArtifactServicer(service), server)
    operations_pb2_grpc.add_OperationsServiceServicer_to_server(OperationsServicer(service), server)
    privacy_pb2_grpc.add_PrivacyServiceServicer_to_server(PrivacyServicer(service, settings.seers), server)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditServicer(service), server)


def _bind(server: grpc.aio.Server, settings: Settings) -> int:
    if not settings.tls_certificate:
        return server.add_insecure_port(settings.address)
    return server.add_secure_port(settings.address, Certificates(settings).credentials())


def _doorkeepers(settings: Settings) -> list[Doorkeeper]:
    return [Doorkeeper(Revoked(Path(settings.tls_revoked)))] if settings.tls_revoked else []


def _asking(settings: Settings) -> Asking | None:
    if not settings.witness_url:
        return None
    return Asking(settings.witness_url.rstrip("/"), Witness.from_text(settings.witness_key))


def _shown(database: str) -> str:
    """Give a database's address without a password."""
    head, at, tail = database.rpartition("@")
    return f"{head.split('://')[0]}://…@{tail}" if at else database
