"""The verbs that an outside caller has: REST, gRPC and the command line call exactly these.

Answers are plain dictionaries of the contract's names; api/schemas.py gives them their types.
"""

import datetime
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson

import otel_threads
from otel_threads.core import filters
from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.ports import ThreadKey
from otel_threads.core.usage import USAGE
from otel_threads.derive.span_facts import kind_of
from otel_threads.derive.tree import Tree
from otel_threads.retry import asked_again
from otel_threads.services import doctor, lifecycle, score_means, transcript
from otel_threads.services import thread_stats as stats
from otel_threads.services.pagination import Walks, digest_of, make_cursor, open_cursor
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.read import list_query
from otel_threads.store.read.list_query import THREADS, TRACES, Listing
from otel_threads.store.read.reader import Reader

Row = dict[str, Any]
LIMIT_MAX = 1000
TURNS_TOGETHER = 500  # that an export reads at once; a longer thread is read alone, whole
LIMIT_DEFAULT = 50
ALL_PROJECTS = "*"
STATUSES = ("active", "inactive")
INTERVALS = ("hour", "day")
# Of the rows of `threads` and `traces`, what is no field of a Thread or a Trace.
_INTERNAL = (
    "is_copy", "trace_key", "first_sequence", "last_sequence", "last_trace_sequence",
    "last_trace_at",
)  # fmt: skip


Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def _of_one_moment(
    verb: Callable[Concatenate["ThreadService", Given], Answer],
) -> Callable[Concatenate["ThreadService", Given], Answer]:
    """Make all questions of a verb be about one moment, and through one cursor."""

    @asked_again
    @functools.wraps(verb)
    def asking(service: "ThreadService", /, *given: Given.args, **named: Given.kwargs) -> Answer:
        with service._reader.moment():
            return verb(service, *given, **named)

    return asking


