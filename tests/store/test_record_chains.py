"""What long values of SDKs' records share is stored once, and every body comes back as it was sent."""

import contextlib
import datetime
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdk_records import RecordStore, a_step, a_trace
from test_chains import Senders

from otel_threads.core.record import Record
from otel_threads.store.records import bodies, record_rows
from otel_threads.store.records.bodies import pieces
from otel_threads.store.spans import sharing, texts
from otel_threads.vendors import ids
from otel_threads.vendors.opik.records import deletion


@pytest.fixture
def store(tmp_path):
    made = RecordStore(str(tmp_path))
    yield made
    made.close()


class SdkSenders(Senders):
    """The same conversations as an SDK tells them: as a step starts, as it ends, and in patches."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.bodies: dict[str, list[str]] = {}  # by record id, as sent

    def records(self) -> list[Record]:
        made: list[Record] = []
        for span in self.spans():
            history = self.sent[span.trace_id.hex()]
            record_id = ids.new_uuid()
            told = [self.told(record_id, history, "patch" if n else "put") for n in range(2)]
            made += told[: self.random.choice([1, 2, 2])]
        self.random.shuffle(made)
        for record in made:
            self.bodies.setdefault(record.record_id, []).append(record.body)
        return made

    def told(self, record_id: str, history: str, op: str) -> Record:
        dice = self.random
        value = history if _is_json(history) else json.dumps(history)
        fields = [f'"input"{dice.choice([":", " : "])}{value}', f'"id": "{record_id}"']
        if op == "patch":
            fields.append(f'"output": {json.dumps(self.words(dice.choice([1, 300])))}')
        if dice.random() < 0.2:
            fields.append(f'"input":{value}')  # a key that stands twice
        dice.shuffle(fields)
        body = "{" + dice.choice([",", " ,\n "]).join(fields) + "}"
        project = dice.choice([None, "p", "p", "p"])
        return Record("opik", "trace", op, record_id, None, project, None, body)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def read_back(store, record_ids) -> dict[str, list[str]]:
    with store.database.cursor() as cursor:
        found, _ = record_rows.read(cursor, sorted(record_ids), upto=1 << 40)
    told: dict[str, list[str]] = {}
    for row in sorted(found, key=lambda row: (row.sequence, row.place)):
        told.setdefault(row.record.record_id, []).append(row.record.body)
    return told


def own_bytes(store) -> int:
    """Return the bytes of all raw text that the store has of records and of what is folded of them."""
    return sum(
        store.rows(f"select coalesce(sum(strlen({column})), 0) from {table}")[0][0]
        for table, column in (
            ("x_content_chunks", "value"),
            ("x_sdk_record_chunks", "value"),
            ("x_sdk_records", "body"),
        )
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_every_body_comes_back_in_whatever_order_and_pieces_it_came(store, seed):
    senders = SdkSenders(seed)
    for _ in range(12):
        store.write(*senders.records(), derive=senders.random.random() < 0.5)
    assert read_back(store, senders.bodies) == senders.bodies
    store.derive()
    shown = store.shown()
    inputs = {f["trace_id"]: f["value"] for f in folded_inputs(store)}
    assert inputs
    for record_id, sent in senders.bodies.items():
        value = inputs.get(ids.trace_id_of(record_id))
        assert value is None or any(value in body for body in sent)
    store.derived.reset()
    store.derive()
    assert store.shown() == shown


def folded_inputs(store) -> list[dict]:
    found = store.rows(
        "select trace_id, value from span_content where key = 'otel_threads.record.field.input'"
    )
    return [{"trace_id": trace_id, "value": value} for trace_id, value in found]


@pytest.mark.long
def test_what_is_shared_decides_bytes_and_nothing_else(tmp_path, monkeypatch):
    shown, sizes = [], []
    for n, is_shared in enumerate((True, False)):
        folder = tmp_path / str(n)
        folder.mkdir()
        if not is_shared:
            monkeypatch.setattr(texts, "add", lambda *_, **__: {})
        store = RecordStore(str(folder))
        senders = SdkSenders(7)
        monkeypatch.setattr(ids, "new_uuid", numbered())
        for _ in range(10):
            store.write(*senders.records())
        shown.append(read_back(store, senders.bodies))
        shown.append(store.shown())
        sizes.append(own_bytes(store))
        store.close()
        monkeypatch.undo()
    without_receipt = [_without_receipt(one) for one in (shown[1], shown[3])]
    assert (shown[0], without_receipt[0]) == (shown[2], without_receipt[1])
    assert sizes[0] < 0.7 * sizes[1]


@pytest.mark.long
def test_records_of_an_older_file_are_shared_when_somebody_asks(store, monkeypatch):
    """So are the spans that were folded from them; interrupted, the file is as good as any."""
    senders = SdkSenders(3)
    with monkeypatch.context() as patched:
        patched.setattr(texts, "add", lambda *_, **__: {})
        for _ in range(8):
            store.write(*senders.records())
    shown, before = store.shown(), own_bytes(store)
    heard: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        heard.append((done, total))
        if len(heard) % 3 == 0 and len(heard) < 10:
            raise KeyboardInterrupt

    monkeypatch.setattr(sharing, "SLICE_CHARS", 100_000)
    for _ in range(4):
        with contextlib.suppress(KeyboardInterrupt):
            sharing.share(store.database, stop)
        assert read_back(store, senders.bodies) == senders.bodies
        assert store.shown() == shown
    assert heard[-1][0] == heard[-1][1]
    assert own_bytes(store) < 0.5 * before
    refers = "select count(*) from x_content_chunks where span_id <> '' and chain_id is not null"
    assert store.rows(refers) > [(0,)]
    store.write(*senders.records())  # it goes on as any other
    assert read_back(store, senders.bodies) == senders.bodies
    traces = [trace for (trace,) in store.rows("select distinct trace_id from spans")]
    for project in {project for (project,) in store.rows("select distinct project from spans")}:
        store.deletion.traces(traces, project=project)
    assert own_bytes(store) == 0


def _without_receipt(shown: dict) -> dict:
    """Return what does not hang on the clock: these records tell no times of their own."""
    spans = [(row[0], row[1], row[5], row[11]) for row in shown["spans"]]
    content = sorted((row[0], row[3], row[4]) for row in shown["content"])
    return {"spans": sorted(spans, key=str), "content": content}


def numbered():
    numbers = iter(range(1, 10_000))
    return lambda: f"01a22310-2450-7055-825c-{next(numbers):012x}"


@given(
    st.lists(st.text(min_size=0, max_size=8), max_size=4),
    st.sampled_from(["", " ", "\n\t"]),
    st.integers(0, 3),
    st.integers(0, 2000),
)
@settings(max_examples=200)
def test_pieces_joined_are_the_body(words, space, kind, cut_at):
    long = {"messages": [{"content": word * 100} for word in words], "x": "y" * 600}
    fields = [f'"a"{space}:{space}{json.dumps(long, ensure_ascii=False)}', f'"b":{space}1']
    body = "{" + f"{space},".join([*fields, fields[0].replace('"a"', '"c"'), *fields]) + "}"
    if kind == 1:
        body = body[:cut_at]
    elif kind == 2:
        body = "[" + body + "]"
    cuts = pieces(body)
    assert "".join(cuts) == body
    if kind == 0:
        assert len(cuts) >= 5


def grown(turns: int, senders: Senders):
    """Yield the puts and the ends of a growing conversation's turns, two steps each."""
    history: list[dict] = []
    for n in range(turns):
        history.append({"role": "user", "content": senders.words(60)})
        trace_id, span_id = ids.new_uuid(), ids.new_uuid()
        start = f"2026-11-28T16:{n // 60:02}:{n % 60:02}.000001Z"
        answer = {"role": "assistant", "content": senders.words(600)}
        tools = {
            "messages": history,
            "model": "m",
            "tools": [{"name": "search", "about": "a" * 50}],
        }
        for end in ({}, {"end_time": start, "output": answer, "last_updated_at": start}):
            times = {"start_time": start, "thread_id": "t", **end}
            yield a_trace(trace_id, input=list(history), **times)
            yield a_step(span_id, trace_id, start_time=start, type="llm", input=tools, **end)
        history.append(answer)


