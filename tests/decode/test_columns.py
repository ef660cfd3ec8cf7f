"""Columns and the slow reading agree: on any request, and on mutated bytes about which are one."""

import random
from types import SimpleNamespace

import pytest
from conftest import request_files, scenarios
from decode import slow_reading
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    EntityRef,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from otel_threads.core.errors import InvalidPayload
from otel_threads.core.model import Refusal, Request, Signal
from otel_threads.decode import columns, values

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", "service.name", "x" * 300, "ä" * 200, "\x00", "a.b.c"]
)
scalars = st.one_of(
    st.builds(AnyValue),
    text.map(lambda t: AnyValue(string_value=t)),
    st.booleans().map(lambda b: AnyValue(bool_value=b)),
    st.integers(-(2**63), 2**63 - 1).map(lambda i: AnyValue(int_value=i)),
    # Which of the many not-a-numbers it was is not kept.
    (st.floats(allow_nan=False) | st.just(float("nan"))).map(lambda f: AnyValue(double_value=f)),
    st.binary(max_size=20).map(lambda b: AnyValue(bytes_value=b)),
)


def nested(inner):
    return st.one_of(
        st.lists(inner, max_size=3).map(lambda v: AnyValue(array_value=ArrayValue(values=v))),
        st.lists(st.builds(KeyValue, key=text, value=inner), max_size=3).map(
            lambda v: AnyValue(kvlist_value=KeyValueList(values=v))
        ),
    )


any_value = st.recursive(scalars, nested, max_leaves=6)
attributes = st.lists(
    st.builds(KeyValue, key=text, value=any_value) | st.builds(KeyValue, key=text), max_size=5
)
uint32 = st.integers(0, 2**32 - 1)
times = st.integers(0, 2**63 - 1) | st.integers(2**63, 2**64 - 1)
good_times = st.integers(0, 2**62)
ids16 = st.binary(min_size=16, max_size=16) | st.binary(max_size=17) | st.just(bytes(16))
ids8 = st.binary(min_size=8, max_size=8) | st.binary(max_size=9) | st.just(bytes(8))
events = st.builds(
    Span.Event,
    time_unix_nano=good_times | times,
    name=text,
    attributes=attributes,
    dropped_attributes_count=uint32,
)
links = st.builds(
    Span.Link,
    trace_id=st.binary(max_size=17),
    span_id=st.binary(max_size=9),
    trace_state=text,
    attributes=attributes,
    dropped_attributes_count=uint32,
    flags=uint32,
)
spans = st.builds(
    Span,
    trace_id=st.binary(min_size=16, max_size=16) | ids16,
    span_id=st.binary(min_size=8, max_size=8) | ids8,
    parent_span_id=st.just(b"") | ids8,
    trace_state=text,
    flags=uint32,
    name=text,
    kind=st.integers(0, 9),
    start_time_unix_nano=good_times | times,
    end_time_unix_nano=good_times | times,
    attributes=attributes,
    dropped_attributes_count=uint32,
    events=st.lists(events, max_size=3),
    dropped_events_count=uint32,
    links=st.lists(links, max_size=2),
    dropped_links_count=uint32,
    status=st.none() | st.builds(Status, message=text, code=st.integers(0, 4)),
)
scopes = st.builds(
    ScopeSpans,
    scope=st.none()
    | st.builds(
        InstrumentationScope,
        name=text,
        version=text,
        attributes=attributes,
        dropped_attributes_count=uint32,
    ),
    spans=st.lists(spans, max_size=3),
    schema_url=text,
)
resources = st.builds(
    ResourceSpans,
    resource=st.none()
    | st.builds(
        Resource,
        attributes=attributes,
        dropped_attributes_count=uint32,
        entity_refs=st.lists(
            st.builds(EntityRef, type=text, id_keys=st.lists(text, max_size=2)), max_size=2
        ),
    ),
    scope_spans=st.lists(scopes, max_size=2),
    schema_url=text,
)
requests = st.builds(ExportTraceServiceRequest, resource_spans=st.lists(resources, max_size=2))


def decoded(*payloads: bytes) -> columns.Decoded:
    batch = [Request(signal=Signal.TRACES, payload=p, received_unix_nano=1) for p in payloads]
    return columns.decode(batch, default_project="default")


def check_same(payloads: list[bytes]) -> None:
    fast = decoded(*payloads)
    slow = [slow_reading.tables(payload) for payload in payloads]

    assert [sum(refused.values()) for refused in fast.refused] == [count for _, count in slow]
    for name, table in fast.tables.items():
        want = [row for tables, _ in slow for row in tables[name]]
        got = [slow_reading.readable(name, row) for row in table.to_pylist()]
        order = repr if name == "x_content_chunks" else (lambda row: 0)
        assert sorted(got, key=order) == sorted(want, key=order)


