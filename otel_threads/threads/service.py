"""The verbs that an outside caller has: REST, gRPC and the command line call exactly these.

Answers are plain dictionaries of the contract's names; api/schemas.py gives them their types.
"""

import base64
import datetime
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

import otel_threads
from otel_threads.derive.tree import Tree
from otel_threads.errors import InvalidQuery, NotFound
from otel_threads.store.reader import Reader, position
from otel_threads.threads import transcript

Row = dict[str, Any]
LIMIT_MAX = 1000
LIMIT_DEFAULT = 50
ALL_PROJECTS = "*"
STATUSES = ("active", "inactive")
USAGE = (
    "input_tokens", "output_tokens", "total_tokens",
    "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
)  # fmt: skip


class ThreadService:
    """Questions about threads, turns and traces."""

    def __init__(
        self, reader: Reader, *, default_project: str, progress: Callable[[], Mapping[str, Any]]
    ) -> None:
        """`progress` tells how far writing and deriving are; it ends up in `status`."""
        self._reader = reader
        self._default_project = default_project
        self._progress = progress
        self._started = time.monotonic()

    def status(self) -> Row:
        """Return version, progress of the deriver, counts and sizes."""
        return {
            "version": otel_threads.__version__,
            **self._progress(),
            **self._reader.counts(),
            "uptime_s": round(time.monotonic() - self._started, 3),
        }

    def projects(self) -> Row:
        """Return every project, the most recently active first."""
        return {"items": self._reader.projects(), "next_cursor": None}

    def threads(  # the selection of the contract, all by keyword
        self,
        *,
        project: str | None = None,
        thread_id: str | None = None,
        status: str | None = None,
        search: str | None = None,
        from_time: datetime.datetime | None = None,
        to_time: datetime.datetime | None = None,
        sort: str = "-last_activity_time",
        limit: int = LIMIT_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Row:
        """Return a page of threads.

        Raises:
            InvalidQuery: a status, sort, limit or cursor that cannot be; the text says what can.
        """
        if status is not None and status not in STATUSES:
            raise InvalidQuery(f"status {status!r} is none of {', '.join(STATUSES)}")
        selection = {
            "project": self._project(project),
            "thread_id": thread_id,
            "status": status,
            "search": search.lower() if search else None,
            "from": from_time,
            "to": to_time,
        }
        found, next_cursor = _walk(
            self._reader.threads, selection, sort, limit, cursor, ("project", "thread_id")
        )
        page: Row = {"items": [_thread(row) for row in found], "next_cursor": next_cursor}
        if with_total:
            page["total"] = self._reader.thread_count(selection)
        return page

    def thread(self, thread_id: str, *, project: str | None = None) -> Row:
        """Return one thread.

        Raises:
            NotFound: there is none of that id in the project.
        """
        name = self._one_project(project)
        row = self._reader.thread(name, thread_id)
        if row is None:
            raise NotFound(f"no thread {thread_id!r} in project {name!r}")
        return _thread(row)

    def turns(
        self,
        thread_id: str,
        *,
        project: str | None = None,
        limit: int = LIMIT_DEFAULT,
        cursor: str | None = None,
    ) -> Row:
        """Return a page of turns, oldest first.

        Raises:
            NotFound: there is no such thread. InvalidQuery: limit or cursor cannot be.
        """
        _check_limit(limit)
        name = self._one_project(project)
        self.thread(thread_id, project=name)
        walk = _digest({"turns": [name, thread_id]})
        after = _open_cursor(cursor, walk)
        rows = self._reader.turns(name, thread_id, after=after[0] if after else -1, limit=limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return {
            "items": [_turn(row) for row in rows],
            "next_cursor": _cursor(walk, [rows[-1]["turn_index"]]) if more else None,
        }

    def transcript(self, thread_id: str, *, project: str | None = None) -> Row:
        """Return the whole conversation once: `{project, thread_id, messages}`.

        Raises:
            NotFound: there is no such thread.
        """
        name = self._one_project(project)
        self.thread(thread_id, project=name)
        messages: list[Row] = []
        system: str | None = None
        after = -1
        while rows := self._reader.turns(name, thread_id, after=after, limit=LIMIT_MAX):
            for row in rows:
                if row["system"] and row["system"] != system:
                    system = row["system"]
                    messages.append(transcript.system_message(system, row))
                messages += [
                    {**_message(m), "turn_index": row["turn_index"]} for m in row["messages"]
                ]
                if row["has_error"]:
                    messages.append(transcript.error_message(row))
            after = rows[-1]["turn_index"]
        return {"project": name, "thread_id": thread_id, "messages": messages}

    def traces(  # the selection of the contract, all by keyword
        self,
        *,
        project: str | None = None,
        thread_id: str | None = None,
        without_thread: bool | None = None,
        search: str | None = None,
        from_time: datetime.datetime | None = None,
        to_time: datetime.datetime | None = None,
        sort: str = "-start_time",
        limit: int = LIMIT_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Row:
        """Return a page of traces.

        Raises:
            InvalidQuery: a sort, limit or cursor that cannot be; the text says what can.
        """
        selection = {
            "project": self._project(project),
            "thread_id": thread_id,
            "without_thread": without_thread,
            "search": search.lower() if search else None,
            "from": from_time,
            "to": to_time,
        }
        found, next_cursor = _walk(
            self._reader.traces, selection, sort, limit, cursor, ("trace_id",)
        )
        page: Row = {"items": [_trace(row) for row in found], "next_cursor": next_cursor}
        if with_total:
            page["total"] = self._reader.trace_count(selection)
        return page

    def trace(self, trace_id: str, *, project: str | None = None) -> Row:
        """Return one trace with `spans` (parents before children) and `turns`.

        Without a project, it is found in whichever it is.

        Raises:
            NotFound: it is not here, or not derived yet.
        """
        row = self._reader.trace(
            trace_id.lower(),
            project=self._project(project) if project else None,
            default=self._default_project,
        )
        if row is None:
            raise NotFound(f"no trace {trace_id!r}")
        spans = self._reader.spans(row)
        tree = Tree(span for span, _ in spans)
        raw = {id(span): readable for span, readable in spans}
        return {
            **_trace(row),
            "spans": [{**raw[id(span)], "depth": tree.depths[span.span_id]} for span in tree.spans],
            "turns": [_turn(turn) for turn in self._reader.trace_turns(row)],
        }

    def instrumentations(self) -> list[Row]:
        """Return which instrumentations sent spans, and how their traces got a thread."""
        return self._reader.instrumentations()

    def _project(self, project: str | None) -> str | None:
        return None if project == ALL_PROJECTS else project or self._default_project

    def _one_project(self, project: str | None) -> str:
        if project == ALL_PROJECTS:
            raise InvalidQuery("a thread id is unique within one project: name it, * is none")
        return project or self._default_project


def _walk(
    page: Callable[..., list[Row]],
    selection: Row,
    sort: str,
    limit: int,
    cursor: str | None,
    keys: Sequence[str],
) -> tuple[list[Row], str | None]:
    """Return one page and the cursor of the next; a cursor belongs to its selection and sort."""
    _check_limit(limit)
    walk = _digest({**selection, "sort": sort})
    after = _open_cursor(cursor, walk)
    rows = page(selection, sort=sort, limit=limit + 1, after=after)
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    return rows, _cursor(walk, position(rows[-1], sort, keys))


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidQuery(f"limit {limit} is not between 1 and {LIMIT_MAX}")


def _digest(selection: Mapping[str, Any]) -> str:
    text = orjson.dumps(selection, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.blake2b(text, digest_size=6).hexdigest()


def _cursor(walk: str, after: Sequence[Any]) -> str:
    values = [
        {"time": value.isoformat()} if isinstance(value, datetime.datetime) else value
        for value in after
    ]
    return base64.urlsafe_b64encode(orjson.dumps([walk, values])).decode().rstrip("=")


def _open_cursor(cursor: str | None, walk: str) -> list[Any] | None:
    if not cursor:
        return None
    try:
        found, values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        after = [
            datetime.datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value
            for value in values
        ]
    except (ValueError, TypeError, KeyError):
        raise InvalidQuery("cursor is not one that this server gave") from None
    if found != walk:
        raise InvalidQuery("cursor belongs to another query: same filters and sort are needed")
    return after


def _usage(row: Row) -> Row:
    return {name: row[name] for name in USAGE}


def _thread(row: Row) -> Row:
    return {
        **{key: value for key, value in row.items() if key not in USAGE},
        "metadata": row["metadata"] or {},
        "usage": _usage(row),
        "scores": [],
        "comment_count": 0,
    }


def _trace(row: Row) -> Row:
    return {
        **{key: value for key, value in row.items() if key not in (*USAGE, "is_copy")},
        "metadata": row["metadata"] or {},
        "usage": _usage(row),
        "scores": [],
        "comment_count": 0,
    }


def _turn(row: Row) -> Row:
    error = {"type": row["error_type"], "message": row["error_message"]}
    return {
        **{key: value for key, value in row.items() if key not in (*USAGE, "messages")},
        "error": error if row["has_error"] else None,
        "tool_calls": orjson.loads(row["tool_calls"]),
        "messages": [_message(message) for message in row["messages"]],
        "usage": _usage(row),
        "scores": [],
    }


def _message(row: Row) -> Row:
    return {
        "role": row["role"],
        "text": row["text"],
        "parts": orjson.loads(row["parts"])
        if row["parts"]
        else [{"type": "text", "text": row["text"]}],
        "tool_calls": orjson.loads(row["tool_calls"]) if row["tool_calls"] else [],
        "tool_call_id": row["tool_call_id"],
        "span_id": row["span_id"],
    }
