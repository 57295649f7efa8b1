"""Every statement, compiled once per database, under a name.

Each is written with SQLAlchemy Core and kept as text with named parameters, so that the hot path neither builds nor
compiles anything. `namespace` is a parameter of all of them.
"""

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Insert,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    column,
    delete,
    exists,
    func,
    insert,
    null,
    select,
    table,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from store.sql.statement import Copy, Statement
from store.sql.tables import (
    CHECKPOINTS,
    CURSORS,
    ENVELOPE,
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

#: What a query asks for: a stretch of rows, from *after* on.
AFTER: BindParameter[int] = bindparam("after")
LIMIT: BindParameter[int] = bindparam("limit")

#: Which schema the database has.
REVISION = select(column("version_num", Text)).select_from(table("alembic_version")).scalar_subquery()


class Statements:
    """All statements for one database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._queries()
        self._log_writes()
        self._other_writes()

    def _queries(self) -> None:
        self._log_queries()
        self._tree_queries()
        self._state_queries()
        self._work_queries()
        self._feed_queries()

    def _log_queries(self) -> None:
        log = _events(*(EVENTS.c[name] for name in KEPT))
        #: Where the log stands; `lock` also keeps other replicas from moving it. A file has one server, which nobody
        #: migrates meanwhile; on PostgreSQL the lock tells as well which schema the database has by now.
        head = select(HEAD.c.position, HEAD.c.hash, HEAD.c.epoch).where(_ours(HEAD))
        self.head = self._compiled(head, HEAD)
        locked = head.add_columns(REVISION) if self._dialect.name == "postgresql" else head
        self.lock_head = self._compiled(locked.with_for_update(), HEAD)
        #: The newest position that events really have, to hold against the head.
        newest = select(func.coalesce(func.max(EVENTS.c.position), 0)).where(_ours(EVENTS))
        self.newest_position = self._compiled(newest, EVENTS)
        #: The end of one stream.
        self.tail = self._compiled(
            select(EVENTS.c.version, EVENTS.c.hash)
            .where(_ours(EVENTS), _is(EVENTS, "stream"))
            .order_by(EVENTS.c.version.desc())
            .limit(1),
            EVENTS,
        )
        #: What a stretch of the log has appended to its streams.
        self.appended = self._compiled(
            _rows(EVENTS, "stream", "version", "hash")
            .where(EVENTS.c.position > AFTER, EVENTS.c.position <= bindparam("until"))
            .order_by(EVENTS.c.position),
            EVENTS,
        )
        #: Whose event stands at a position, and where an event of a stream stands. Both orders are the same, so places
        #: of a stream are found by halving, with the keys that are there: an index of its own would be paid by appends.
        self.owner = self._one(EVENTS, "position", columns=("stream", "version"))
        self.place = self._one(EVENTS, "stream", "version", columns=("position",))
        #: Events of one stream, by version.
        self.events = self._compiled(
            log.where(_is(EVENTS, "stream"), EVENTS.c.version > AFTER, EVENTS.c.version <= bindparam("until")).order_by(
                EVENTS.c.version
            ),
            EVENTS,
        )
        #: Events of all streams by position, and their envelopes alone, with nothing where the payload would be.
        self.all_events, self.envelopes = (
            self._compiled(rows.where(EVENTS.c.position > AFTER).order_by(EVENTS.c.position).limit(LIMIT), EVENTS)
            for rows in (log, _events(*(null() for _ in KEPT)))
        )
        #: Those of some types, which are listed between commas: whoever looks for few among many opens no others.
        place = func.strpos if self._dialect.name == "postgresql" else func.instr
        listed = place(bindparam("types", type_=Text()), "," + EVENTS.c.type + ",")
        self.events_of = self._compiled(
            log.where(EVENTS.c.position > AFTER, listed > 0).order_by(EVENTS.c.position).limit(LIMIT), EVENTS
        )
        #: Ids that stand at more than one place, and the first of these.
        first = func.min(EVENTS.c.position)
        self.repeated_ids = self._compiled(
            select(EVENTS.c.event_id, first)
            .where(_ours(EVENTS))
            .group_by(EVENTS.c.event_id)
            .having(func.count() > 1)
            .order_by(first)
            .limit(LIMIT),
            EVENTS,
        )
        #: The key that sealed the newest payload, to hold a vault against.
        self.newest_key = self._compiled(_rows(EVENTS, "key_id").order_by(EVENTS.c.position.desc()).limit(1), EVENTS)
        #: The bytes under a hash.
        self.evidence = self._one(EVIDENCE, "sha256", columns=("body", "key_id"))
        #: Erasures, one and some in order.
        self.erasure = self._one(ERASURES, "erasure_id")
        of_status = (ERASURES.c.status == bindparam("status")) | (bindparam("status", type_=Text()) == "")
        self.erasures = self._compiled(
            _rows(ERASURES)
            .where(ERASURES.c.erasure_id > AFTER, of_status)
            .order_by(ERASURES.c.erasure_id)
            .limit(LIMIT),
            ERASURES,
        )
        #: What became of a request.
        self.request = self._one(REQUESTS, "request_id")
        #: Some in order.
        self.requests = self._compiled(
            _rows(REQUESTS).where(REQUESTS.c.request_id > AFTER).order_by(REQUESTS.c.request_id).limit(LIMIT), REQUESTS
        )

    def _tree_queries(self) -> None:
        #: A full tile.
        self.tile = self._one(TILES, "level", "idx", columns=("hashes",))
        #: The roots of neighbouring full tiles, which are the hashes of the tile above them.
        self.tile_roots = self._compiled(
            _rows(TILES, "root")
            .where(_is(TILES, "level"), TILES.c.idx >= AFTER, TILES.c.idx < bindparam("until"))
            .order_by(TILES.c.idx),
            TILES,
        )
        #: What was signed, the newest first.
        signed = _rows(CHECKPOINTS).where(_is(CHECKPOINTS, "epoch")).order_by(CHECKPOINTS.c.size.desc())
        self.checkpoints = self._compiled(
            signed.where(CHECKPOINTS.c.size < bindparam("before")).limit(LIMIT), CHECKPOINTS
        )

    def _state_queries(self) -> None:
        #: States, one and all in order.
        self.projection = self._one(PROJECTIONS, "stream")
        self.projections = self._compiled(
            _rows(PROJECTIONS).where(PROJECTIONS.c.stream > AFTER).order_by(PROJECTIONS.c.stream).limit(LIMIT),
            PROJECTIONS,
        )
        #: Timers, by name and by time.
        due = (TIMERS.c.due_us, TIMERS.c.stream, TIMERS.c.name)
        self.timer = self._one(TIMERS, "stream", "name")
        of_stream = _rows(TIMERS).where(_is(TIMERS, "stream")).order_by(TIMERS.c.name)
        self.timers, self.take_timers = self._to_take(of_stream, TIMERS)
        self.next_timer = self._compiled(_rows(TIMERS).order_by(*due).limit(1), TIMERS)
        timers_due = _rows(TIMERS).where(TIMERS.c.due_us <= bindparam("now_us")).order_by(*due).limit(LIMIT)
        self.timers_due = self._compiled(timers_due, TIMERS)
        #: The route in force, and all of them.
        routes = _rows(ROUTES).where(_is(ROUTES, "stream"))
        self.route = self._compiled(routes.order_by(ROUTES.c.generation.desc()).limit(1), ROUTES)
        self.routes = self._compiled(routes.order_by(ROUTES.c.generation), ROUTES)

    def _work_queries(self) -> None:
        by_age = (JOBS.c.created_us, JOBS.c.job_id)
        self.job = self._one(JOBS, "job_id")
        #: Jobs, all of them or of one status; other filters are few rows away.
        self.jobs = self._compiled(_rows(JOBS).order_by(*by_age), JOBS)
        by_status = _rows(JOBS).where(_is(JOBS, "status")).order_by(*by_age)
        self.jobs_by_status, self.take_jobs_by_status = self._to_take(by_status, JOBS)
        self.lease = self._one(LEASES, "job_id")
        #: Leases on jobs of one status: a lease stays when its job is over, so they are found by way of the job.
        on_job = and_(*(LEASES.c[key] == JOBS.c[key] for key in ("namespace", "job_id")))
        of_status = _rows(LEASES).join(JOBS, on_job).where(_ours(JOBS), _is(JOBS, "status")).order_by(*by_age)
        self.leases, self.take_leases = self._to_take(of_status, LEASES)

    def _feed_queries(self) -> None:
        feed = _rows(FEED).where(_is(FEED, "stream"))
        self.feed = self._compiled(feed.where(FEED.c.seq > AFTER).order_by(FEED.c.seq).limit(LIMIT), FEED)
        #: Items that start in a stretch of rows; the one before it may reach in.
        rows = feed.where(_is(FEED, "kind"), FEED.c.first_row < bindparam("until"))
        self.feed_rows = self._compiled(rows.where(FEED.c.first_row > AFTER).order_by(FEED.c.first_row), FEED)
        self.feed_row_before = self._compiled(
            rows.where(FEED.c.first_row <= AFTER).order_by(FEED.c.first_row.desc(), FEED.c.row_count.desc()).limit(1),
            FEED,
        )
        self.feed_batch = self._one(FEED, "stream", "kind", "batch_id")
        #: The last item, and the row that comes after the last rows.
        last_rows = (
            select(FEED.c.first_row + FEED.c.row_count)
            .where(_ours(FEED), _is(FEED, "stream"), _is(FEED, "kind"))
            .order_by(FEED.c.first_row.desc(), FEED.c.seq.desc())
            .limit(1)
            .scalar_subquery()
        )
        self.feed_head = self._compiled(
            select(FEED.c.seq, func.coalesce(last_rows, 0), FEED.c.watermark_us)
            .where(_ours(FEED), _is(FEED, "stream"))
            .order_by(FEED.c.seq.desc())
            .limit(1),
            FEED,
        )
        self.cursor = self._one(CURSORS, "stream", "name")
        #: The feeds that go on behind a cursor, with one look at the end of each: the newest item, found by its key.
        whose = and_(*(CURSORS.c[key] == PROJECTIONS.c[key] for key in ("namespace", "stream")), _is(CURSORS, "name"))
        stands = func.coalesce(CURSORS.c.seq, 0)
        of_stream = and_(*(FEED.c[key] == PROJECTIONS.c[key] for key in ("namespace", "stream")))
        newest = select(func.max(FEED.c.seq)).where(of_stream).scalar_subquery()
        self.unfollowed = self._compiled(
            select(PROJECTIONS.c.stream, stands)
            .select_from(PROJECTIONS.outerjoin(CURSORS, whose))
            .where(_ours(PROJECTIONS), newest > stands)
            .order_by(PROJECTIONS.c.stream),
            FEED,
        )
        self.windows = self._compiled(
            _rows(WINDOWS)
            .where(_is(WINDOWS, "stream"), _is(WINDOWS, "epoch"), _is(WINDOWS, "kind"), WINDOWS.c.idx > AFTER)
            .order_by(WINDOWS.c.idx),
            WINDOWS,
        )

    def _log_writes(self) -> None:
        self.add_event = self._insert(EVENTS)
        #: The fence: no row changes if anyone else has moved the head. On PostgreSQL the move tells itself, once it is
        #: committed, to whoever listens: one notice a batch, with nothing in it but how far the log reaches.
        move_head = (
            update(HEAD)
            .where(_ours(HEAD), HEAD.c.position == bindparam("old_position"), HEAD.c.epoch == bindparam("old_epoch"))
            .values(position=bindparam("new_position"), hash=bindparam("new_root"))
        )
        if self._dialect.name == "postgresql":
            notice = func.pg_notify(bindparam("channel", type_=Text), cast(HEAD.c.position, Text))
            self.move_head = self._compiled(move_head.returning(notice), HEAD)
        else:
            self.move_head = self._compiled(move_head, HEAD)
        self.add_head = self._compiled(_insert_if_new(HEAD), HEAD)
        self.add_tile = self._insert(TILES)
        self.add_checkpoint = self._insert(CHECKPOINTS)

    def _other_writes(self) -> None:
        self.add_evidence = self._compiled(_insert_if_new(EVIDENCE), EVIDENCE)
        self.add_request = self._insert(REQUESTS)
        self.put_projection = self._upsert(PROJECTIONS)
        self.put_timer = self._upsert(TIMERS)
        self.clear_timer = self._forget(TIMERS, "stream", "name")
        self.put_job = self._upsert(JOBS)
        self.put_lease = self._upsert(LEASES)
        self.clear_lease = self._forget(LEASES, "job_id")
        self.add_item = self._insert(FEED)
        self.put_cursor = self._upsert(CURSORS)
        self.put_window = self._upsert(WINDOWS)
        self.put_route = self._upsert(ROUTES)
        self.put_erasure = self._upsert(ERASURES)

    def _to_take(self, query: Select[Any], table: Table) -> tuple[Statement, Statement]:
        """Give *query* for those who look, and for those who take: what another transaction has taken, they pass by."""
        taking = query.with_for_update(skip_locked=True, of=table)
        return self._compiled(query, table), self._compiled(taking, table)

    def _one(self, table: Table, *key: str, columns: Iterable[str] = ()) -> Statement:
        query = _rows(table, *columns).where(*(_is(table, name) for name in key))
        return self._compiled(query, table)

    def _forget(self, table: Table, *key: str) -> Statement:
        return self._compiled(delete(table).where(_ours(table), *(_is(table, name) for name in key)), table)

    def _insert(self, table: Table) -> Statement:
        one = self._compiled(insert(table).values(_parameters(table)), table)
        columns = tuple(column.name for column in table.columns)
        if self._dialect.name != "postgresql":
            text_in_order = insert(table).values(_parameters(table)).compile(dialect=sqlite.dialect(paramstyle="qmark"))
            return replace(one, ordered=str(text_in_order), columns=columns)
        quote = self._dialect.identifier_preparer.quote
        return replace(one, copy=Copy.into(table, quote), columns=columns)

    def _upsert(self, table: Table) -> Statement:
        # The two inserts are one in everything used here, but share no type; who needs one does not import both.
        new: Any = import_module(f"sqlalchemy.dialects.{self._dialect.name}").insert(table).values(_parameters(table))
        key = [column.name for column in table.primary_key.columns]
        changed = {column.name: new.excluded[column.name] for column in table.columns if column.name not in key}
        return self._compiled(new.on_conflict_do_update(index_elements=key, set_=changed), table)

    def _compiled(self, statement: ClauseElement, table: Table) -> Statement:
        compiled = statement.compile(dialect=self._dialect)
        constants = {name: value for name, value in (compiled.params or {}).items() if value is not None}
        return Statement(str(compiled), table.name, constants)


def _of(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name != "namespace"]


def _events(*kept: ColumnElement[Any]) -> Select[Any]:
    """Select events: where each stands, what it tells as it is *kept*, and the rest of its envelope."""
    about = (EVENTS.c[name] for name in ENVELOPE if name not in ("namespace", "position"))
    return select(EVENTS.c.position, *kept, *about).where(_ours(EVENTS))


def _rows(table: Table, *columns: str) -> Select[Any]:
    picked = [table.c[name] for name in columns] or _of(table)
    return select(*picked).where(_ours(table))


def _ours(table: Table) -> ColumnElement[bool]:
    return table.c.namespace == bindparam("namespace")


def _is(table: Table, name: str) -> ColumnElement[bool]:
    return table.c[name] == bindparam(name)


def _parameters(table: Table) -> dict[str, Any]:
    return {column.name: bindparam(column.name, type_=column.type) for column in table.columns}


def _insert_if_new(table: Table) -> Insert:
    """Write a row unless its key is taken. No ON CONFLICT: SQLite's guard on inserts fires before it."""
    key = [table.c[column.name] == bindparam(column.name) for column in table.primary_key.columns]
    values = _parameters(table)
    return insert(table).from_select(list(values), select(*values.values()).where(~exists(select(1).where(*key))))
