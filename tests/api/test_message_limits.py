"""Messages of the query API over gRPC: what is bounded before protobuf builds objects."""

import asyncio
import threading

import grpc
import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from otel_threads.api import rpc
from otel_threads.api.message_limits import (
    FIELDS_MAX,
    MESSAGE_BYTES_MAX,
    MORE_FIELDS_MAX,
    Sent,
    has_more_fields,
)
from otel_threads.core.errors import InvalidQuery
from otel_threads.v1 import evaluations_pb2
from otel_threads.v1 import threads_pb2 as pb
from otel_threads.v1 import threads_pb2_grpc as stubs

_texts = st.lists(st.text(max_size=200), max_size=8)


@given(_texts, _texts, st.text(max_size=300))
def test_the_scan_counts_the_fields_of_a_message(threads, tags, project):
    message = pb.TagChange(project=project, thread_ids=threads, add=tags)
    count = 1 + len(threads) + len(tags)

    assert not _has_more(message, count)
    assert _has_more(message, count - 1) == (2 * (count - 1) < message.ByteSize())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(payload):
    sent = Sent(payload, pb.NewScores.DESCRIPTOR, pb.NewScores.FromString)
    try:
        found = sent.read()
    except InvalidQuery:
        return

    assert isinstance(found, pb.NewScores)


def test_numbers_and_fixed_fields_are_skipped():
    score = pb.NewScore(name="n", value=1.5)
    page = pb.ListThreadsRequest(limit=1 << 40, with_total=True)

    assert not _has_more(score, 2)
    assert not _has_more(page, 2)


def test_a_cut_varint_ends_the_scan():
    kind = pb.NewScores.DESCRIPTOR
    assert not has_more_fields(b"\x80" * 30, kind, 5)
    assert not has_more_fields(b"\x0a\xff", kind, 5)


def test_fields_inside_of_messages_count():
    """A list of nothings in the metadata of one run: two bytes each."""
    nothings = struct_pb2.ListValue(values=[struct_pb2.Value()] * 1000)
    run = evaluations_pb2.NewEvaluation(name="r", metadata={"a": 1})
    run.metadata.fields["list"].list_value.CopyFrom(nothings)

    # name, metadata; two entries of key and value; a number, a list
    assert not _has_more(run, 1000 + 2 + 6 + 2)
    assert _has_more(run, 1000 + 2 + 6 + 1)


def _has_more(message, fields_max: int) -> bool:
    return has_more_fields(message.SerializeToString(), message.DESCRIPTOR, fields_max)


@pytest.mark.parametrize(
    ("method", "payload", "told"),
    [
        ("PutScores", b"\x0a\x00" * (FIELDS_MAX + 1), f"more than {FIELDS_MAX} fields"),
        ("DeleteThreads", b"\x12\x00" * (FIELDS_MAX + 1), f"more than {FIELDS_MAX} fields"),
        ("ListThreads", b"\xa3\x7d" * 10, f"more than {FIELDS_MAX} fields"),
        (
            "CreateDataset",
            b"\x12\x00" * (MORE_FIELDS_MAX["CreateDataset"] + 1),
            f"more than {MORE_FIELDS_MAX['CreateDataset']} fields",
        ),
        ("GetThread", b"\x0a", "no protobuf"),
    ],
)
def test_the_server_refuses_what_costs_more_than_its_bytes(server, method, payload, told):
    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        call = channel.unary_unary(f"/otel_threads.v1.ThreadService/{method}")
        with pytest.raises(grpc.RpcError) as refused:
            call(payload, timeout=60)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert told in refused.value.details()


def test_a_message_that_is_too_long_is_refused_by_grpc_itself(server):
    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        call = channel.unary_unary("/otel_threads.v1.ThreadService/AddComment")
        with pytest.raises(grpc.RpcError) as refused:
            call(b" " * (MESSAGE_BYTES_MAX + 1), timeout=60)

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(MESSAGE_BYTES_MAX) in refused.value.details()


@pytest.mark.parametrize("method", ["ExportThreads", "WatchThreads"])
def test_streams_refuse_likewise(server, method):
    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        call = channel.unary_stream(f"/otel_threads.v1.ThreadService/{method}")
        with pytest.raises(grpc.RpcError) as refused:
            next(call(b"\x0a\x00" * (FIELDS_MAX + 1), timeout=60))

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_what_is_right_is_answered(server):
    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        service = stubs.ThreadServiceStub(channel)
        scores = [pb.NewScore(thread_id=f"t{n}", name="n", value=1) for n in range(1000)]

        assert service.PutScores(pb.NewScores(scores=scores), timeout=60).written == 1000
        assert service.ListThreads(pb.ListThreadsRequest(), timeout=60).items is not None
        with pytest.raises(grpc.RpcError) as missing:
            service.DeleteComment(pb.CommentRequest(id="x"), timeout=60)
        assert missing.value.code() is grpc.StatusCode.NOT_FOUND


class _Waits:
    """A call that waits for its answer without end."""

    def time_remaining(self) -> float | None:
        return None


def test_queries_that_take_long_leave_the_threads_of_the_receivers_alone():
    async def ask() -> str:
        done = threading.Event()
        stuck = [
            asyncio.ensure_future(rpc._in_thread(_Waits(), done.wait))
            for _ in range(rpc.QUERIES_AT_ONCE_MAX + 50)
        ]
        try:
            return await asyncio.wait_for(asyncio.to_thread(lambda: "decompressed"), 30)
        finally:
            done.set()
            await asyncio.gather(*stuck)

    assert asyncio.run(ask()) == "decompressed"
