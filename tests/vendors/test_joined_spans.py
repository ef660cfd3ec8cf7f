"""Spans of OTLP that are part of a trace of an SDK's records are spans of that trace."""

import itertools
import json
import time

import pytest
from builders import a_chat, a_request, a_span
from deriving import a_log_request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from sdk_records import RecordStore, a_step, a_trace

from otel_threads.core.record import RecordPlace
from otel_threads.derive.joined_spans import SentSpan, moves
from otel_threads.vendors import ids
from otel_threads.vendors.langsmith import records as langsmith
from otel_threads.vendors.times import iso


@pytest.fixture
def store(tmp_path):
    made = RecordStore(str(tmp_path))
    yield made
    made.close()


def naming(trace: str, span: str, parent: str | None = None) -> dict[str, str]:
    """Return what the SDK's span processor puts on a span."""
    told = {"opik.trace_id": trace, "opik.span_id": span}
    return told | ({"opik.parent_span_id": parent} if parent else {})


class Program:
    """A tracked function that calls a library with spans of OpenTelemetry, one without marks."""

    def __init__(self) -> None:
        self.trace, self.step, self.agent, self.call = (ids.new_uuid() for _ in range(4))
        said = {"input": {"question": "q"}, "output": {"output": "a"}}
        self.records = [
            a_trace(self.trace, thread_id="joined", end_time="2026-11-28T16:00:09Z", **said),
            a_step(self.step, self.trace, type="general", **said),
        ]
        start = time.time_ns()
        agent = a_span(
            name="agent", start=start, attributes=naming(self.trace, self.agent, self.step)
        )
        self.sent_trace = agent.trace_id.hex()
        below = {"trace_id": agent.trace_id}
        call = a_chat(
            "another",
            "q",
            "a",
            start=start + 1000,
            name="request",
            parent_span_id=agent.span_id,
            attributes=naming(self.trace, self.call, self.agent) | {"long": "x" * 1000},
            **below,
        )
        call.events.add(name="told", time_unix_nano=start + 2000)
        bare = a_span(name="bare", start=start + 2000, parent_span_id=call.span_id, **below)
        bare_child = a_span(name="barer", start=start + 3000, parent_span_id=bare.span_id, **below)
        self.spans = [agent, call, bare, bare_child]
        self.ids = {
            "agent": ids.span_id_of(self.agent, self.trace),
            "request": ids.span_id_of(self.call, self.trace),
            "bare": bare.span_id.hex(),
            "barer": bare_child.span_id.hex(),
        }

    def parts(self):
        """Return what a sender may send one by one."""
        return [*self.records, *(a_request(span) for span in self.spans)]


def is_whole(store, program) -> None:
    """Check that the store has one trace, one turn, one thread, and the tree as it was."""
    trace_id = ids.trace_id_of(program.trace)
    assert store.rows("select distinct project from spans") == [("Default Project",)]
    rows = store.rows("select trace_id, name, span_id, parent_span_id from spans")
    assert {trace for trace, *_ in rows} == {trace_id}
    tree = {name: (span, parent) for _, name, span, parent in rows}
    step = ids.span_id_of(program.step, program.trace)
    of = program.ids
    assert tree == {
        "chat": (trace_id[16:], None),
        "step": (step, trace_id[16:]),
        "agent": (of["agent"], step),
        "request": (of["request"], of["agent"]),
        "bare": (of["bare"], of["request"]),
        "barer": (of["barer"], of["bare"]),
    }
    assert store.rows("select trace_id, span_count, thread_id from traces") == [
        (trace_id, 6, "joined")
    ]
    assert store.rows("select thread_id, turn_count, input_tokens from threads") == [
        ("joined", 1, 10)
    ]
    assert store.rows("select turns.user, assistant, call_count from turns") == [("q", "a", 1)]
    assert store.rows("select trace_id, span_id, name from span_events") == [
        (trace_id, of["request"], "told")
    ]
    long = store.rows(
        "select value from span_content where trace_id = ? and span_id = ?", trace_id, of["request"]
    )
    assert ("x" * 1000,) in long
    assert store.rows("select count(*) from calls") == [(1,)]


