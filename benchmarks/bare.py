"""The least that could answer: a grpc.aio server that stores nothing. Benchmarks stand beside it."""

from __future__ import annotations

import asyncio
import sys

import grpc
import grpc.aio
from remission.v1 import health_pb2, ingest_pb2

MESSAGE_BYTES = 64 << 20


async def ingest(request: ingest_pb2.IngestRequest, _: object) -> ingest_pb2.IngestResponse:
    """Acknowledge, and forget."""
    batch = request.batch
    return ingest_pb2.IngestResponse(receipt=ingest_pb2.Receipt(batch_id=batch.batch_id, accepted_rows=batch.row_count))


async def get_state(request: health_pb2.GetStateRequest, _: object) -> health_pb2.GetStateResponse:
    """Echo the name."""
    return health_pb2.GetStateResponse(state=health_pb2.ModelState(model=request.model))


#: Two calls of the contract; every other one answers UNIMPLEMENTED.
CALLS = {
    "remission.v1.IngestService": {
        "Ingest": grpc.unary_unary_rpc_method_handler(
            ingest, ingest_pb2.IngestRequest.FromString, ingest_pb2.IngestResponse.SerializeToString
        )
    },
    "remission.v1.ModelHealthService": {
        "GetState": grpc.unary_unary_rpc_method_handler(
            get_state, health_pb2.GetStateRequest.FromString, health_pb2.GetStateResponse.SerializeToString
        )
    },
}


async def main(port: str) -> None:
    """Serve until ended."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MESSAGE_BYTES)])
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, calls) for service, calls in CALLS.items()]
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
