"""Stopping a replica just where it hurts: inside its transaction, while it holds the head row."""

from __future__ import annotations

import os
import signal
import time

import psycopg

#: Connections of a replica that wait inside a transaction that has locked the head: those that read never lock it,
#: and those that still wait for the lock are at work.
HOLDS = """
SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid JOIN pg_class c ON c.oid = l.relation
WHERE a.application_name = %s AND a.state = 'idle in transaction'
AND c.relname = 'head' AND l.mode = 'RowShareLock' AND l.granted
"""
LOOKS, LOOK_SECONDS = 5, 0.01


def freeze(pid: int, url: str, name: str) -> None:
    """Stop the process *pid*, whose connections are called *name*, at a moment at which it holds the head."""
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            stop(pid)
            if any(holds(connection, name) for _ in range(LOOKS)):
                return
            thaw(pid)


def holds(connection: psycopg.Connection, name: str) -> bool:
    """Say whether the head is held; a statement that is under way has the time to end first."""
    row = connection.execute(HOLDS, (name,)).fetchone()
    if row is not None and row[0]:
        return True
    time.sleep(LOOK_SECONDS)
    return False


def stop(pid: int) -> None:
    """Stop the process, wherever it is."""
    os.kill(pid, signal.SIGSTOP)


def thaw(pid: int) -> None:
    """Let the process go on."""
    os.kill(pid, signal.SIGCONT)
