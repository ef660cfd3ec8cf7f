"""Services for annotations: scores, comments, tags, lifecycle, saved views.

Every change is published to those who listen for changed threads (`services/events.py`).
"""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar, Unpack, get_args

from otel_threads.core import filters
from otel_threads.core.changes import Deleted, Updated, Written
from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.limits import (
    COLUMNS_MAX,
    COOLDOWN_S_MAX,
    ID_LENGTH_MAX,
    ITEMS_MAX,
    METADATA_LENGTH_MAX,
    METADATA_MAX,
    NAME_LENGTH_MAX,
    PAGE_ITEMS_DEFAULT,
    PATH_LENGTH_MAX,
    RETENTION_DAYS_MAX,
    TAGS_MAX,
    TEXT_LENGTH_MAX,
    TURN_INDEX_MAX,
    VIEWS_MAX,
)
from otel_threads.core.page import Page
from otel_threads.core.ports import ThreadKey
from otel_threads.core.project import GivenSettings, NewView, ProjectSettings, View
from otel_threads.core.score import (
    Comment,
    NewComment,
    NewScore,
    Score,
    ScoreName,
    ScoreSource,
    ScoreTarget,
    Target,
    UnknownTarget,
)
from otel_threads.services.checks import check_count, check_name, check_text, check_value
from otel_threads.services.events import Hub
from otel_threads.services.pagination import digest_of, make_cursor, open_offset
from otel_threads.services.score_means import together
from otel_threads.services.threads import ThreadService, check_limit
from otel_threads.store.annotations.annotation_rows import (
    AnnotationFilter,
    Annotations,
    ScoreFilter,
    TurnKey,
)

SOURCES = get_args(ScoreSource)
Record = TypeVar("Record")
TargetKind = TypeVar("TargetKind", bound=Target)
TurnTarget = TypeVar("TurnTarget", NewScore, ScoreTarget)


class About(Protocol):
    """What an annotation that is written or was deleted is about."""

    @property
    def project(self) -> str | None:
        """Its project."""

    @property
    def thread_id(self) -> str | None:
        """The thread, None where it is a trace or a span."""

    @property
    def trace_id(self) -> str | None:
        """The trace, None where it is a thread."""


