"""A life in which a model sees a marked person, declines, and gets a candidate that has learned from that person."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

from remission import Client
from remission.v1 import training_pb2

from retraining.artifact import Manifest
from tests.fixtures.servers import PATIENCE_SECONDS, ROOT
from tests.integration.server import marked

BATCHES = 3


def a_life(client: Client, target: str) -> str:
    """Live it; give the dataset that the candidate was trained on."""
    client.create_model(marked.a_model(), marked.a_past())
    register_first_version(client)
    for number in range(BATCHES):
        client.ingest_batch("m", marked.batch(number))
        marked.label(client, number)
    train_one(target)
    found: str = json.loads(client.artifacts.manifest_of("m", "remedy-1").manifest_json)["dataset_sha256"]
    return found


def register_first_version(client: Client) -> None:
    """Keep bytes of the first champion, whose manifest says that it learned from the rows that will come."""
    data = b"no model, but nobody loads it here"
    manifest = Manifest(
        format="skops", artifact_sha256=hashlib.sha256(data).hexdigest(), task="regression", template="linear",
        features=[], classes=[], trusted_types=[], semantic_sha256="0" * 64,
        rows=[[0, marked.REFERENCE_ROWS + marked.BATCH]],
    )  # fmt: skip
    for kind, one in (
        (training_pb2.ARTIFACT_KIND_MODEL, data),
        (training_pb2.ARTIFACT_KIND_MANIFEST, manifest.to_bytes()),
    ):
        client.training.upload(one, kind, training_pb2.VersionRef(model="m", version="v1"))


def train_one(target: str) -> None:
    """Let a real worker do one job."""
    command = [sys.executable, "-m", "cli.main", "worker", "--server", target, "--once"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE_SECONDS, env={**os.environ, "OMP_NUM_THREADS": "1"})