@pytest.mark.long
@pytest.mark.parametrize("order", [*itertools.permutations(range(6))][::131])
def test_spans_join_their_trace_in_any_order(store, order):
    program = Program()
    parts = program.parts()
    for i in order:
        store.write_any(parts[i])
    is_whole(store, program)


@pytest.mark.long
def test_what_is_sent_together_and_again_and_derived_anew_is_the_same(store):
    program = Program()
    store.write_any(*program.parts())
    is_whole(store, program)
    store.write_any(*program.parts()[::-1])
    is_whole(store, program)
    before = store.shown()
    store.derived.reset()
    store.derive()
    is_whole(store, program)
    assert store.shown() == before


@pytest.mark.long
def test_a_span_that_comes_again_whole_takes_the_place_of_its_beginning(store):
    program = Program()
    whole = a_request(*program.spans)
    program.spans[1].end_time_unix_nano -= 500_000
    del program.spans[1].attributes[-1]
    store.write_any(*program.records, a_request(program.spans[1]))
    store.write_any(whole)
    is_whole(store, program)


def test_spans_without_a_record_of_their_trace_are_together(store):
    program = Program()
    store.write_any(a_request(*program.spans))
    trace_id = ids.trace_id_of(program.trace)
    assert store.rows("select trace_id, span_count, thread_id from traces") == [
        (trace_id, 4, "another")
    ]


@pytest.mark.long
@pytest.mark.parametrize("first", [True, False])
def test_log_records_follow_their_span(store, first):
    """Whether they come before it is moved, with it, or after."""
    program = Program()
    call = program.spans[1]
    record = LogRecord(
        time_unix_nano=call.start_time_unix_nano,
        event_name="gen_ai.user.message",
        trace_id=call.trace_id,
        span_id=call.span_id,
    )
    record.body.string_value = "told"
    if first:
        store.write_logs(a_log_request(record))
    store.write_any(*program.parts())
    store.write_logs(a_log_request(record))
    is_whole(store, program)
    place = (ids.trace_id_of(program.trace), program.ids["request"])
    assert store.rows("select trace_id, span_id from log_records") == [place]


def test_what_names_no_trace_stays_where_it_is(store):
    odd = a_span(name="odd", attributes={"opik.trace_id": "no uuid", "opik.span_id": ""})
    store.write_any(a_request(odd))
    assert store.rows("select trace_id from traces") == [(odd.trace_id.hex(),)]


@pytest.mark.long
def test_a_deleted_trace_takes_joined_spans_with_it(store):
    program = Program()
    store.write_any(*program.parts())
    store.deletion.traces([ids.trace_id_of(program.trace)], project=None)
    for table in ("spans", "x_joined_spans", "x_sdk_records", "traces", "span_content"):
        assert store.rows(f"select count(*) from {table}") == [(0,)], table


def test_of_two_parents_a_span_below_has_the_one_that_it_was_sent_with():
    spans = [
        SentSpan("t", "a", None, RecordPlace("one", "1", "r")),
        SentSpan("t", "b", None, RecordPlace("two", "2", "r")),
        SentSpan("t", "c", "a", None),
        SentSpan("t", "d", "b", None),
        SentSpan("t", "e", "e", None),
        SentSpan("t", "f", None, None),
    ]
    found = moves(spans, {})
    assert {key[1]: (one.trace_id, one.parent_span_id) for key, one in found.items()} == {
        "a": ("one", "r"),
        "b": ("two", "r"),
        "c": ("one", "1"),
        "d": ("two", "2"),
    }