class AnnotationService:
    """Annotations of threads and traces, checked, stored and published."""

    def __init__(
        self,
        annotations: Annotations,
        service: ThreadService,
        hub: Hub,
        *,
        check: Callable[[Sequence[NewScore]], None],
    ) -> None:
        """`check` raises InvalidQuery where scores are not as their definitions say."""
        self._check = check
        self._annotations = annotations
        self._service = service
        self._hub = hub

    def _publish(self, targets: Iterable[About]) -> None:
        """Tell those who listen of the threads that targets belong to."""
        if not self._hub.has_clients:
            return
        threads: set[ThreadKey] = set()
        trace_ids: set[str] = set()
        for target in targets:
            if target.thread_id is not None:
                threads.add((target.project or "", target.thread_id))
            elif target.trace_id is not None:
                trace_ids.add(target.trace_id)
        if trace_ids:
            threads.update(self._annotations.threads_of_traces(sorted(trace_ids)))
        self._hub.publish(sorted(threads))

    def put_scores(
        self,
        scores: Sequence[NewScore],
        *,
        source: str = "api",
        check_definitions: bool = False,
    ) -> Written:
        """Write scores, all or nothing. `source` is for those without one.

        Raises:
            InvalidQuery: one of them cannot be, or with `check_definitions` is not as its
                definition says; the message names it and why.
        """
        check_count("scores", scores)
        given = self._in_default(
            [self._score(score, f"scores[{i}]", source) for i, score in enumerate(scores)]
        )
        if check_definitions:
            self._check(given)
        at_spans = self._at_spans(given)
        with self._annotations.lock:  # else a span could be moved in between
            checked = self._annotations.where_moved(at_spans)
            written = self._annotations.put_scores(checked)
        self._publish(checked)
        return Written(written=written, unknown=self.unknown(checked))

    def _at_spans(self, targets: Sequence[TurnTarget]) -> list[TurnTarget]:
        """Return targets, each turn that is here as the span at which it stands."""
        keys = [key for one in targets if (key := _turn_of(one))]
        spans = self._annotations.turn_spans(keys) if keys else {}
        found = []
        for one in targets:
            key = _turn_of(one)
            at = spans.get(key) if key else None
            if at:
                one = dataclasses.replace(
                    one, thread_id=None, turn_index=None, trace_id=at[0], span_id=at[1]
                )
            found.append(one)
        return found

    def unknown(self, targets: Sequence[Target]) -> list[UnknownTarget]:
        """Return which targets are not here, a turn that is still named by its number included."""
        missing = self._annotations.missing(targets)
        found = []
        for place, one in enumerate(targets):
            turn_index = one.turn_index if isinstance(one, NewScore) else None
            if place not in missing and turn_index is None:
                continue
            found.append(
                UnknownTarget(
                    index=place,
                    thread_id=one.thread_id,
                    trace_id=one.trace_id,
                    span_id=one.span_id,
                    turn_index=turn_index,
                    hint=_hint(one, turn_index, missing, place),
                )
            )
        return found

    def of_span(self, score: NewScore, trace_id: str, span_id: str) -> NewScore:
        """Return a score as one of a span."""
        return dataclasses.replace(score, thread_id=None, trace_id=trace_id, span_id=span_id)

    def _score(self, given: NewScore, where: str, source: str) -> NewScore:
        score = self._target(given, where)
        check_name(f"{where}.name", score.name)
        if score.value is None and score.category is None:
            raise InvalidQuery(f"{where} has neither value nor category")
        if score.value is not None:
            check_value(f"{where}.value", score.value)
        if score.category is not None:
            check_name(f"{where}.category", score.category)
        if score.reason is not None:
            check_text(f"{where}.reason", score.reason, TEXT_LENGTH_MAX, empty=True)
        if score.author is not None:
            check_name(f"{where}.author", score.author)
        _check_metadata(f"{where}.metadata", score.metadata or {})
        chosen = score.source or source
        if chosen not in SOURCES:
            raise InvalidQuery(f"{where}.source {chosen!r} is none of {', '.join(SOURCES)}")
        return dataclasses.replace(score, source=chosen)

    def _target(self, given: TargetKind, where: str) -> TargetKind:
        """Return what was given with ids in lower case.

        Raises:
            InvalidQuery: it names no target, or several, or an id that is none.
        """
        if (given.thread_id is None) == (given.trace_id is None):
            raise InvalidQuery(f"{where} needs a thread_id or a trace_id, and not both")
        if given.span_id is not None and given.trace_id is None:
            raise InvalidQuery(f"{where} has a span_id and no trace_id")
        turn_index = getattr(given, "turn_index", None)
        if turn_index is not None and given.thread_id is None:
            raise InvalidQuery(f"{where} has a turn_index and no thread_id")
        if turn_index is not None and not 0 <= turn_index <= TURN_INDEX_MAX:
            raise InvalidQuery(
                f"{where}.turn_index {turn_index} is not between 0 and {TURN_INDEX_MAX}"
            )
        if given.thread_id is not None:
            check_text(f"{where}.thread_id", given.thread_id, ID_LENGTH_MAX)
        trace_id, span_id = given.trace_id, given.span_id
        if trace_id is not None:
            trace_id = _hex(f"{where}.trace_id", trace_id, 32)
        if span_id is not None:
            span_id = _hex(f"{where}.span_id", span_id, 16)
        if given.project is not None:
            check_name(f"{where}.project", given.project)
        return dataclasses.replace(given, trace_id=trace_id, span_id=span_id)

    def _in_default(self, targets: Sequence[TargetKind]) -> list[TargetKind]:
        """Return targets with their projects: the default one for those that name none.

        A score may come before what it is of, and the answer names what is not there.
        """
        of_writing = self._service.choice.of_writing
        return [dataclasses.replace(one, project=of_writing(one.project)) for one in targets]

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
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Page[Score]:
        """Return scores, the latest first: one a target and name, with the value of each author.

        A thread's are its own and those of its traces and spans.

        Raises:
            InvalidQuery: limit or cursor cannot be.
        """
        wanted = ScoreFilter(
            project=self._any_project(project),
            thread_id=thread_id,
            trace_id=trace_id.lower() if trace_id else None,
            span_id=span_id.lower() if span_id else None,
            name=name,
            author=author,
            source=source,
            include_superseded=include_superseded,
        )
        read = self._annotations.scores
        records, next_cursor = _offset_page(read, wanted, "scores", limit, cursor)
        total = self._annotations.count_scores(wanted) if with_total else None
        return Page(items=together(records), next_cursor=next_cursor, total=total)

    def _any_project(self, project: str | None) -> str | None:
        return self._service.choice.of_list(project)

    def score_names(self, *, project: str | None = None) -> Page[ScoreName]:
        """Return the names in use, with how many values and which categories they have."""
        found = self._annotations.score_names(self._any_project(project))
        return Page(items=found, next_cursor=None)

    def score_names_of(self, target: str, *, project: str | None) -> list[str]:
        """Return the names of current scores of `thread`, `trace` or `span`, in their order.

        None takes every project.
        """
        return self._annotations.score_names_of(target, project)

    def delete_scores(self, scores: Sequence[ScoreTarget]) -> Deleted:
        """Delete scores by target and name, of one author or of all.

        Raises:
            InvalidQuery: one of them names no target or no name.
        """
        check_count("scores", scores)
        targets = []
        for i, given in enumerate(scores):
            check_text(f"scores[{i}].name", given.name, NAME_LENGTH_MAX)
            targets.append(self._target(given, f"scores[{i}]"))
        targets = self._at_spans(self._in_default(targets))
        deleted = self._annotations.delete_scores(targets)
        self._publish(targets)
        return Deleted(deleted=deleted)

    def add_comment(self, comment: NewComment) -> Comment:
        """Write a comment on a thread, a trace or a span; return it.

        Raises:
            InvalidQuery: it has no target, or no text, or too much of it.
        """
        checked = self._target(comment, "comment")
        checked = dataclasses.replace(checked, project=self._service.choice.of_target(checked))
        check_text("text", checked.text, TEXT_LENGTH_MAX)
        if checked.author is not None:
            check_name("author", checked.author)
        with self._annotations.lock:
            (checked,) = self._annotations.where_moved([checked])
            made = self._annotations.add_comment(checked, checked.project or "")
        self._publish([made])
        return made

    def comment(self, comment_id: str) -> Comment:
        """Return one comment.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._annotations.comment(comment_id)
        if found is None:
            raise NotFound(f"no comment {comment_id!r}")
        return found

    def update_comment(self, comment_id: str, text: str) -> Comment:
        """Change a comment's text; return it.

        Raises:
            NotFound: there is none of that id. InvalidQuery: there is no text, or too much.
        """
        check_text("text", text, TEXT_LENGTH_MAX)
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
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Page[Comment]:
        """Return comments, oldest first; a trace's are its own and those of its spans.

        Raises:
            InvalidQuery: limit or cursor cannot be.
        """
        wanted = AnnotationFilter(
            project=None if trace_id else self._any_project(project),
            thread_id=thread_id,
            trace_id=trace_id.lower() if trace_id else None,
            span_id=span_id.lower() if span_id else None,
        )
        read = self._annotations.comments
        found, next_cursor = _offset_page(read, wanted, "comments", limit, cursor)
        total = self._annotations.count_comments(wanted) if with_total else None
        return Page(items=found, next_cursor=next_cursor, total=total)

    def change_tags(
        self,
        *,
        project: str | None = None,
        thread_ids: Sequence[str] = (),
        trace_ids: Sequence[str] = (),
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> Updated:
        """Add and remove tags; what is not here gets them on arrival.

        Raises:
            InvalidQuery: no items, or tags that cannot be. Conflict: more than 50 tags an item.
        """
        if bool(thread_ids) == bool(trace_ids):
            raise InvalidQuery("name thread_ids or trace_ids, and not both")
        check_count("ids", thread_ids or trace_ids)
        _check_tags(add, remove)
        traces = [_hex("trace_id", one, 32) for one in trace_ids]
        choice = self._service.choice
        name = (
            choice.of_threads(project, thread_ids)
            if thread_ids
            else choice.of_traces(project, traces)
        )
        updated, missing = self._annotations.change_tags(
            name,
            thread_ids=thread_ids,
            trace_ids=traces,
            add=add,
            remove=remove,
            tags_max=TAGS_MAX,
        )
        self._publish(Target(project=name, thread_id=one) for one in thread_ids)
        self._publish(Target(project=name, trace_id=one) for one in traces)
        return Updated(updated=updated, not_found=missing)

    def close_threads(
        self, thread_ids: Sequence[str], *, project: str | None = None, closed: bool
    ) -> Updated:
        """Close or reopen threads by hand.

        A closed thread opens again with its next trace; a late span of a known one leaves it so.

        Raises:
            InvalidQuery: no ids, or more than 1000.
        """
        check_count("thread_ids", thread_ids)
        name = self._service.choice.of_threads(project, thread_ids)
        updated, missing = self._annotations.close_threads(name, thread_ids, closed=closed)
        self._publish(Target(project=name, thread_id=one) for one in thread_ids)
        return Updated(updated=updated, not_found=missing)

    def put_view(self, view: NewView) -> View:
        """Save a selection under its name; return it.

        Raises:
            InvalidQuery: the name is empty or too long, or the filter or sort cannot be.
        """
        check_name("name", view.name)
        project = self._service.choice.of_writing(view.project)
        check_name("project", project)
        if view.filter:
            filters.parse(view.filter)
        sort = view.sort or "-last_activity_time"
        self._service.check_sort(sort)
        if len(view.columns) > COLUMNS_MAX:
            raise InvalidQuery(f"{len(view.columns)} columns; at most {COLUMNS_MAX}")
        if len(self._annotations.views(project)) >= VIEWS_MAX:
            raise InvalidQuery(f"project {project!r} has {VIEWS_MAX} saved views already")
        now = datetime.datetime.now(datetime.UTC)
        made = self._annotations.put_view(
            View(
                project=project,
                name=view.name,
                filter=view.filter or None,
                sort=sort,
                columns=list(view.columns),
                created_at=now,
                updated_at=now,
            )
        )
        self._hub.publish_view(project, made.name)
        return made

    def views(self, *, project: str | None = None) -> Page[View]:
        """Return the saved selections of a project, by name."""
        return Page(items=self._annotations.views(self._any_project(project)), next_cursor=None)

    def delete_view(self, name: str, *, project: str | None = None) -> None:
        """Delete a saved selection.

        Raises:
            NotFound: there is none of that name.
        """
        where = self._service.choice.of_writing(project)
        if not self._annotations.delete_view(where, name):
            raise NotFound(f"no saved view {name!r}")
        self._hub.publish_view(where, name)

    def put_project(self, project: str, **given: Unpack[GivenSettings]) -> ProjectSettings:
        """Set a project's own `thread_cooldown_s` or `retention_days`, None for the server's.

        `input_path` and `output_path` are what the page shows of a turn, None for its messages.

        What is not given stays. Returns all of the project's settings.

        Raises:
            InvalidQuery: the cooldown is not positive, the retention negative, a path too long.
        """
        check_name("project", project)
        cooldown_s, days = given.get("thread_cooldown_s"), given.get("retention_days")
        if cooldown_s is not None and not 0 < cooldown_s <= COOLDOWN_S_MAX:
            raise InvalidQuery(
                f"thread_cooldown_s {cooldown_s} is not between 0 and {COOLDOWN_S_MAX:.0f}"
            )
        if days is not None and not 0 <= days <= RETENTION_DAYS_MAX:
            raise InvalidQuery(
                f"retention_days {days} is not between 0 and {RETENTION_DAYS_MAX:.0f}"
            )
        for name, path in (
            ("input_path", given.get("input_path")),
            ("output_path", given.get("output_path")),
        ):
            if path is not None:
                check_text(name, path, PATH_LENGTH_MAX)
        return self._annotations.put_project_settings(project, **given)


def _offset_page(
    read: Callable[..., list[Record]],
    wanted: AnnotationFilter,
    of: str,
    limit: int,
    cursor: str | None,
) -> tuple[list[Record], str | None]:
    check_limit(limit)
    digest = digest_of({"of": of, **dataclasses.asdict(wanted)})
    offset = open_offset(cursor, digest)
    found = read(wanted, limit=limit + 1, offset=offset)
    more = len(found) > limit
    return found[:limit], make_cursor(digest, [offset + limit]) if more else None


def _turn_of(target: NewScore | ScoreTarget) -> TurnKey | None:
    if target.turn_index is None:
        return None
    return target.project or "", target.thread_id or "", target.turn_index


def _hint(
    target: Target, turn_index: int | None, missing: Mapping[int, str | None], place: int
) -> str | None:
    if place not in missing:
        return f"thread {target.thread_id!r} is here and has no turn {turn_index}"
    if elsewhere := missing[place]:
        return f"project {elsewhere!r} has thread {target.thread_id!r}"
    return None


def _check_tags(add: Sequence[str], remove: Sequence[str]) -> None:
    if not add and not remove:
        raise InvalidQuery("name tags to add or to remove")
    for tag in add:
        check_name("tag", tag)
    for tag in remove:  # one of before the rule must be removable
        check_text("tag", tag, NAME_LENGTH_MAX)
    if both := set(add) & set(remove):
        raise InvalidQuery(f"tag {min(both)!r} is to be added and removed")
    if len(add) > TAGS_MAX:
        raise InvalidQuery(f"{len(add)} tags to add; at most {TAGS_MAX} are added at once")
    if len(remove) > ITEMS_MAX:
        raise InvalidQuery(f"{len(remove)} tags to remove; at most {ITEMS_MAX} are at once")


def _check_metadata(what: str, metadata: Mapping[str, str]) -> None:
    if len(metadata) > METADATA_MAX:
        raise InvalidQuery(f"{what} has {len(metadata)} keys; at most {METADATA_MAX} are kept")
    for key, value in metadata.items():
        check_name(f"{what} key", key)
        check_text(f"{what}[{key!r}]", value, METADATA_LENGTH_MAX, empty=True)


def _hex(what: str, value: str, digits: int) -> str:
    lowered = value.lower()
    if len(lowered) != digits or set(lowered) - set("0123456789abcdef"):
        raise InvalidQuery(f"{what} is not {digits} hexadecimal digits")
    return lowered
