"""The control: a table whose order is a plain sequence, as most event tables are, and a follower that reads `> last`.

A sequence gives numbers when rows are written and not when they are committed, so a row can become visible behind one
that was read already, and whoever reads on from there never sees it.
"""

from __future__ import annotations

import multiprocessing as mp
import sys
import time
from multiprocessing.synchronize import Event

import psycopg

TABLE = "CREATE TABLE plain (position bigserial PRIMARY KEY, key text NOT NULL)"
WRITERS, PAGE = 8, 500


def missed(url: str, events: int) -> int:
    """Let eight processes write so many events, and say how many a follower never saw."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS plain")
        connection.execute(TABLE)
    context = mp.get_context("spawn")
    over = context.Event()
    each = events // WRITERS
    writers = [context.Process(target=write, args=(url, f"w{number}", each)) for number in range(WRITERS)]
    seen = context.Queue()
    follower = context.Process(target=follow, args=(url, over, seen))
    for process in (follower, *writers):
        process.start()
    for process in writers:
        process.join()
    over.set()
    count: int = seen.get()
    follower.join()
    return WRITERS * each - count


def write(url: str, name: str, amount: int) -> None:
    """Append one event a transaction."""
    with psycopg.connect(url) as connection:
        for number in range(amount):
            connection.execute("INSERT INTO plain (key) VALUES (%s)", (f"{name}-{number}",))
            connection.commit()


def follow(url: str, over: Event, seen: mp.Queue[int]) -> None:
    """Read on from the last position, until the writers are through and nothing comes any more."""
    last = count = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            ended = over.is_set()
            query = "SELECT position FROM plain WHERE position > %s ORDER BY position LIMIT %s"
            page = connection.execute(query, (last, PAGE)).fetchall()
            count += len(page)
            if page:
                last = page[-1][0]
            elif ended:
                break
            else:
                time.sleep(0.001)
    seen.put(count)


if __name__ == "__main__":
    print(missed(sys.argv[1], int(sys.argv[2])))