class Hybrid:
    """Runs that an SDK sends as records and, with times that floats have rounded, by OTLP."""

    def __init__(self, apart_ns: int = 300) -> None:
        start = time.time_ns() // 1000 * 1000
        thread = {"session_id": "hybrid"}
        root, child = ids.new_uuid(), ids.new_uuid()
        shared = {"session_name": "default", "trace_id": root, "extra": {"metadata": thread}}
        times = {"start_time": iso(start), "end_time": iso(start + 9_000_000)}
        self.runs = [
            {
                "id": root,
                "name": "turn",
                "run_type": "chain",
                "inputs": {"q": "one"},
                "outputs": {"output": "two"},
                **times,
                **shared,
            },
            {
                "id": child,
                "name": "step",
                "run_type": "tool",
                "parent_run_id": root,
                "inputs": {},
                "outputs": {},
                **times,
                **shared,
            },
        ]
        told = {
            "langsmith.metadata.session_id": "hybrid",
            "langsmith.trace.session_name": "default",
            "gen_ai.prompt": '{"q": "one"}',
            "gen_ai.completion": '{"output": "two"}',
            "langsmith.span.kind": "chain",
        }
        outer = a_span(name="turn", attributes=told, start=start + apart_ns)
        step = a_span(
            name="step",
            attributes={**told, "langsmith.span.kind": "tool"},
            start=start - apart_ns,
            trace_id=outer.trace_id,
            parent_span_id=outer.span_id,
        )
        other = a_span(
            name="other", trace_id=outer.trace_id, parent_span_id=step.span_id, start=start + 5000
        )
        self.sent = [a_request(outer, step, scope="langsmith"), a_request(other, scope="http")]

    def records(self):
        body = json.dumps({"post": self.runs})
        return langsmith.of_batch(body, langsmith.Known()).records


@pytest.mark.long
@pytest.mark.parametrize("order", [*itertools.permutations(range(4))][::5])
def test_a_run_that_is_sent_in_two_ways_is_one(store, order):
    hybrid = Hybrid()
    parts = [*hybrid.records(), *hybrid.sent]
    for i in order:
        store.write_any(parts[i])
    root, child = (run["id"] for run in hybrid.runs)
    rows = store.rows(
        "select name, trace_id, span_id, parent_span_id, record_id from spans order by 1"
    )
    trace_id = ids.trace_id_of(root)
    step = ids.span_id_of(child, root)
    assert [(name, trace, parent, record) for name, trace, _, parent, record in rows] == [
        ("other", trace_id, step, None),
        ("step", trace_id, trace_id[16:], child),
        ("turn", trace_id, None, root),
    ]
    assert store.rows("select turn_count, span_count from threads") == [(1, 3)]


def test_runs_a_microsecond_apart_are_two(store):
    hybrid = Hybrid(apart_ns=1000)
    store.write_any(*hybrid.records(), *hybrid.sent)
    assert store.rows("select count(*) from spans") == [(5,)]


def test_each_record_has_one_twin(store):
    """Of two equal spans that start together, one is another run, whose record is still to come."""
    first, second = Hybrid(), Hybrid()
    spans = [ExportTraceServiceRequest.FromString(one.sent[0]) for one in (first, second)]
    turns = [request.resource_spans[0].scope_spans[0].spans[0] for request in spans]
    turns[1].start_time_unix_nano = turns[0].start_time_unix_nano
    store.write_any(*first.records()[:1], a_request(*turns, scope="langsmith"))
    assert store.rows("select count(*) from spans where record_id is null") == [(1,)]


def test_a_trace_may_last_longer_than_a_float_counts_nanoseconds(store):
    """Whose spans are half a year apart: 2**53 nanoseconds are 104 days."""
    trace = ids.new_uuid()
    times = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-07-01T00:00:00Z"}
    store.write_any(a_trace(trace, thread_id="long", input="q", **times))
    assert store.rows("select duration_ms from traces") == [(181 * 86_400_000,)]
