"""What a request holds is counted before it is decoded: as protobuf would find it, whatever its form."""

import dataclasses
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from otel_threads.core.errors import InvalidPayload, TooLarge
from otel_threads.core.model import Signal
from otel_threads.decode import counts
from otel_threads.decode.counts import RequestCounts, RequestLimits

LIMITS = RequestLimits(
    spans_max=100_000, events_max=200_000, links_max=100_000, values_max=1_000_000
)
NAMES = ("resources", "scopes", "spans", "events", "links", "values")

plain_values = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=st.text(max_size=40)),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, bytes_value=st.binary(max_size=40)),
)
any_values = st.recursive(
    plain_values,
    lambda inner: st.one_of(
        st.builds(
            lambda items: AnyValue(array_value=ArrayValue(values=items)),
            st.lists(inner, max_size=4),
        ),
        st.builds(
            lambda items: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key="k", value=item) for item in items])
            ),
            st.lists(inner, max_size=4),
        ),
    ),
    max_leaves=8,
)
attributes = st.lists(
    st.builds(KeyValue, key=st.text(max_size=8), value=any_values) | st.builds(KeyValue), max_size=4
)


@st.composite
def trace_requests(draw):
    request = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(0, 3))):
        resource_spans = request.resource_spans.add(schema_url=draw(st.text(max_size=9)))
        resource_spans.resource.attributes.extend(draw(attributes))
        for _ in range(draw(st.integers(0, 2))):
            resource_spans.resource.entity_refs.add(type="host")
        for _ in range(draw(st.integers(0, 3))):
            scope_spans = resource_spans.scope_spans.add()
            scope_spans.scope.attributes.extend(draw(attributes))
            for _ in range(draw(st.integers(0, 3))):
                span = scope_spans.spans.add(name=draw(st.text(max_size=40)))
                span.attributes.extend(draw(attributes))
                for _ in range(draw(st.integers(0, 2))):
                    span.events.add(name="e").attributes.extend(draw(attributes))
                for _ in range(draw(st.integers(0, 2))):
                    span.links.add(trace_id=bytes(16)).attributes.extend(draw(attributes))
    return request


@st.composite
def log_requests(draw):
    request = ExportLogsServiceRequest()
    for _ in range(draw(st.integers(0, 3))):
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.extend(draw(attributes))
        for _ in range(draw(st.integers(0, 3))):
            scope_logs = resource_logs.scope_logs.add()
            scope_logs.scope.attributes.extend(draw(attributes))
            for _ in range(draw(st.integers(0, 3))):
                record = scope_logs.log_records.add(body=draw(any_values))
                record.attributes.extend(draw(attributes))
    return request


def values_in(value: AnyValue) -> int:
    if value.WhichOneof("value") == "array_value":
        return sum(1 + values_in(item) for item in value.array_value.values)
    if value.WhichOneof("value") == "kvlist_value":
        return values_of(value.kvlist_value.values)
    return 0


def values_of(pairs) -> int:
    return sum(1 + values_in(pair.value) for pair in pairs)


def true_counts(request) -> dict[str, int]:
    """Count what protobuf parsed."""
    found = dict.fromkeys(NAMES, 0)
    is_trace = isinstance(request, ExportTraceServiceRequest)
    for owner in request.resource_spans if is_trace else request.resource_logs:
        found["resources"] += 1
        found["values"] += values_of(owner.resource.attributes) + len(owner.resource.entity_refs)
        for group in owner.scope_spans if is_trace else owner.scope_logs:
            found["scopes"] += 1
            found["values"] += values_of(group.scope.attributes)
            for item in group.spans if is_trace else group.log_records:
                found["spans"] += 1
                found["values"] += values_of(item.attributes)
                for name in ("events", "links") if is_trace else ():
                    found[name] += len(getattr(item, name))
                    found["values"] += sum(values_of(one.attributes) for one in getattr(item, name))
                if not is_trace:
                    found["values"] += values_in(item.body)
    return found


def count(request, limits: RequestLimits = LIMITS) -> RequestCounts:
    signal = Signal.TRACES if isinstance(request, ExportTraceServiceRequest) else Signal.LOGS
    return counts.count(signal, [request.SerializeToString()], limits)


@pytest.fixture(params=["whole", "fragments"])
def form(request, monkeypatch):
    """Requests are read at once, or walked as those are that are a hundred thousand times as large."""
    if request.param == "fragments":
        monkeypatch.setattr(counts, "WHOLE_BYTES_MAX", 0)
        monkeypatch.setattr(counts, "FRAGMENT_BYTES_MAX", 20)


SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.long
@SETTINGS
@given(request=st.one_of(trace_requests(), log_requests()))
def test_the_counts_are_those_of_the_parsed_message(form, request):
    found = dataclasses.asdict(count(request))
    assert found.pop("payload_bytes") == request.ByteSize()
    assert found == true_counts(request)


