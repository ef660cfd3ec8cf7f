"""When a new trace makes a score history: lists, the view of SQL and writing agree about it."""

import itertools

import pytest
from databases import a_database
from test_lifecycle import put_threads, service

from otel_threads.core.score import NewScore
from otel_threads.store.annotations.annotation_rows import Annotations

FIRST, NEWEST = 10, 20  # the commits of a thread's first span and of its newest trace
SEQUENCES = (5, FIRST, 15, NEWEST - 1, NEWEST, NEWEST + 1)


@pytest.fixture(params=["supersede", "keep"])
def rule(request):
    return request.param


@pytest.fixture
def database(tmp_path, rule):
    found = a_database(tmp_path / "x.duckdb")
    found.put_settings({"thread_cooldown_s": "900", "scores_on_new_trace": rule})
    put_threads(found, [0])
    yield found
    found.close()


def given(database, rule, sequence: int) -> Annotations:
    return Annotations(
        database, sequence=lambda: sequence, timeout_s=60, supersedes=rule == "supersede"
    )


def score(name: str, value: float, *, trace_id: str | None = None) -> NewScore:
    thread_id = None if trace_id else "t-0"
    return NewScore(project="p", thread_id=thread_id, trace_id=trace_id, name=name, value=value)


def test_lists_the_view_and_writing_agree(database, rule):
    for sequence in SEQUENCES:
        given(database, rule, sequence).put_scores([score(f"s-{sequence}", 1.0)])
    annotations = given(database, rule, 30)

    listed = {one.name for one in service(database, annotations).thread("t-0").scores}
    with database.cursor() as cursor:
        rows = cursor.execute("select name from scores where superseded_at is null").fetchall()
    annotations.put_scores([score(f"s-{sequence}", 2.0) for sequence in SEQUENCES])
    with database.cursor() as cursor:
        counts = cursor.execute("select name, count(*) from x_score_records group by 1").fetchall()

    history = {f"s-{sequence}" for sequence in SEQUENCES if FIRST <= sequence < NEWEST}
    history.add("s-5")  # it holds for the thread's first trace, which is not the newest
    names = {f"s-{sequence}" for sequence in SEQUENCES}
    assert listed == (names - history if rule == "supersede" else names)
    assert {name for (name,) in rows} == listed
    assert {name for name, count in counts if count == 1} == listed, "writing replaced these"
    assert {count for _, count in counts} <= {1, 2}


def test_scores_of_traces_and_of_threads_to_come_are_never_history(database, rule):
    annotations = given(database, rule, 5)
    trace_id = "0" * 31 + "1"
    to_come = NewScore(project="p", thread_id="later", name="early", value=1.0)
    for value, _ in itertools.product((1.0, 2.0), range(2)):
        annotations.put_scores([score("on trace", value, trace_id=trace_id), to_come])

    with database.cursor() as cursor:
        rows = cursor.execute("select name, value, superseded_at from scores order by 1").fetchall()
    (listed,) = annotations.trace_scores([trace_id])

    assert rows == [("early", 1.0, None), ("on trace", 2.0, None)]
    assert (listed.name, listed.value, listed.superseded_at) == ("on trace", 2.0, None)
