"""What lists say of a thread is what the view says to SQL; jumps of the clock age nothing."""

import datetime
import itertools

import pyarrow as pa
import pytest
from databases import a_database

from otel_threads.clock import STEP_MS_MIN, ClockWatch
from otel_threads.core import filters
from otel_threads.core.score import NewComment
from otel_threads.core.status import Progress
from otel_threads.core.usage import USAGE
from otel_threads.services.threads import ThreadService
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.read.list_query import Selection
from otel_threads.store.read.reader import Reader

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def store(tmp_path):
    database = a_database(tmp_path / "x.duckdb")
    database.put_settings({"thread_cooldown_s": "900", "scores_on_new_trace": "supersede"})
    yield database
    database.close()


def put_threads(database, ages_minutes, *, project="p") -> None:
    now = datetime.datetime.now(datetime.UTC)
    lists = ("models", "providers", "services", "users", "environments", "tags")
    rows = [
        {
            "project": project,
            "thread_id": f"t-{i}",
            "updated_at": now - age * MINUTE,
            "created_at": now - age * MINUTE,
            "first_activity_time": now,
            "last_activity_time": now,
            "first_sequence": 10,
            "last_sequence": 20 + i,
            "last_trace_sequence": 20,
            "last_trace_at": now,
            "metadata": [],
            **{name: ["x"] for name in lists},
            **dict.fromkeys(USAGE, 1),
        }
        for i, age in enumerate(ages_minutes)
    ]
    table = pa.table(
        {
            name: pa.array([row[name] for row in rows], pa.map_(pa.string(), pa.string()))
            if name == "metadata"
            else pa.array([row[name] for row in rows])
            for name in rows[0]
        }
    )
    with database.transaction() as cursor:
        cursor.register("facts", table)
        cursor.execute("insert into x_thread_facts by name select * from facts")


def service(database, annotations) -> ThreadService:
    return ThreadService(
        Reader(database, timeout_s=60),
        annotations,
        default_project="p",
        progress=lambda: Progress(
            committed_sequence=1, derived_sequence=1, derive_lag_ms=0, database_bytes=0
        ),
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("said", "cooldown_s", "step_ms"),
    [
        *itertools.product(
            ("nothing", "closed", "reopened", "closed long ago"),
            (None, 60),
            (0, 3_600_000, -3_600_000),
        )
    ],
)
def test_lists_and_sql_agree_about_status_tags_and_comments(store, said, cooldown_s, step_ms):
    put_threads(store, [0, 5, 14, 16, 61, 75])
    sequence = iter([30] * 99)
    annotations = Annotations(store, sequence=lambda: next(sequence), timeout_s=60)
    ids = ["t-0", "t-3", "t-4"]
    if said == "closed long ago":
        Annotations(store, sequence=lambda: 15, timeout_s=60).close_threads("p", ids, closed=True)
    elif said != "nothing":
        annotations.close_threads("p", ids, closed=said == "closed")
    if cooldown_s:
        annotations.put_project_settings("p", thread_cooldown_s=cooldown_s)
    if step_ms:
        Annotations(store, sequence=lambda: 22, timeout_s=60).put_clock_step(step_ms)
    annotations.change_tags("p", thread_ids=["t-1"], add=["new"], remove=["x"], tags_max=50)
    for _ in range(2):
        annotations.add_comment(NewComment(thread_id="t-2", text="x"), "p")
    threads = service(store, annotations)
    items = {one.thread_id: one for one in threads.threads().items}
    listed = {name: (t.status, t.tags, t.comment_count) for name, t in items.items()}
    assert len(listed) == 6
    with store.cursor() as cursor:
        rows = cursor.execute(
            "select thread_id, status, tags, comment_count from threads"
        ).fetchall()
    assert listed == {thread_id: (status, tags, count) for thread_id, status, tags, count in rows}
    node = filters.parse('status = "active"')
    found = Reader(store, timeout_s=60).threads(Selection(filter=node), sort=None, limit=99)
    active = {t for t, (status, _, _) in listed.items() if status == "active"}
    assert {one.thread_id for one in found} == active
    assert all(one.status == "active" for one in found)
    # The same threads, all of each, where the view was asked instead.
    asked = [
        *threads.threads(filter="comment_count >= 0").items,
        *threads.threads(status="active").items,
        *threads.threads(status="inactive").items,
        *threads.threads_by_key([("p", name) for name in items]).values(),
        *(threads.thread(name) for name in items),
    ]
    assert len(asked) == 4 * 6
    assert all(one == items[one.thread_id] for one in asked)


def test_a_jump_of_the_clock_ages_nothing(store):
    """Forward an hour: threads that were active stay so. Back: they do not stay so for an hour."""
    put_threads(store, [60, 75])  # 0 and 15 minutes old by the clock before its jump
    annotations = Annotations(store, sequence=lambda: 30, timeout_s=60)
    now = [1000.0, 1000.0]
    watch = ClockWatch(
        on_step=annotations.put_clock_step,
        wall=lambda: now[0],
        steady=lambda: now[1],
        interval_s=3600,
    )
    now[0] += 1
    watch.check()  # less than what counts
    now[0] += 3599
    watch.check()
    watch.check()
    watch.close()
    statuses = [t.status for t in service(store, annotations).threads(sort="thread_id").items]
    assert statuses == ["active", "inactive"]
    with store.cursor() as cursor:
        assert cursor.execute("select count(*), sum(step_ms) from x_clock_steps").fetchall() == [
            (1, 3_600_000)
        ]
    assert STEP_MS_MIN > 1000


def test_a_step_that_cannot_be_stored_is_tried_again():
    calls = []

    def fail(step_ms):
        calls.append(step_ms)
        raise OSError("disk full")

    now = [0.0, 0.0]
    watch = ClockWatch(on_step=fail, wall=lambda: now[0], steady=lambda: now[1], interval_s=3600)
    now[0] = 60.0
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            watch.check()
    watch.close()
    assert calls == [60_000, 60_000]