@pytest.mark.long
@SETTINGS
@given(request=st.one_of(trace_requests(), log_requests()))
def test_what_is_at_a_bound_passes_and_what_is_one_over_does_not(form, request):
    found = true_counts(request)
    most = {
        "spans_max": max(found["spans"], found["scopes"], found["resources"]),
        "events_max": found["events"],
        "links_max": found["links"],
        "values_max": found["values"],
    }
    count(request, RequestLimits(**most))
    for name, number in most.items():
        if number:
            with pytest.raises(TooLarge, match=f"{number - 1} allowed"):
                count(request, RequestLimits(**most | {name: number - 1}))


def field(number: int, content: bytes) -> bytes:
    length = bytearray()
    rest = len(content)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content


def a_span_of(content: bytes) -> bytes:
    return field(1, field(2, field(2, content)))


def read(payload: bytes, signal: Signal = Signal.TRACES) -> RequestCounts:
    return counts.count(signal, [payload], LIMITS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("resources", b"\x0a\x00" * 2_000_000),
        ("scopes", field(1, b"\x12\x00" * 2_000_000)),
        ("spans or log records", field(1, field(2, b"\x12\x00" * 2_000_000))),
        ("events", a_span_of(b"\x5a\x00" * 2_000_000)),
        ("links", a_span_of(b"\x6a\x00" * 4_000_000)),
        ("attributes and nested values", a_span_of(b"\x4a\x00" * 4_000_000)),
        (
            "attributes and nested values",
            a_span_of(field(9, field(2, field(5, b"\x0a\x00" * 8_000_000)))),
        ),
        ("attributes and nested values", field(1, field(1, b"\x1a\x00" * 4_000_000))),
        ("fields", a_span_of(b"\x78\x00" * 8_000_000)),
        ("fields", a_span_of(b"\xa3\x06\xa4\x06" * 4_000_000)),
    ],
)
def test_millions_of_empty_items_are_refused_by_name(name, payload):
    with pytest.raises(TooLarge, match=rf"{name}, .*_per_request_max\): send smaller batches"):
        read(payload)


def test_log_records_are_bounded_as_spans():
    with pytest.raises(TooLarge, match="spans or log records, 100000 allowed"):
        read(field(1, field(2, b"\x12\x00" * 2_000_000)), Signal.LOGS)


def test_what_protobuf_would_merge_counts_each_time(form):
    """The last of several values wins in Arrow, but protobuf puts arrays together."""
    array = field(5, b"\x0a\x00" * 3)
    assert read(a_span_of(field(9, field(2, array * 4)))).values == 1 + 12
    assert read(a_span_of(field(9, field(2, array) * 4))).values == 1 + 12
    merged = field(1, field(2, field(2, field(5, array) * 5)))  # five bodies of one log record
    assert read(merged, Signal.LOGS).values == 15


def test_a_malformed_nested_value_counts_as_much_as_it_might_hold(form):
    bad = b"\x0a\x00" * 5 + b"\x0a"
    good = field(9, field(2, field(5, b"\x0a\x00")))
    found = read(a_span_of(good + field(9, field(2, field(5, bad))) + good))
    assert found.values >= 3 + 2 + 5


def test_nesting_is_counted_as_deep_as_protobuf_reads_it(form):
    value = b""
    for _ in range(counts.NESTING_MAX + 20):
        value = field(5, field(1, value))
    assert read(a_span_of(field(9, field(2, value)))).values == 1 + counts.NESTING_MAX


@pytest.mark.parametrize(
    "payload",
    [
        field(1, b"")[:-1],
        b"\x0a\x05\x12\x00",
        a_span_of(b"\x00\x01"),
        a_span_of(b"\x0e"),
        a_span_of(b"\xa4\x06"),
        a_span_of(b"\xa3\x06"),
        a_span_of(b"\x30" + b"\xff" * 11),
        a_span_of(b"\x30\xff"),
    ],
    ids=lambda payload: payload.hex(),
)
def test_what_is_not_protobuf_is_refused(form, payload):
    with pytest.raises(InvalidPayload, match="not an Export"):
        read(payload)


def test_large_texts_beside_short_ones_are_walked_past():
    big = field(9, field(1, b"k") + field(2, field(1, b"x" * 3_000_000)))
    small = field(9, field(2, b"\x18\x01"))
    found = read(field(1, field(2, b"".join(field(2, small + big + small) for _ in range(3)))))
    assert (found.spans, found.values) == (3, 9)


def test_more_of_everything_takes_more_memory():
    some = [dataclasses.replace(RequestCounts(), **{name: 1000}) for name in NAMES]
    estimates = [RequestCounts().decoded_bytes, *(one.decoded_bytes for one in some)]
    assert all(later > estimates[0] for _, later in pairwise(estimates))
    assert sum(some, RequestCounts()).items == 6000


def test_requests_are_counted_together(form):
    one = field(1, field(2, field(2, b"") + field(2, b"")))
    found = counts.count(Signal.TRACES, [one, b"", one * 3], LIMITS)
    assert (found.spans, found.resources, found.payload_bytes) == (8, 4, 4 * len(one))
    with pytest.raises(TooLarge):
        counts.count(Signal.TRACES, [one] * 3, dataclasses.replace(LIMITS, spans_max=5))
