"""Every statement, compiled once per database, under a name.

Each is written with SQLAlchemy Core and kept as text with named parameters, so that the hot path neither builds nor
compiles anything. `namespace` is a parameter of all of them.
"""

from sqlalchemy import BigInteger, Text, and_, bindparam, cast, column, func, null, select, table, update
from sqlalchemy.engine import Dialect

from store.sql.clauses import AFTER, LIMIT, asked, events, insert_if_new, ours, rows
from store.sql.compiler import Compiler
from store.sql.tables import (
    CHECKPOINTS,
    CURSORS,
    ERASURES,
    EVENTS,
    EVIDENCE,
    FEED,
    HEAD,
    JOBS,
    KEPT,
    LEASES,
    PROJECTIONS,
    REQUESTS,
    ROUTES,
    TILES,
    TIMERS,
    WINDOWS,
)

#: Which schema the database has.
REVISION = select(column("version_num", Text)).select_from(table("alembic_version")).scalar_subquery()


class Statements:
    """All statements for one database."""

    def __init__(self, dialect: Dialect) -> None:
        self._make = Compiler(dialect)
        self._queries()
        self._log_writes()
        self._other_writes()

    def _queries(self) -> None:
        self._head_queries()
        self._log_queries()
        self._place_queries()
        self._record_queries()
        self._tree_queries()
        self._state_queries()
        self._work_queries()
        self._feed_queries()
        self._feed_end_queries()
        self._watch_queries()

    def _head_queries(self) -> None:
        #: Where the log stands; `lock` also keeps other replicas from moving it. A file has one server, which nobody
        #: migrates meanwhile; on PostgreSQL the lock tells as well which schema the database has by now.
        head = select(HEAD.c.position, HEAD.c.hash, HEAD.c.epoch).where(ours(HEAD))
        self.head = self._make.compiled(head, HEAD)
        locked = head.add_columns(REVISION) if self._make.for_postgresql else head
        self.lock_head = self._make.compiled(locked.with_for_update(), HEAD)
        #: What the clock of the database shows, microseconds since the epoch; a file has that of its server.
        now = cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
        self.clock = self._make.compiled(select(now if self._make.for_postgresql else null()), HEAD)
        #: The newest position that events really have, to hold against the head.
        newest = select(func.coalesce(func.max(EVENTS.c.position), 0)).where(ours(EVENTS))
        self.newest_position = self._make.compiled(newest, EVENTS)
        #: The end of one stream.
        self.tail = self._make.compiled(
            select(EVENTS.c.version, EVENTS.c.hash)
            .where(ours(EVENTS), asked(EVENTS, "stream"))
            .order_by(EVENTS.c.version.desc())
            .limit(1),
            EVENTS,
        )
        #: What a stretch of the log has appended to its streams.
        self.appended = self._make.compiled(
            rows(EVENTS, "stream", "version", "hash")
            .where(EVENTS.c.position > AFTER, EVENTS.c.position <= bindparam("until"))
            .order_by(EVENTS.c.position),
            EVENTS,
        )

    def _log_queries(self) -> None:
        log = events(*(EVENTS.c[name] for name in KEPT))
        #: Events of one stream by version, and what they tell, with nothing where the key of its commitment would be.
        told = ("payload", "key_id", "version", "type", "schema", "occurred_us")
        tellings = select(EVENTS.c.position, null(), *(EVENTS.c[name] for name in told)).where(ours(EVENTS))
        self.events, self.tellings = (
            self._make.compiled(
                query.where(
                    asked(EVENTS, "stream"), EVENTS.c.version > AFTER, EVENTS.c.version <= bindparam("until")
                ).order_by(EVENTS.c.version),
                EVENTS,
            )
            for query in (log, tellings)
        )
        #: Events of all streams by position, and their envelopes alone, with nothing where the payload would be.
        self.all_events, self.envelopes = (
            self._make.compiled(query.where(EVENTS.c.position > AFTER).order_by(EVENTS.c.position).limit(LIMIT), EVENTS)
            for query in (log, events(*(null() for _ in KEPT)))
        )
        #: Those of some types, which come as a JSON list: whoever looks for few among many opens no others.
        self.events_of = self._make.compiled(
            log.where(EVENTS.c.position > AFTER, EVENTS.c.type.in_(self._make.listed("types")))
            .order_by(EVENTS.c.position)
            .limit(LIMIT),
            EVENTS,
        )
        #: The key that sealed the newest payload, to hold a vault against.
        self.newest_key = self._make.compiled(
            rows(EVENTS, "key_id").order_by(EVENTS.c.position.desc()).limit(1), EVENTS
        )

    def _place_queries(self) -> None:
        #: Whose event stands at a position, and where an event of a stream stands. Both orders are the same, so places
        #: of a stream are found by halving, with the keys that are there: an index of its own would be paid by appends.
        self.owner = self._make.one(EVENTS, "position", columns=("stream", "version"))
        self.place = self._make.one(EVENTS, "stream", "version", columns=("position",))
        #: Ids that stand at more than one place, and the first of these.
        first = func.min(EVENTS.c.position)
        self.repeated_ids = self._make.compiled(
            select(EVENTS.c.event_id, first)
            .where(ours(EVENTS))
            .group_by(EVENTS.c.event_id)
            .having(func.count() > 1)
            .order_by(first)
            .limit(LIMIT),
            EVENTS,
        )

    def _record_queries(self) -> None:
        #: The bytes under a hash.
        self.evidence = self._make.one(EVIDENCE, "sha256", columns=("body", "key_id"))
        #: Erasures, one and some in order.
        self.erasure = self._make.one(ERASURES, "erasure_id")
        of_status = (ERASURES.c.status == bindparam("status")) | (bindparam("status", type_=Text()) == "")
        self.erasures = self._make.compiled(
            rows(ERASURES).where(ERASURES.c.erasure_id > AFTER, of_status).order_by(ERASURES.c.erasure_id).limit(LIMIT),
            ERASURES,
        )
        #: What became of a request.
        self.request = self._make.one(REQUESTS, "request_id")
        #: Some in order.
        self.requests = self._make.compiled(
            rows(REQUESTS).where(REQUESTS.c.request_id > AFTER).order_by(REQUESTS.c.request_id).limit(LIMIT), REQUESTS
        )
        #: Those that were answered first.
        self.requests_before = self._make.compiled(
            rows(REQUESTS, "request_id")
            .where(REQUESTS.c.recorded_us < bindparam("before"))
            .order_by(REQUESTS.c.recorded_us, REQUESTS.c.request_id)
            .limit(LIMIT),
            REQUESTS,
        )

    def _tree_queries(self) -> None:
        #: A full tile.
        self.tile = self._make.one(TILES, "level", "idx", columns=("hashes",))
        #: The roots of neighbouring full tiles, which are the hashes of the tile above them.
        self.tile_roots = self._make.compiled(
            rows(TILES, "root")
            .where(asked(TILES, "level"), TILES.c.idx >= AFTER, TILES.c.idx < bindparam("until"))
            .order_by(TILES.c.idx),
            TILES,
        )
        #: What was signed, the newest first.
        self.checkpoints, self.checkpoint_times = (
            self._make.compiled(
                rows(CHECKPOINTS, *columns)
                .where(asked(CHECKPOINTS, "epoch"), CHECKPOINTS.c.size < bindparam("before"))
                .order_by(CHECKPOINTS.c.size.desc())
                .limit(LIMIT),
                CHECKPOINTS,
            )
            for columns in ((), ("size", "created_us"))
        )

    def _state_queries(self) -> None:
        #: States, one and all in order.
        self.projection = self._make.one(PROJECTIONS, "stream")
        self.projections = self._make.compiled(
            rows(PROJECTIONS).where(PROJECTIONS.c.stream > AFTER).order_by(PROJECTIONS.c.stream).limit(LIMIT),
            PROJECTIONS,
        )
        #: Timers, by name and by time.
        due = (TIMERS.c.due_us, TIMERS.c.stream, TIMERS.c.name)
        self.timer = self._make.one(TIMERS, "stream", "name")
        of_stream = rows(TIMERS).where(asked(TIMERS, "stream")).order_by(TIMERS.c.name)
        self.timers, self.take_timers = self._make.to_take(of_stream, TIMERS)
        self.next_timer = self._make.compiled(rows(TIMERS).order_by(*due).limit(1), TIMERS)
        timers_due = rows(TIMERS).where(TIMERS.c.due_us <= bindparam("now_us")).order_by(*due).limit(LIMIT)
        self.timers_due = self._make.compiled(timers_due, TIMERS)
        #: The route in force, and all of them.
        routes = rows(ROUTES).where(asked(ROUTES, "stream"))
        self.route = self._make.compiled(routes.order_by(ROUTES.c.generation.desc()).limit(1), ROUTES)
        self.routes = self._make.compiled(routes.order_by(ROUTES.c.generation), ROUTES)

    def _work_queries(self) -> None:
        by_age = (JOBS.c.created_us, JOBS.c.job_id)
        self.job = self._make.one(JOBS, "job_id")
        #: Jobs, all of them or of one status; other filters are few rows away.
        self.jobs = self._make.compiled(rows(JOBS).order_by(*by_age), JOBS)
        by_status = rows(JOBS).where(asked(JOBS, "status")).order_by(*by_age)
        self.jobs_by_status, self.take_jobs_by_status = self._make.to_take(by_status, JOBS)
        self.lease, self.take_lease = self._make.to_take(rows(LEASES).where(asked(LEASES, "job_id")), LEASES)
        #: Leases on jobs of one status: a lease stays when its job is over, so they are found by way of the job.
        on_job = and_(*(LEASES.c[key] == JOBS.c[key] for key in ("namespace", "job_id")))
        of_status = rows(LEASES).join(JOBS, on_job).where(ours(JOBS), asked(JOBS, "status"))
        self.leases = self._make.compiled(of_status.order_by(*by_age), LEASES)

    def _feed_queries(self) -> None:
        feed = rows(FEED).where(asked(FEED, "stream"))
        self.feed = self._make.compiled(feed.where(FEED.c.seq > AFTER).order_by(FEED.c.seq).limit(LIMIT), FEED)
        #: Items that start in a stretch of rows; the one before it may reach in.
        stretch = feed.where(asked(FEED, "kind"), FEED.c.first_row < bindparam("until"))
        self.feed_rows = self._make.compiled(stretch.where(FEED.c.first_row > AFTER).order_by(FEED.c.first_row), FEED)
        self.feed_row_before = self._make.compiled(
            stretch.where(FEED.c.first_row <= AFTER)
            .order_by(FEED.c.first_row.desc(), FEED.c.row_count.desc())
            .limit(1),
            FEED,
        )
        self.feed_batch = self._make.one(FEED, "stream", "kind", "batch_id")

    def _feed_end_queries(self) -> None:
        #: The last item, and the row that comes after the last rows.
        last_rows = (
            select(FEED.c.first_row + FEED.c.row_count)
            .where(ours(FEED), asked(FEED, "stream"), asked(FEED, "kind"))
            .order_by(FEED.c.first_row.desc(), FEED.c.seq.desc())
            .limit(1)
            .scalar_subquery()
        )
        self.feed_head = self._make.compiled(
            select(FEED.c.seq, func.coalesce(last_rows, 0), FEED.c.watermark_us)
            .where(ours(FEED), asked(FEED, "stream"))
            .order_by(FEED.c.seq.desc())
            .limit(1),
            FEED,
        )

    def _watch_queries(self) -> None:
        self.cursor = self._make.one(CURSORS, "stream", "name")
        #: The feeds that go on behind a cursor, with one look at the end of each: the newest item, found by its key.
        whose = and_(*(CURSORS.c[key] == PROJECTIONS.c[key] for key in ("namespace", "stream")), asked(CURSORS, "name"))
        stands = func.coalesce(CURSORS.c.seq, 0)
        of_stream = and_(*(FEED.c[key] == PROJECTIONS.c[key] for key in ("namespace", "stream")))
        newest = select(func.max(FEED.c.seq)).where(of_stream).scalar_subquery()
        self.unfollowed = self._make.compiled(
            select(PROJECTIONS.c.stream, stands)
            .select_from(PROJECTIONS.outerjoin(CURSORS, whose))
            .where(ours(PROJECTIONS), newest > stands)
            .order_by(PROJECTIONS.c.stream),
            FEED,
        )
        self.windows = self._make.compiled(
            rows(WINDOWS)
            .where(asked(WINDOWS, "stream"), asked(WINDOWS, "epoch"), asked(WINDOWS, "kind"), WINDOWS.c.idx > AFTER)
            .order_by(WINDOWS.c.idx),
            WINDOWS,
        )

    def _log_writes(self) -> None:
        self.add_event = self._make.insert(EVENTS)
        #: The fence: no row changes if anyone else has moved the head. On PostgreSQL the move tells itself, once it is
        #: committed, to whoever listens: one notice a batch, with nothing in it but how far the log reaches.
        move_head = (
            update(HEAD)
            .where(ours(HEAD), HEAD.c.position == bindparam("old_position"), HEAD.c.epoch == bindparam("old_epoch"))
            .values(position=bindparam("new_position"), hash=bindparam("new_root"))
        )
        if self._make.for_postgresql:
            notice = func.pg_notify(bindparam("channel", type_=Text), cast(HEAD.c.position, Text))
            self.move_head = self._make.compiled(move_head.returning(notice), HEAD)
        else:
            self.move_head = self._make.compiled(move_head, HEAD)
        self.add_head = self._make.compiled(insert_if_new(HEAD), HEAD)
        self.add_tile = self._make.insert(TILES)
        self.add_checkpoint = self._make.insert(CHECKPOINTS)
        self.clear_checkpoint = self._make.let_go("remission_forget_checkpoint", CHECKPOINTS, "epoch", "size")

    def _other_writes(self) -> None:
        self.add_evidence = self._make.compiled(insert_if_new(EVIDENCE), EVIDENCE)
        self.add_request = self._make.insert(REQUESTS)
        self.clear_request = self._make.let_go("remission_forget_request", REQUESTS, "request_id")
        self.put_projection = self._make.upsert(PROJECTIONS)
        self.put_timer = self._make.upsert(TIMERS)
        self.clear_timer = self._make.forget(TIMERS, "stream", "name")
        self.put_job = self._make.upsert(JOBS)
        self.put_lease = self._make.upsert(LEASES)
        self.clear_lease = self._make.forget(LEASES, "job_id")
        self.add_item = self._make.insert(FEED)
        self.put_cursor = self._make.upsert(CURSORS)
        self.put_window = self._make.upsert(WINDOWS)
        self.put_route = self._make.upsert(ROUTES)
        self.put_erasure = self._make.upsert(ERASURES)