@pytest.mark.slow
def test_a_history_of_a_hundred_turns_takes_little_more_than_its_words(store):
    sent, longest = 0, 0
    for record in grown(100, Senders(1)):
        sent += len(record.body)
        longest = max(longest, len(record.body))
        store.write(record, derive=False)
    store.derive()
    # The trace's list and the step's object begin otherwise, and answers stand alone once more.
    assert own_bytes(store) < 4 * longest
    assert sent > 40 * own_bytes(store)


def test_patches_without_a_project_share_within_their_trace_alone(store):
    text = json.dumps({"input": "x" * 10_000})
    for trace in ("a", "a", "b"):
        record = Record("opik", "span", "patch", ids.new_uuid(), trace, None, None, text)
        store.write(record, derive=False)
    assert store.rows(
        "select count(distinct chain_id), sum(strlen(value)) from x_content_chunks"
    ) == [(2, 20_004)]


@pytest.mark.slow
def test_what_others_begin_with_stays_and_all_else_goes(store):
    senders = SdkSenders(3)
    for _ in range(15):
        store.write(*senders.records())
    left = dict(senders.bodies)
    while left:
        gone = senders.random.sample(sorted(left), min(len(left), 6))
        store.deletion.traces([ids.trace_id_of(one) for one in gone], project=None)
        for record_id in gone:
            del left[record_id]
        assert read_back(store, senders.bodies) == left
        if len(senders.bodies) < 90:
            store.write(*senders.records())
            left = {key: told for key, told in senders.bodies.items() if read_back(store, [key])}
            assert read_back(store, senders.bodies) == left
        inputs = {f["trace_id"]: f["value"] for f in folded_inputs(store)}
        assert all(
            any(
                value in body for key in left if ids.trace_id_of(key) == trace for body in left[key]
            )
            for trace, value in inputs.items()
        )
    for table in ("x_content_chunks", "x_sdk_record_chunks", "x_sdk_records"):
        assert store.rows(f"select count(*) from {table}") == [(0,)], table


