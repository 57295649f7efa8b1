"""A worker that is ended by SIGKILL in the middle of its job. It writes down which job that was."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, NoReturn

from remission import Client

from backtest.remote import Remote
from retraining.worker import LeasedJob, Worker

TIMEOUT_SECONDS = 60.0


class Told(Remote):
    """Says which job was leased."""

    def lease(self, worker: str) -> LeasedJob | None:
        """Lease a job, and print it."""
        found = super().lease(worker)
        if found is not None:
            sys.stdout.write(json.dumps({"job": found.job_id, "attempt": found.attempt, "kind": found.kind}))
            sys.stdout.flush()
        return found


class Ending:
    """A trainer that does not live to see the end of its training."""

    def run(self, *_: object, **__: object) -> NoReturn:
        """End the process."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def main(target: str, name: str) -> None:
    """Take one job as worker *name*, waiting for it if need be, and die of it."""
    ending: Any = Ending()
    with Client(target, timeout=TIMEOUT_SECONDS) as client:
        worker = Worker(name, Told(client), ending)
        while not worker.run_one():
            pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