class ThreadService:
    """Questions about threads, turns and traces."""

    def __init__(
        self,
        reader: Reader,
        annotations: Annotations,
        *,
        default_project: str,
        progress: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`progress` tells how far writing and deriving are; it ends up in `status`."""
        self._reader = reader
        self._annotations = annotations
        self._walks = Walks()
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

    def fields(self, *, of_traces: bool = False) -> Row:
        """Return the fields that filters and sorts of threads (of traces) know."""
        known = filters.TRACE_FIELDS if of_traces else filters.THREAD_FIELDS
        items = filters.described(known, sorts=(TRACES if of_traces else THREADS).sorts)
        return {"items": items, "next_cursor": None}

    def projects(self) -> Row:
        """Return every project, the most recently active first."""
        return {"items": self._reader.projects(), "next_cursor": None}

    def threads(
        self,
        *,
        sort: str = "-last_activity_time",
        limit: int = LIMIT_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
        **given: Any,
    ) -> Row:
        """Return a page of the threads that `chosen_threads` selects.

        Raises:
            InvalidQuery: a selection, sort, limit or cursor that cannot be; the text says what can.
        """
        chosen = self.chosen_threads(**given)
        found, next_cursor = self._page(THREADS, chosen, given, sort, limit, cursor)
        page: Row = {"items": self.with_scores(found), "next_cursor": next_cursor}
        if with_total:
            page["total"] = self._reader.count(THREADS, chosen)
        return page

    @_of_one_moment
    def threads_by_key(self, keys: Sequence[ThreadKey]) -> dict[ThreadKey, Row]:
        """Return those of some threads that are here, by project and id."""
        found: dict[ThreadKey, Row] = {}
        for project in {project for project, _ in keys}:
            chosen = {"project": project, "thread_ids": [t for p, t in keys if p == project]}
            rows = self._reader.page(THREADS, chosen, sort=None, limit=len(keys))
            for thread in self.with_scores(rows):
                found[thread["project"], thread["thread_id"]] = thread
        return found

    def chosen_threads(
        self,
        *,
        project: str | None = None,
        thread_id: str | None = None,
        thread_ids: Sequence[str] | None = None,
        status: str | None = None,
        filter: str | None = None,
        search: str | None = None,
        from_time: datetime.datetime | None = None,
        to_time: datetime.datetime | None = None,
    ) -> Row:
        """Return the selection that these words mean; None everywhere selects all of a project.

        Raises:
            InvalidQuery: a status or filter that cannot be.
        """
        if status is not None and status not in STATUSES:
            raise InvalidQuery(f"status {status!r} is none of {', '.join(STATUSES)}")
        return {
            "project": self._project(project),
            "thread_id": thread_id,
            "thread_ids": list(thread_ids) if thread_ids is not None else None,
            "status": status,
            "filter": filters.parse(filter, filters.THREAD_FIELDS) if filter else None,
            "search": search or None,
            "from": _aware(from_time),
            "to": _aware(to_time),
        }

    def _page(
        self,
        listing: Listing,
        chosen: Row,
        about: Row,
        sort: str,
        limit: int,
        cursor: str | None,
    ) -> tuple[list[Row], str | None]:
        _check_limit(limit)
        listing.order(sort)
        return self._walks.page(
            functools.partial(self._reader.page, listing),
            chosen,
            about={**about, "of": listing.item},
            sort=sort,
            limit=limit,
            cursor=cursor,
            position=functools.partial(list_query.position, listing),
            sequence=lambda: int(self._progress()["derived_sequence"]),
        )

    @_of_one_moment
    def with_scores(self, rows: Sequence[Row]) -> list[Row]:
        """Return threads, from rows of the store, with what people said of them."""
        if not rows:
            return []
        if "status" not in rows[0]:
            said = self._annotations.said_of_threads([row["thread_id"] for row in rows])
            rows = lifecycle.annotated_threads(rows, said, datetime.datetime.now(datetime.UTC))
        records = score_means.together(self._annotations.thread_scores(rows))
        by_key: dict[tuple[str, str], list[Row]] = {}
        for score in records:
            by_key.setdefault((score["project"], score["thread_id"]), []).append(score)
        return [
            {**_item(row), "scores": by_key.get((row["project"], row["thread_id"]), [])}
            for row in rows
        ]

    @_of_one_moment
    def thread(self, thread_id: str, *, project: str | None = None) -> Row:
        """Return one thread.

        Raises:
            NotFound: there is none of that id in the project.
        """
        name = self._one_project(project)
        row = self._reader.thread(name, thread_id)
        if row is None:
            raise NotFound(f"no thread {thread_id!r} in project {name!r}")
        return self.with_scores([row])[0]

    @_of_one_moment
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
        walk = digest_of({"turns": [name, thread_id]})
        after = open_cursor(cursor, walk) if cursor else None
        if after and type(after[0]) is not int:  # a bool is one, too, and no index
            raise InvalidQuery("cursor is not one that this server gave")
        rows = self._read_turns(name, thread_id, after[0] if after else -1, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        return {
            "items": self._turns(rows),
            "next_cursor": make_cursor(walk, [rows[-1]["turn_index"]]) if more else None,
        }

    def _read_turns(self, project: str, thread_id: str, after: int, limit: int) -> list[Row]:
        rows = self._reader.turns(project, thread_id, after=after, limit=limit)
        if rows is None:
            raise NotFound(f"no thread {thread_id!r} in project {project!r}")
        return rows

    def _turns(self, rows: Sequence[Row]) -> list[Row]:
        """Return turns, each with the scores of its traces and of their spans."""
        by_trace = self._scores_by_trace(t for row in rows for t in row["trace_ids"])
        return _with_scores(rows, by_trace)

    def _scores_by_trace(self, trace_ids: Iterable[str]) -> dict[str, list[Row]]:
        """Return the scores of some traces and of their spans."""
        asked = sorted(set(trace_ids))
        found: dict[str, list[Row]] = {}
        if asked:
            for score in score_means.together(self._annotations.trace_scores(asked)):
                found.setdefault(score["trace_id"], []).append(score)
        return found

    @_of_one_moment
    def transcript(self, thread_id: str, *, project: str | None = None) -> Row:
        """Return the whole conversation once: `{project, thread_id, messages}`.

        Raises:
            NotFound: there is no such thread.
        """
        name = self._one_project(project)
        messages = _told(self._all_turns(name, thread_id))
        return {"project": name, "thread_id": thread_id, "messages": messages}

    def _all_turns(self, project: str, thread_id: str) -> list[Row]:
        found: list[Row] = []
        after = -1
        while rows := self._read_turns(project, thread_id, after, LIMIT_MAX):
            found += rows
            after = rows[-1]["turn_index"]
        return found

    def turns_of(self, threads: Sequence[Row]) -> Iterator[tuple[Row, list[Row]]]:
        """Yield some threads, each with all of its turns, oldest first."""
        for together in self._conversations(threads):
            by_trace = self._scores_by_trace(
                trace_id for _, rows in together for row in rows for trace_id in row["trace_ids"]
            )
            for thread, rows in together:
                yield thread, _with_scores(rows, by_trace)

    def transcripts_of(self, threads: Sequence[Row]) -> Iterator[tuple[Row, list[Row]]]:
        """Yield some threads, each with its whole conversation, as `transcript` returns it."""
        for together in self._conversations(threads):
            for thread, rows in together:
                yield thread, _told(rows)

    def _conversations(self, threads: Sequence[Row]) -> Iterator[list[tuple[Row, list[Row]]]]:
        """Yield threads with the rows of their turns, as many together as hold TURNS_TOGETHER."""
        waiting: list[Row] = []
        turn_count = 0
        for thread in threads:
            turn_count += thread["turn_count"]
            if waiting and turn_count > TURNS_TOGETHER:
                yield self._together(waiting)
                waiting, turn_count = [], thread["turn_count"]
            waiting.append(thread)
        if waiting:
            yield self._together(waiting)

    def _together(self, threads: Sequence[Row]) -> list[tuple[Row, list[Row]]]:
        found = self._reader.turns_of(threads)
        return [(t, found.get((t["project"], t["thread_id"]), [])) for t in threads]

    def traces(
        self,
        *,
        sort: str = "-start_time",
        limit: int = LIMIT_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
        **given: Any,
    ) -> Row:
        """Return a page of the traces that `chosen_traces` selects.

        Raises:
            InvalidQuery: a selection, sort, limit or cursor that cannot be; the text says what can.
        """
        chosen = self.chosen_traces(**given)
        found, next_cursor = self._page(TRACES, chosen, given, sort, limit, cursor)
        page: Row = {"items": self._traces_with_scores(found), "next_cursor": next_cursor}
        if with_total:
            page["total"] = self._reader.count(TRACES, chosen)
        return page

    def chosen_traces(
        self,
        *,
        project: str | None = None,
        thread_id: str | None = None,
        without_thread: bool | None = None,
        filter: str | None = None,
        search: str | None = None,
        from_time: datetime.datetime | None = None,
        to_time: datetime.datetime | None = None,
    ) -> Row:
        """As `chosen_threads`, for traces."""
        return {
            "project": self._project(project),
            "thread_id": thread_id,
            "without_thread": without_thread,
            "filter": filters.parse(filter, filters.TRACE_FIELDS) if filter else None,
            "search": search or None,
            "from": _aware(from_time),
            "to": _aware(to_time),
        }

    @_of_one_moment
    def _traces_with_scores(self, rows: Sequence[Row]) -> list[Row]:
        if not rows:
            return []
        rows = self._annotated(rows)
        records = self._annotations.trace_scores([row["trace_id"] for row in rows])
        by_trace: dict[str, list[Row]] = {}
        for score in score_means.together(r for r in records if r["span_id"] is None):
            by_trace.setdefault(score["trace_id"], []).append(score)
        return [{**_item(row), "scores": by_trace.get(row["trace_id"], [])} for row in rows]

    def _annotated(self, traces: Sequence[Row]) -> Sequence[Row]:
        if not traces or "comment_count" in traces[0]:
            return traces
        said = self._annotations.said_of_traces([trace["trace_id"] for trace in traces])
        return lifecycle.annotated_traces(traces, said)

    def thread_stats(self, *, interval: str | None = None, **given: Any) -> Row:
        """Return ThreadStats over the selection of `chosen_threads`, with `series` by interval.

        Raises:
            InvalidQuery: a selection or an interval that cannot be.
        """
        return self._stats(THREADS, self.chosen_threads(**given), interval)

    def trace_stats(self, *, interval: str | None = None, **given: Any) -> Row:
        """As `thread_stats`, over the selection of `chosen_traces`."""
        return self._stats(TRACES, self.chosen_traces(**given), interval)

    def _stats(self, listing: Listing, chosen: Row, interval: str | None) -> Row:
        if interval is not None and interval not in INTERVALS:
            raise InvalidQuery(f"interval {interval!r} is none of {', '.join(INTERVALS)}")
        return stats.shaped(
            self._reader.stats(listing, chosen, interval=interval),
            of_threads=listing is THREADS,
            with_series=interval is not None,
        )

    @_of_one_moment
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
        turns = self._reader.trace_turns(row)
        by_trace = self._scores_by_trace(
            [row["trace_id"], *(t for turn in turns for t in turn["trace_ids"])]
        )
        calls = self._reader.trace_calls(row)
        on_span: dict[str | None, list[Row]] = {}
        for score in by_trace.get(row["trace_id"], ()):
            on_span.setdefault(score["span_id"], []).append(score)
        return {
            **_item(self._annotated([row])[0]),
            "scores": on_span.get(None, []),
            "spans": [
                {
                    **raw[id(span)],
                    **_call(calls.get(span.span_id)),
                    "type": kind_of(span)[0],
                    "depth": tree.depths[span.span_id],
                    "scores": on_span.get(span.span_id, []),
                }
                for span in tree.spans
            ],
            "turns": _with_scores(turns, by_trace),
        }

    def doctor(self) -> Row:
        """Return `{status, instrumentations, findings}`: what arrived, and what is missing."""
        seen = self._reader.instrumentations()
        status = self.status()
        return {
            "status": status,
            "instrumentations": seen,
            "findings": doctor.findings(
                seen,
                self._reader.double_reports(),
                self._reader.clock_skew(),
                otlp_http=status.get("otlp_http") or "127.0.0.1:4318",
                unkept=status.get("unkept_log_records", ()),
            ),
        }

    def check_sort(self, sort: str) -> None:
        """Return when threads can be sorted so.

        Raises:
            InvalidQuery: they cannot; the text says by what.
        """
        THREADS.order(sort)

    def project_of(self, project: str | None) -> str:
        """Return one project's name, the default's when none is given.

        Raises:
            InvalidQuery: all projects were asked for where one is needed.
        """
        return self._one_project(project)

    def _project(self, project: str | None) -> str | None:
        return None if project == ALL_PROJECTS else project or self._default_project

    def _one_project(self, project: str | None) -> str:
        if project == ALL_PROJECTS:
            raise InvalidQuery("a thread id is unique within one project: name it, * is none")
        return project or self._default_project


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidQuery(f"limit {limit} is not between 1 and {LIMIT_MAX}")


def _aware(time: datetime.datetime | None) -> datetime.datetime | None:
    """Read a time without a zone as UTC."""
    return time.replace(tzinfo=datetime.UTC) if time is not None and time.tzinfo is None else time


def _usage(row: Row) -> Row:
    return {name: row[name] for name in USAGE}


def _item(row: Row) -> Row:
    """Return a thread or a trace, apart from its scores."""
    return {
        **{key: value for key, value in row.items() if key not in (*USAGE, *_INTERNAL)},
        "metadata": row["metadata"] or {},
        "usage": _usage(row),
    }


def _call(row: Row | None) -> Row:
    """Return what a span says as a model request; nothing where it is none."""
    return {
        "model": row["model"] if row else None,
        "usage": _usage(row) if row else None,
        "cost_usd": row["cost_usd"] if row else None,
        "time_to_first_token_ms": row["time_to_first_token_ms"] if row else None,
    }


def _turn(row: Row) -> Row:
    error = {"type": row["error_type"], "message": row["error_message"]}
    return {
        **{key: value for key, value in row.items() if key not in (*USAGE, "messages")},
        "error": error if row["has_error"] else None,
        "is_truncated": bool(row["is_truncated"]),
        "tool_calls": orjson.loads(row["tool_calls"]),
        "messages": [_message(message) for message in row["messages"]],
        "usage": _usage(row),
    }


def _with_scores(turns: Sequence[Row], by_trace: Mapping[str, Sequence[Row]]) -> list[Row]:
    return [
        {**_turn(row), "scores": [s for t in row["trace_ids"] for s in by_trace.get(t, ())]}
        for row in turns
    ]


def _told(turns: Sequence[Row]) -> list[Row]:
    """Return the messages of a conversation once, with its system prompts and errors in place."""
    messages: list[Row] = []
    system: str | None = None
    for row in turns:
        if row["system"] and row["system"] != system:
            system = row["system"]
            messages.append(transcript.system_message(system, row))
        messages += [{**_message(m), "turn_index": row["turn_index"]} for m in row["messages"]]
        if row["has_error"]:
            messages.append(transcript.error_message(row))
    return messages


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
