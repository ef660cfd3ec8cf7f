"""Issues: failures that several threads have in common, found anew at each call.

The state is kept: when somebody closed one. It is open again as soon as a turn fails so later;
nothing has to be written for that. Names that a model gave are kept, too, and a copy for SQL.
"""

import datetime
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import get_args

from otel_threads.core.changes import Updated
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.filters import quoted
from otel_threads.core.issue import DayCount, Issue, IssueState
from otel_threads.core.limits import FILTER_LENGTH_MAX, ITEMS_MAX, PAGE_ITEMS_DEFAULT
from otel_threads.core.page import Page
from otel_threads.services.issue_groups import Group, grouped
from otel_threads.services.issue_names import IssueNamer, Unnamed
from otel_threads.services.pagination import digest_of, part_of
from otel_threads.services.project_choice import ProjectChoice
from otel_threads.services.threads import check_limit
from otel_threads.store.annotations.issue_rows import IssueRows
from otel_threads.store.read.reader import Reader

DAYS_DEFAULT = 30
TURNS_MAX = 20_000  # the latest failures that are looked at
THREADS_MIN = 2  # that make an issue
THREADS_SHOWN = 50
EVER = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
TREND_DAYS = 14


class IssueService:
    """What fails again and again."""

    def __init__(
        self,
        reader: Reader,
        rows: IssueRows,
        *,
        namer: IssueNamer,
        choice: ProjectChoice,
        sequence: Callable[[], int],
        kept_s: float = 0.0,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        """`choice` makes a project's name of what a caller gives; `sequence` is what is derived.

        What SQL sees is not counted again within `kept_s`.
        """
        self.namer = namer
        self._reader = reader
        self._rows = rows
        self._sequence = sequence
        self._lock = threading.Lock()  # one counts for SQL at a time
        self._kept: tuple[int, datetime.date] | None = None  # what SQL sees
        self._kept_s = kept_s
        self._kept_until = 0.0
        self._choice = choice
        self._now = now

    def issues(
        self,
        *,
        project: str | None = None,
        state: IssueState | None = None,
        from_time: datetime.datetime | None = None,
        threads_min: int = THREADS_MIN,
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = True,
    ) -> Page[Issue]:
        """Return issues of a project, of all without one, those with the most threads first.

        Failures since `from_time` (30 days ago) count, the latest 20,000 of them.

        Raises:
            InvalidQuery: a state, threads_min, limit or cursor that cannot be.
        """
        check_limit(limit)
        if state is not None and state not in get_args(IssueState):
            raise InvalidQuery(f"state {state!r} is none of {', '.join(get_args(IssueState))}")
        if not 1 <= threads_min <= ITEMS_MAX:
            raise InvalidQuery(f"threads_min {threads_min} is not between 1 and {ITEMS_MAX}")
        digest = digest_of({"issues": [project, state, from_time, threads_min]})
        since = from_time or self._now() - datetime.timedelta(days=DAYS_DEFAULT)
        groups = self._groups(self._choice.of_list(project), since, threads_min)
        found = [one for one in self._issues(groups) if state in (None, one.state)]
        page = part_of(found, digest, limit=limit, cursor=cursor, with_total=with_total)
        by_id = {group.issue_id: group for group in groups}
        self.namer.wish(
            Unnamed(one.project, one.issue_id, one.kind, by_id[one.issue_id].signature)
            for one in page.items
            if one.name is None and one.state == "open"
        )
        return page

    def keep_for_sql(self) -> None:
        """Write what issues there are to the table that SQL reads, if turns came since it was."""
        with self._lock:
            now = self._now()
            state = self._sequence(), now.date()
            is_new = self._kept == state or time.monotonic() < self._kept_until
            if is_new and self._rows.holds_issues():
                return
            since = now - datetime.timedelta(days=DAYS_DEFAULT)
            self._rows.keep(self._issues(self._groups(None, since, THREADS_MIN)), now)
            self._kept = state
            self._kept_until = time.monotonic() + self._kept_s

    def _groups(
        self, project: str | None, since: datetime.datetime, threads_min: int
    ) -> list[Group]:
        turns = self._reader.failed_turns(project, since, TURNS_MAX)
        return [
            group
            for group in grouped(turns)
            if len({turn.thread_id for turn in group.turns}) >= threads_min
        ]

    def _issues(self, groups: Sequence[Group]) -> list[Issue]:
        closed, names = self._rows.closed(), self._rows.names()
        found = [
            self._issue(one, closed.get(one.issue_id), names.get(one.issue_id)) for one in groups
        ]
        return sorted(found, key=lambda one: (-one.thread_count, -one.turn_count, one.issue_id))

    def close(
        self, issue_ids: Sequence[str], *, project: str | None = None, closed: bool
    ) -> Updated:
        """Close or reopen issues by hand, of a project where one is named.

        Raises:
            InvalidQuery: no ids, or more than 1000, or all projects where one is needed.
        """
        if not 1 <= len(issue_ids) <= ITEMS_MAX:
            raise InvalidQuery(f"issue_ids: 1 to {ITEMS_MAX} are needed, {len(issue_ids)} came")
        name = None if project is None else self._choice.of_writing(project)
        every = self._groups(name, EVER, 1)
        here = {one.issue_id: one.project for one in every}
        asked = dict.fromkeys(issue_ids)
        known = {one: here[one] for one in asked if one in here}
        self._rows.put(known, self._now() if closed else None)
        return Updated(updated=len(known), not_found=[one for one in asked if one not in known])

    def _issue(self, group: Group, closed_at: datetime.datetime | None, name: str | None) -> Issue:
        last = group.turns[-1].start_time
        threads = list(dict.fromkeys(turn.thread_id for turn in reversed(group.turns)))
        is_closed = closed_at is not None and last <= closed_at
        return Issue(
            issue_id=group.issue_id,
            project=group.project,
            kind=group.kind,
            title=group.title,
            name=name,
            state="closed" if is_closed else "open",
            is_reopened=closed_at is not None and not is_closed,
            closed_at=closed_at,
            first_seen_time=group.turns[0].start_time,
            last_seen_time=last,
            thread_count=len(threads),
            turn_count=len(group.turns),
            thread_ids=threads[:THREADS_SHOWN],
            filter=_filter_of(threads[:THREADS_SHOWN]),
            trend=self._trend(group),
        )

    def _trend(self, group: Group) -> list[DayCount]:
        today = self._now().date()
        counts = Counter(turn.start_time.astimezone(datetime.UTC).date() for turn in group.turns)
        days = [today - datetime.timedelta(days=back) for back in range(TREND_DAYS - 1, -1, -1)]
        return [DayCount(day=day, turn_count=counts[day]) for day in days]


def _filter_of(thread_ids: Sequence[str]) -> str:
    """Return a filter of these threads, or of the first, where all would be too long for one."""
    named = ""
    for thread_id in thread_ids:
        longer = f"{named}, {quoted(thread_id)}" if named else quoted(thread_id)
        if len(longer) > FILTER_LENGTH_MAX - len("thread_id in ()"):
            break
        named = longer
    return f"thread_id in ({named})"
