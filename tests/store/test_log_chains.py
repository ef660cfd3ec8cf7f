"""What long bodies and attributes of log records share is stored once, and comes back as it was sent."""

import datetime
import random
import time

import pytest
from builders import a_span
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from stores import Store
from test_chains import LETTERS

from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Batch, Work
from otel_threads.decode import logs
from otel_threads.decode.chunks import CHUNK_BYTES_MAX
from otel_threads.decode.tables import EMPTY
from otel_threads.store.spans import sharing, texts

NOTE = "gen_ai.input.messages"


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path))
    yield made
    made.close()


class Loggers:
    """Conversations that grow and are logged whole each time, some of them cut or unlike before."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.histories = ["", "", ""]
        self.sent: dict[str, tuple[str, str]] = {}  # body and note by trace id

    def some(self, count: int) -> list[tuple[object, str, str]]:
        made = []
        for _ in range(count):
            n = self.random.randrange(3)
            words = "".join(self.random.choices(LETTERS.replace("\0", " "), k=4000))
            self.histories[n] += words
            if self.random.random() < 0.15:
                self.histories[n] = self.histories[n][: len(self.histories[n]) // 2]
            body = self.histories[n]
            note = self.random.choice([body, body + "]", "short"])
            span = a_span()
            self.sent[span.trace_id.hex()] = (body, note)
            made.append((span, body, note))
        return made


def write(store, some, *, project: str = "default") -> None:
    """Store spans, each with a log record."""
    request = ExportLogsServiceRequest()
    for span, body, note in some:
        record = request.resource_logs.add().scope_logs.add().log_records.add()
        record.event_name = "gen_ai.user.message"
        record.trace_id, record.span_id = span.trace_id, span.span_id
        record.time_unix_nano = span.start_time_unix_nano
        record.body.string_value = body
        record.attributes.add(key=NOTE).value.string_value = note
    store.write([span for span, *_ in some], project=project)
    write_logs(store, request.SerializeToString(), project)


def write_logs(store, payload: bytes, project: str = "default") -> None:
    request = Request(
        signal=Signal.LOGS, payload=payload, project=project, received_unix_nano=time.time_ns()
    )
    rows, _ = logs.decode([request], event_names=["gen_ai.*"], default_project="default")
    store.writer._commit([Batch(EMPTY, rows)])


def rows(store, query: str) -> list[tuple]:
    with store.database.cursor() as cursor:
        return cursor.execute(query).fetchall()


def check(store, sent: dict[str, tuple[str, str]]) -> None:
    """Compare SQL and what the deriver reads with what was sent."""
    pieces = "string_agg(value, '' order by piece_index)"
    found = rows(store, f"select trace_id, key, {pieces} from log_pieces group by all")
    told = {(trace_id, key): text for trace_id, key, text in found}
    expected = {
        (trace_id, key): text
        for trace_id, (body, note) in sent.items()
        for key, text in ((None, body), (NOTE, note))
        if len(text.encode()) > CHUNK_BYTES_MAX
    }
    assert told == expected
    for spans in store.derived.spans(Work(1, sorted(sent)), after=0):
        for span in spans:
            [log] = span.logs
            assert (log.body, log.attributes[NOTE]) == sent[span.trace_id]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_every_value_comes_back_and_what_goes_is_gone(store, seed):
    loggers = Loggers(seed)
    for _ in range(8):
        write(store, loggers.some(loggers.random.randint(1, 5)))
    check(store, loggers.sent)
    left = dict(loggers.sent)
    while left:
        gone = loggers.random.sample(sorted(left), min(len(left), 5))
        store.deletion.traces(gone, project="default")
        for trace_id in gone:
            del left[trace_id]
        check(store, left)
    for table in ("x_log_references", "x_log_chunks", "x_content_chunks"):
        assert rows(store, f"select count(*) from {table}") == [(0,)], table


@pytest.mark.slow
def test_a_log_of_a_hundred_turns_takes_little_more_than_its_words(store):
    history = ""
    for turn in range(100):
        history += f"turn {turn} " + "".join(random.Random(turn).choices(LETTERS[:26], k=2000))
        write(store, [(a_span(), history, "short")])
    [(in_chains,)] = rows(store, "select sum(strlen(value)) from x_content_chunks")
    [(in_rows,)] = rows(store, "select sum(strlen(body)) from log_records")
    assert in_chains < 1.1 * len(history)
    assert in_rows < 9 * CHUNK_BYTES_MAX
    assert rows(store, "select count(*) from x_log_chunks") == [(0,)]


def test_a_record_sent_again_refers_once(store):
    some = Loggers(1).some(1)
    some = [(some[0][0], "words " * 4000, "note")]
    for _ in range(2):
        write(store, some)
    assert rows(store, "select count(*) from x_log_references") == [(1,)]


def test_words_of_a_loose_log_record_go_with_it(store):
    """A record that belongs to no trace; another, of a trace, begins as it does."""
    words, day = "what was said " * 2000, 86_400_000_000_000
    payload = ExportLogsServiceRequest()
    record = payload.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name, record.time_unix_nano = "gen_ai.user.message", time.time_ns() - day
    record.body.string_value = words + "swordfish"
    write_logs(store, payload.SerializeToString())
    span = a_span()
    write(store, [(span, words + "other words", "n")])
    assert rows(store, "select count(distinct chain_id) from x_content_chunks") == [(1,)]
    store.retention.delete_loose_logs(
        datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1), project=None
    )
    assert not [v for (v,) in rows(store, "select value from x_content_chunks") if "sword" in v]
    check(store, {span.trace_id.hex(): (words + "other words", "n")})


def test_projects_share_nothing(store):
    for project in ("one", "two"):
        write(store, [(a_span(), "x" * 20_000, "n")], project=project)
    assert rows(store, "select count(distinct (project, chain_id)) from x_content_chunks") == [(2,)]


@pytest.mark.long
def test_chunks_of_an_older_file_are_shared_when_somebody_asks(store, monkeypatch):
    loggers = Loggers(4)
    with monkeypatch.context() as patched:
        patched.setattr(texts, "add", lambda *_, **__: {})
        for _ in range(3):
            write(store, loggers.some(10))
    assert rows(store, "select count(*) > 0 from x_log_chunks") == [(True,)]
    write(store, loggers.some(30))
    assert rows(store, "select count(*) > 0 from x_log_references") == [(True,)]
    check(store, loggers.sent)
    before = own_bytes(store)
    heard: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        heard.append((done, total))
        if len(heard) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(sharing, "SLICE_CHARS", 50_000)
    with pytest.raises(KeyboardInterrupt):
        sharing.share(store.database, stop)
    check(store, loggers.sent)
    assert own_bytes(store) < before
    sharing.share(store.database, lambda *_: None)
    check(store, loggers.sent)
    assert own_bytes(store) < 0.6 * before
    store.deletion.traces(sorted(loggers.sent), project="default")
    assert own_bytes(store) == 0


def own_bytes(store) -> int:
    """Return the bytes of all texts that stand apart from their rows."""
    sums = "(select coalesce(sum(strlen(value)), 0) from {})"
    tables = map(sums.format, ("x_content_chunks", "x_log_chunks"))
    [(found,)] = rows(store, f"select {' + '.join(tables)}")
    return found