@pytest.mark.long
@pytest.mark.parametrize("way", ["deletion", "retention", "sdk"])
def test_words_of_a_deleted_record_are_in_no_row(store, way):
    words = "what was said before " * 600
    first, second, third = (ids.new_uuid() for _ in range(3))
    secret = {"input": [words, "swordfish"], "start_time": "2020-01-01T00:00:00Z"}
    store.write(a_trace(first, project_name="p", end_time="2020-01-01T00:00:01Z", **secret))
    store.write(a_trace(second, project_name="p", input=[words, "my other words"]))
    store.write(a_trace(third, project_name="p", input=[words, "my other words", "and more"]))
    assert store.rows("select sum(strlen(value)) from x_content_chunks")[0][0] < 1.5 * len(words)
    if way == "deletion":
        store.deletion.traces([ids.trace_id_of(first)], project=None)
    elif way == "retention":
        before = datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC)
        store.retention.delete_slice(before, project=None, traces_max=10)
    else:
        store.write(deletion("trace", first))
    raw = store.rows(
        "select value from x_content_chunks union all select value from x_sdk_record_chunks"
        " union all select body from x_sdk_records"
    )
    assert not any("swordfish" in (text or "") for (text,) in raw)
    assert sorted(len(f["value"]) for f in folded_inputs(store)) == sorted(
        len(json.dumps([words, "my other words", *more])) for more in ([], ["and more"])
    )
    again = read_back(store, [first, second, third])
    assert first not in again or way == "sdk"
    assert {json.loads(again[one][0])["input"][1] for one in (second, third)} == {"my other words"}


@pytest.mark.long
def test_records_of_an_older_file_stay_as_they_are(store, monkeypatch):
    """Files of before have whole bodies, short ones in their row and long ones in chunks."""
    senders, old = SdkSenders(5), 0
    for n in range(12):
        with monkeypatch.context() as patched:
            if n < 6:
                patched.setattr(texts, "add", lambda *_, **__: {})
            store.write(*senders.records())
            old = old or (n == 5 and store.rows("select count(chain_id) from x_sdk_record_chunks"))
    assert old == [(0,)]
    assert store.rows("select count(chain_id) > 0 from x_sdk_record_chunks") == [(True,)]
    assert read_back(store, senders.bodies) == senders.bodies


def test_a_commit_that_failed_is_not_continued(store, monkeypatch):
    record = a_trace(ids.new_uuid(), input="x" * 10_000)
    monkeypatch.setattr(record_rows, "append", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.write(record, derive=False)
    monkeypatch.undo()
    store.write(record)
    assert read_back(store, [record.record_id]) == {record.record_id: [record.body]}


def test_a_body_that_is_too_long_is_not_cut(store, monkeypatch):
    monkeypatch.setattr(bodies, "CUT_CHARS_MAX", 30_000)
    record = a_trace(ids.new_uuid(), input="x" * 31_000)
    store.write(record)
    assert store.rows("select count(*), count(chain_id) from x_sdk_record_chunks") == [(2, 0)]
    assert read_back(store, [record.record_id]) == {record.record_id: [record.body]}


def test_a_body_has_so_many_pieces_at_most(monkeypatch):
    monkeypatch.setattr(bodies, "PIECES_MAX", 6)
    body = json.dumps({str(n): str(n) * 600 for n in range(9)})
    assert len(pieces(body)) == 7
    assert "".join(pieces(body)) == body


@pytest.mark.long
def test_a_tail_after_the_messages_does_not_end_the_chain(store):
    """A model's name and its tools may stand after what grows."""
    history: list[str] = []
    for n in range(30):
        history.append(f"{n} " * 300)
        value = {"messages": history, "model": "gpt", "tools": [{"name": "a" * 200}]}
        store.write(a_trace(ids.new_uuid(), input=value), derive=False)
    longest = len(json.dumps(history))
    assert store.rows("select count(distinct chain_id) from x_content_chunks")[0][0] <= 2
    assert store.rows("select sum(strlen(value)) from x_content_chunks")[0][0] < 1.6 * longest
