"""An older file stores its histories once when somebody asks for it, and says the same as before."""

import pytest
from builders import a_span
from stores import Store
from test_chains import KEY, Senders, check

from otel_threads.store.spans import chains, sharing
from otel_threads.store.spans.chains import Chains


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path))
    yield made
    made.close()


@pytest.fixture
def write_as_before(store, monkeypatch):
    """Write as the versions did that had no chains."""

    def write(spans, **options) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Chains, "rows", lambda _, content, __: chains.unshared(content))
            store.write(spans, **options)

    return write


def counted(store, what: str):
    with store.database.cursor() as cursor:
        return cursor.execute(f"select {what} from x_content_chunks").fetchone()[0]


def share(store) -> list[tuple[int, int]]:
    heard: list[tuple[int, int]] = []
    sharing.share(store.database, lambda *progress: heard.append(progress))
    return heard


@pytest.mark.long
def test_an_older_files_histories_are_stored_once_and_every_value_stays(
    store, write_as_before, monkeypatch
):
    monkeypatch.setattr(sharing, "SLICE_CHARS", 50_000)
    senders = Senders(1)
    for n in range(24):
        write = store.write if n % 3 == 2 else write_as_before  # some came with this version
        write(list(senders.spans()), derive=False)
    before = counted(store, "sum(strlen(value))")
    heard = share(store)
    assert len(heard) > 3
    assert heard[-1][0] == heard[-1][1]
    assert counted(store, "sum(strlen(value))") < 0.7 * before
    check(store, senders.sent)
    assert not counted(
        store, "count(*) - count(distinct (chain_id, chain_row, chunk_index, rowid))"
    )
    store.write(list(senders.spans()), derive=False)  # it goes on as any other
    share(store)
    check(store, senders.sent)


@pytest.mark.long
def test_interrupted_it_goes_on(store, write_as_before, monkeypatch):
    monkeypatch.setattr(sharing, "SLICE_CHARS", 50_000)
    senders = Senders(2)
    for _ in range(16):
        write_as_before(list(senders.spans()), derive=False)

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sharing.share(store.database, stop)
    check(store, senders.sent)
    half = counted(store, "count(*) filter (chain_id is not null)")
    share(store)
    assert counted(store, "count(*) filter (chain_id is not null)") > half > 0
    check(store, senders.sent)


def test_chains_of_a_commit_that_has_some_get_numbers_of_their_own(store, write_as_before):
    one, two = "a" * 9000, "b" * 9000
    store.write([a_span(attributes={KEY: one})], derive=False)
    with store.database.transaction() as cursor:  # as if both had come at once
        cursor.execute("update x_content_chunks set ingest_seq = 7")
        cursor.execute("update x_content_chunks set chain_id = (7::bigint << 20) + 1")
    write_as_before([a_span(attributes={KEY: two})], derive=False)
    with store.database.transaction() as cursor:
        cursor.execute("update x_content_chunks set ingest_seq = 7")
    share(store)
    with store.database.cursor() as cursor:
        found = cursor.execute("select value, chain_id from x_content_chunks").fetchall()
    assert {value: number & 0xFFFFF for value, number in found} == {one: 1, two: 2}


@pytest.mark.long
def test_projects_share_nothing_and_deleted_words_are_gone(store, write_as_before):
    words = "what was said " * 800
    gone = a_span(attributes={KEY: words, "gen_ai.conversation.id": "gone"})
    write_as_before([gone], project="one")
    grown = [words + " and more" * n for n in range(1, 4)]
    for text in grown:
        span = a_span(attributes={KEY: text, "gen_ai.conversation.id": "stays"})
        write_as_before([span], project="two")
    share(store)
    assert counted(store, "count(distinct (project, chain_id))") == 2
    assert counted(store, "count(distinct chain_id)") == 2
    store.deletion.traces([gone.trace_id.hex()], project="one")
    assert counted(store, "count(*) filter (project = 'one')") == 0
    with store.database.cursor() as cursor:
        whole = cursor.execute("select value from span_content where key = ?", [KEY]).fetchall()
    assert sorted(text for (text,) in whole) == sorted(grown)
