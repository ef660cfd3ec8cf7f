"""Deleting threads and traces: what others have of the same traces stays, and only that is read."""

import pytest
from builders import a_chat, new_trace_id
from stores import Store

from otel_threads.derive.deriver import derive_all


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path))
    made.read = []

    def spans(work, *, after, whole=made.derived.spans):
        for some in whole(work, after=after):
            made.read += some
            yield some

    made.derived.spans = spans
    yield made
    made.close()


def stored(store: Store) -> list[tuple[str, str]]:
    """Return project and question of the spans that are there."""
    with store.database.cursor() as cursor:
        found = cursor.execute(
            "select project, attributes['gen_ai.input.messages'] from spans order by all"
        ).fetchall()
    return [(project, text.split('"content": "')[1].split('"')[0]) for project, text in found]


@pytest.mark.long
def test_a_thread_of_many_traces_is_deleted_unread(store):
    store.write([a_chat("gone", f"q {n}", "a") for n in range(300)] + [a_chat("stays", "q", "a")])
    store.read.clear()
    gone, changed = store.deletion.threads("default", ["gone"])
    assert (gone, changed) == (["gone"], [("default", "gone")])
    assert store.read == []
    assert stored(store) == [("default", "q")]


@pytest.mark.long
def test_another_threads_part_of_a_trace_stays(store):
    shared = new_trace_id()
    store.write(
        [a_chat("gone", f"q {n}", "a") for n in range(50)]
        + [a_chat(thread, f"of {thread}", "a", trace_id=shared) for thread in ("gone", "stays")]
    )
    store.read.clear()
    store.deletion.threads("default", ["gone"])
    assert [span.trace_id for span in store.read] == [shared.hex()] * 2
    assert stored(store) == [("default", "of stays")]


@pytest.mark.long
def test_a_copy_in_another_project_stays(store):
    span = a_chat("gone", "twice", "a")
    store.write([span])
    store.write([span], project="other")
    store.write([a_chat("gone", "once", "a")])
    store.deletion.traces([span.trace_id.hex()], project="default")
    assert stored(store) == [("default", "once"), ("other", "twice")]
    store.deletion.threads("default", ["gone"])
    assert stored(store) == [("other", "twice")]
    store.deletion.traces([span.trace_id.hex()], project=None)
    assert stored(store) == []


@pytest.mark.long
def test_what_came_since_the_last_pass_is_looked_at(store):
    trace_id = new_trace_id()
    store.write([a_chat("gone", "first", "a", trace_id=trace_id)])
    store.write([a_chat("stays", "second", "a", trace_id=trace_id)], derive=False)
    store.deletion.threads("default", ["gone"])
    assert stored(store) == [("default", "second")]
    derive_all(store.derived, store.writer.committed_sequence)
    with store.database.cursor() as cursor:
        assert cursor.execute("select thread_id from threads").fetchall() == [("stays",)]