@pytest.mark.long
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(requests, min_size=1, max_size=3))
def test_any_request_gives_the_rows_of_the_slow_reading(batch):
    check_same([request.SerializeToString() for request in batch])


@pytest.mark.long
def test_the_recordings_give_the_rows_of_the_slow_reading():
    for folder in scenarios():
        check_same(
            [
                f.read_bytes()
                for f in request_files(folder)
                if f.name.endswith(".pb") and ".logs." not in f.name
            ]
            or [b""]
        )


def accepts(payload: bytes) -> tuple[bool, bool]:
    """Return whether OTLP's classes and whether ours take a request whole."""
    try:
        slow_reading.tables(payload)
        slow = True
    except DecodeError:
        slow = False
    try:
        columns.check(payload)
        reasons = [r for some in decoded(payload).reasons for r in some]
        fast = not any("malformed" in reason for reason in reasons)
    except InvalidPayload:
        fast = False
    return slow, fast


def mutated(dice: random.Random, payload: bytes) -> bytes:
    data = bytearray(payload)
    for _ in range(dice.choice((1, 1, 2, 5))):
        at, what = dice.randrange(len(data)), dice.random()
        if what < 0.6:
            data[at] = dice.randrange(256)
        elif what < 0.8:
            del data[at : at + dice.randrange(1, 5)]
        else:
            data[at:at] = dice.randbytes(dice.randrange(1, 4))
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.slow
def test_mutated_bytes_are_taken_by_both_readings_or_by_neither():
    """Unless nothing readable is left: then a span without the malformed part would be kept too."""
    dice = random.Random(20261122)
    base = [
        file.read_bytes()
        for folder in scenarios()
        for file in request_files(folder)
        if file.name.endswith(".pb") and ".logs." not in file.name and file.stat().st_size < 6000
    ]
    # Nothing is kept of entity references, so that nothing is lost where one is malformed.
    base = [payload for payload in base if b"opentelemetry.io/schemas" not in payload]
    differing = []
    for _ in range(4000):
        payload = mutated(dice, dice.choice(base))
        slow, fast = accepts(payload)
        # A malformed value in a resource without spans spoils nothing that we would keep.
        if slow != fast and not (fast and not decoded(payload).tables["spans"].num_rows):
            differing.append(payload)
    assert not differing


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(any_value)
def test_a_value_comes_back_with_its_type(value):
    text, letter = values.encode(value)
    back = values.decode(text, letter)
    assert back.SerializeToString(deterministic=True) == value.SerializeToString(deterministic=True)


@pytest.mark.long
def test_one_huge_resource_over_many_spans_is_refused_not_expanded():
    """Stored beside each span, a 1 MiB resource over 100 spans would be 100 MiB."""
    from builders import a_request, a_span

    payload = a_request(
        *(a_span() for _ in range(100)), resource={f"k{i}": "x" * 2**14 for i in range(64)}
    )
    found = decoded(payload, a_request(a_span()))
    assert found.refused == [{Refusal.SIZE: 100}, {}]
    assert found.accepted == [0, 1]
    assert "over 100 spans, 67108864 bytes allowed" in found.reasons[0][0]


def test_rows_keep_nothing_else_of_their_request(monkeypatch):
    """They wait for a commit: messages twice, or a view of the whole request, cost megabytes."""
    from builders import a_request, a_span

    link = Span.Link(trace_id=bytes(range(16)), span_id=bytes(range(8)), trace_state="a=b")
    event = Span.Event(name="happened")
    span = a_span(attributes={"short": "text", "count": 1, "message": "m" * 10_000})
    span.links.append(link)
    span.events.append(event)
    span.status.message = "bad"
    seen = []

    def read(payloads):
        seen.append(reader.list_to_record_batch(payloads))
        return seen[0]

    reader = columns._handler
    monkeypatch.setattr(columns, "_handler", SimpleNamespace(list_to_record_batch=read))
    tables = decoded(a_request(*[span] * 50)).tables
    of_request = [
        range(buffer.address, buffer.address + buffer.size)
        for column in seen[0].columns
        for buffer in column.buffers()
        if buffer
    ]
    kept = [
        (name, column, buffer)
        for name, table in tables.items()
        for column in table.column_names
        for chunk in table.column(column).chunks
        for buffer in chunk.buffers()
        if buffer and buffer.size
    ]
    views = [
        (name, column)
        for name, column, buffer in kept
        if any(buffer.address in place for place in of_request)
    ]
    assert not views
    assert all(table.num_rows == 50 for table in tables.values())
    assert sum(buffer.size for *_, buffer in kept) < 1.5 * 50 * 10_000
