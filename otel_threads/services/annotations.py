"""Services for annotations: scores, comments, tags, lifecycle, saved views.

Every change is published to those who listen for changed threads (`services/events.py`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otel_threads import names
from otel_threads.core import filters
from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.ports import ThreadKey
from otel_threads.services.events import Hub
from otel_threads.services.pagination import digest_of, make_cursor, open_cursor
from otel_threads.services.score_means import together
from otel_threads.services.threads import LIMIT_DEFAULT, LIMIT_MAX, ThreadService
from otel_threads.store.annotations.annotation_rows import Annotations

Row = dict[str, Any]
ITEMS_MAX = 1000
TAGS_MAX = 50
TEXT_LENGTH_MAX = 10_000
ID_LENGTH_MAX = 1000
VIEWS_MAX = 1000
PATH_LENGTH_MAX = 500
SOURCES = ("ui", "sdk", "api", "online", "otel")


class AnnotationService:
    """Annotations of threads and traces, checked, stored and published."""

    def __init__(self, annotations: Annotations, service: ThreadService, hub: Hub) -> None:
        self._annotations = annotations
        self._service = service
        self._hub = hub

    def _publish(self, targets: Iterable[Mapping[str, Any]]) -> None:
        """Tell those who listen of the threads that targets belong to."""
        if not self._hub.has_clients:
            return
        threads: set[ThreadKey] = set()
        trace_ids: set[str] = set()
        for target in targets:
            if target.get("thread_id") is not None:
                threads.add((target["project"], target["thread_id"]))
            elif target.get("trace_id") is not None:
                trace_ids.add(target["trace_id"])
        if trace_ids:
            threads.update(self._annotations.threads_of_traces(sorted(trace_ids)))
        self._hub.publish(sorted(threads))

    def put_scores(self, scores: Sequence[Mapping[str, Any]], *, source: str = "api") -> Row:
        """Write scores, all or nothing: `{"written": n}`. `source` is for those without one.

        Raises:
            InvalidQuery: one of them cannot be; the message names it and why.
        """
        _check_count("scores", scores)
        checked = [self._score(score, i, source) for i, score in enumerate(scores)]
        written = self._annotations.put_scores(checked)
        self._publish(checked)
        return {"written": written}

    def _score(self, given: Mapping[str, Any], i: int, source: str) -> Row:
        where = f"scores[{i}]"
        target = self._target(given, where)
        name, value, category = given.get("name"), given.get("value"), given.get("category")
        _check_name(f"{where}.name", name)
        if value is None and category is None:
            raise InvalidQuery(f"{where} has neither value nor category")
        if value is not None and not math.isfinite(value):
            raise InvalidQuery(f"{where}.value {value} is not finite")
        if category is not None:
            _check_name(f"{where}.category", category)
        if given.get("reason") is not None:
            _check_text(f"{where}.reason", given["reason"], TEXT_LENGTH_MAX, empty=True)
        if given.get("author") is not None:
            _check_name(f"{where}.author", given["author"])
        chosen = given.get("source") or source
        if chosen not in SOURCES:
            raise InvalidQuery(f"{where}.source {chosen!r} is none of {', '.join(SOURCES)}")
        return {
            **target,
            "name": name,
            "value": float(value) if value is not None else None,
            "category": category,
            "reason": given.get("reason"),
            "source": chosen,
            "author": given.get("author"),
        }

    def _target(self, given: Mapping[str, Any], where: str) -> Row:
        thread_id, trace_id = given.get("thread_id"), given.get("trace_id")
        span_id = given.get("span_id")
        if (thread_id is None) == (trace_id is None):
            raise InvalidQuery(f"{where} needs a thread_id or a trace_id, and not both")
        if span_id is not None and trace_id is None:
            raise InvalidQuery(f"{where} has a span_id and no trace_id")
        if thread_id is not None:
            _check_text(f"{where}.thread_id", thread_id, ID_LENGTH_MAX)
        if trace_id is not None:
            trace_id = _hex(f"{where}.trace_id", trace_id, 32)
        if span_id is not None:
            span_id = _hex(f"{where}.span_id", span_id, 16)
        if given.get("project") is not None:
            _check_name(f"{where}.project", given["project"])
        return {
            "project": self._service.project_of(given.get("project")),
            "thread_id": thread_id,
            "trace_id": trace_id,
            "span_id": span_id,
        }

    def scores(
        self,
        *,
        project: str | None = None,
        thread_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        name: str | None = None,
        author: str | None = None,
        source: str | None = None,
        include_superseded: bool = False,
        limit: int = LIMIT_DEFAULT,
        cursor: str | None = None,
    ) -> Row:
        """Return scores, the latest first: one a target and name, with the value of each author.

        A thread's are its own and those of its traces and spans.

        Raises:
            InvalidQuery: limit or cursor cannot be.
        """
        chosen = {
            "project": None if project == "*" else self._service.project_of(project),
            "thread_id": thread_id,
            "trace_id": trace_id.lower() if trace_id else None,
            "span_id": span_id.lower() if span_id else None,
            "name": name,
            "author": author,
            "source": source,
            "include_superseded": include_superseded,
        }
        records, next_cursor = self._offset_page("scores", chosen, limit, cursor)
        return {"items": together(records), "next_cursor": next_cursor}

    def score_names(self, *, project: str | None = None) -> Row:
        """Return the names in use, with how many values and which categories they have."""
        name = None if project == "*" else self._service.project_of(project)
        return {"items": self._annotations.score_names(name), "next_cursor": None}

    def delete_scores(self, scores: Sequence[Mapping[str, Any]]) -> Row:
        """Delete scores by target and name, of one author or of all: `{"deleted": n}`.

        Raises:
            InvalidQuery: one of them names no target or no name.
        """
        _check_count("scores", scores)
        targets = []
        for i, given in enumerate(scores):
            _check_text(f"scores[{i}].name", given.get("name"), names.LENGTH_MAX)
            target = self._target(given, f"scores[{i}]")
            targets.append({**target, "name": given["name"], "author": given.get("author")})
        deleted = self._annotations.delete_scores(targets)
        self._publish(targets)
        return {"deleted": deleted}

    def add_comment(self, given: Mapping[str, Any]) -> Row:
        """Write a comment on a thread, a trace or a span; return it.

        Raises:
            InvalidQuery: it has no target, or no text, or too much of it.
        """
        target = self._target(given, "comment")
        _check_text("text", given.get("text"), TEXT_LENGTH_MAX)
        if given.get("author") is not None:
            _check_name("author", given["author"])
        made = self._annotations.add_comment(
            {**target, "text": given["text"], "author": given.get("author")}
        )
        self._publish([made])
        return made

    def update_comment(self, comment_id: str, text: str) -> Row:
        """Change a comment's words; return it.

        Raises:
            NotFound: there is none of that id. InvalidQuery: there is no text, or too much.
        """
        _check_text("text", text, TEXT_LENGTH_MAX)
        changed = self._annotations.update_comment(comment_id, text)
        if changed is None:
            raise NotFound(f"no comment {comment_id!r}")
        self._publish([changed])
        return changed

    def delete_comment(self, comment_id: str) -> None:
        """Delete a comment.

        Raises:
            NotFound: there is none of that id.
        """
        deleted = self._annotations.delete_comment(comment_id)
        if deleted is None:
            raise NotFound(f"no comment {comment_id!r}")
        self._publish([deleted])

    def comments(
        self,
        *,
        project: str | None = None,
        thread_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        limit: int = LIMIT_DEFAULT,
        cursor: str | None = None,
    ) -> Row:
        """Return comments, oldest first; a trace's are its own and those of its spans.

        Raises:
            InvalidQuery: limit or cursor cannot be.
        """
        chosen = _comment(
            project=None if project == "*" or trace_id else self._service.project_of(project),
            thread_id=thread_id,
            trace_id=trace_id.lower() if trace_id else None,
            span_id=span_id.lower() if span_id else None,
        )
        found, next_cursor = self._offset_page("comments", chosen, limit, cursor)
        return {"items": found, "next_cursor": next_cursor}

    def change_tags(
        self,
        *,
        project: str | None = None,
        thread_ids: Sequence[str] = (),
        trace_ids: Sequence[str] = (),
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> Row:
        """Add and remove tags: `{"updated": n, "not_found": [ids]}`; those get them on arrival.

        Raises:
            InvalidQuery: no items, or tags that cannot be. Conflict: more than 50 tags an item.
        """
        if bool(thread_ids) == bool(trace_ids):
            raise InvalidQuery("name thread_ids or trace_ids, and not both")
        _check_count("ids", thread_ids or trace_ids)
        if not add and not remove:
            raise InvalidQuery("name tags to add or to remove")
        for tag in add:
            _check_name("tag", tag)
        for tag in remove:  # one of before the rule must be removable
            _check_text("tag", tag, names.LENGTH_MAX)
        if both := set(add) & set(remove):
            raise InvalidQuery(f"tag {min(both)!r} is to be added and removed")
        if len(add) > TAGS_MAX or len(remove) > ITEMS_MAX:
            raise InvalidQuery(f"at most {TAGS_MAX} tags can be added at once")
        name = self._service.project_of(project)
        traces = [_hex("trace_id", one, 32) for one in trace_ids]
        updated, missing = self._annotations.change_tags(
            name,
            thread_ids=thread_ids,
            trace_ids=traces,
            add=add,
            remove=remove,
            tags_max=TAGS_MAX,
        )
        self._publish({"project": name, "thread_id": one} for one in thread_ids)
        self._publish({"project": name, "trace_id": one} for one in traces)
        return {"updated": updated, "not_found": missing}

    def close_threads(
        self, thread_ids: Sequence[str], *, project: str | None = None, closed: bool
    ) -> Row:
        """Close or reopen threads by hand: `{"updated": n, "not_found": [ids]}`.

        A closed thread opens again with its next trace; a late span of a known one leaves it so.

        Raises:
            InvalidQuery: no ids, or more than 1000.
        """
        _check_count("thread_ids", thread_ids)
        name = self._service.project_of(project)
        updated, missing = self._annotations.close_threads(name, thread_ids, closed=closed)
        self._publish({"project": name, "thread_id": one} for one in thread_ids)
        return {"updated": updated, "not_found": missing}

    def put_view(self, given: Mapping[str, Any]) -> Row:
        """Save a selection under its name; return it.

        Raises:
            InvalidQuery: the name is empty or too long, or the filter or sort cannot be.
        """
        _check_name("name", given.get("name"))
        project = self._service.project_of(given.get("project"))
        _check_name("project", project)
        if given.get("filter"):
            filters.parse(given["filter"])
        sort = given.get("sort") or "-last_activity_time"
        self._service.check_sort(sort)
        columns = list(given.get("columns") or [])
        if len(columns) > 100:
            raise InvalidQuery(f"{len(columns)} columns; at most 100")
        if len(self._annotations.views(project)) >= VIEWS_MAX:
            raise InvalidQuery(f"project {project!r} has {VIEWS_MAX} saved views already")
        made = self._annotations.put_view(
            {
                "project": project,
                "name": given["name"],
                "filter": given.get("filter") or None,
                "sort": sort,
                "columns": columns,
            }
        )
        self._hub.publish_view(project, made["name"])
        return made

    def views(self, *, project: str | None = None) -> Row:
        """Return the saved selections of a project, by name."""
        name = None if project == "*" else self._service.project_of(project)
        return {"items": self._annotations.views(name), "next_cursor": None}

    def delete_view(self, name: str, *, project: str | None = None) -> None:
        """Delete a saved selection.

        Raises:
            NotFound: there is none of that name.
        """
        where = self._service.project_of(project)
        if not self._annotations.delete_view(where, name):
            raise NotFound(f"no saved view {name!r}")
        self._hub.publish_view(where, name)

    def put_project(self, project: str, **given: Any) -> Row:
        """Set a project's own `thread_cooldown_s` or `retention_days`, None for the server's.

        `input_path` and `output_path` are what the page shows of a turn, None for its messages.

        What is not given stays. Returns all of the project's settings.

        Raises:
            InvalidQuery: the cooldown is not positive, the retention negative, a path too long.
        """
        _check_name("project", project)
        cooldown_s, days = given.get("thread_cooldown_s"), given.get("retention_days")
        if cooldown_s is not None and not 0 < cooldown_s <= 10**9:
            raise InvalidQuery(f"thread_cooldown_s {cooldown_s} is not between 0 and 1e9")
        if days is not None and not 0 <= days <= 10**6:
            raise InvalidQuery(f"retention_days {days} is not between 0 and 1e6")
        for name in ("input_path", "output_path"):
            if given.get(name) is not None:
                _check_text(name, given[name], PATH_LENGTH_MAX)
        return self._annotations.put_project_settings(project, given)

    def _offset_page(
        self, of: str, chosen: Row, limit: int, cursor: str | None
    ) -> tuple[list[Row], str | None]:
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidQuery(f"limit {limit} is not between 1 and {LIMIT_MAX}")
        digest = digest_of({"of": of, **chosen})
        offset = open_cursor(cursor, digest)[0] if cursor else 0
        if type(offset) is not int or offset < 0:
            raise InvalidQuery("cursor is not one that this server gave")
        read = getattr(self._annotations, of)
        rows = read(chosen, limit=limit + 1, offset=offset)
        more = len(rows) > limit
        return rows[:limit], make_cursor(digest, [offset + limit]) if more else None


def _comment(**given: Any) -> Row:
    return {name: given.get(name) for name in ("project", "thread_id", "trace_id", "span_id", "id")}


def _check_count(what: str, items: Sequence[Any]) -> None:
    if not 1 <= len(items) <= ITEMS_MAX:
        raise InvalidQuery(f"{len(items)} {what}; between 1 and {ITEMS_MAX} are taken at once")


def _check_name(what: str, value: Any) -> None:
    _check_text(what, value, names.LENGTH_MAX)
    if fault := names.fault(value):
        raise InvalidQuery(f"{what} {fault}")


def _check_text(what: str, value: Any, length_max: int, *, empty: bool = False) -> None:
    if not isinstance(value, str) or not (empty or value.strip()):
        raise InvalidQuery(f"{what} is missing")
    if len(value) > length_max:
        raise InvalidQuery(f"{what} has {len(value)} characters; at most {length_max} are kept")


def _hex(what: str, value: str, digits: int) -> str:
    lowered = value.lower()
    if len(lowered) != digits or set(lowered) - set("0123456789abcdef"):
        raise InvalidQuery(f"{what} is not {digits} hexadecimal digits")
    return lowered
