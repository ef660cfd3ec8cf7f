"""The query API over gRPC against callers that mean harm: huge messages, many calls, unread streams."""

import threading
import time

import grpc
import pytest

from attack.kit import ATTACKS, Budget, Outcome, attack, check, names, run
from attack.target import Addresses
from attack.tools import field, varint

SERVICE = "/otel_threads.v1.ThreadService/"
MESSAGE_BYTES = 15 << 20


def _calls(
    addresses: Addresses, budget: Budget, method: str, payload: bytes, *, clients: int = 2
) -> Outcome:
    """Call with ready bytes from so many connections until the budget is spent."""
    outcome = Outcome()
    budget.begin()

    def work(n: int) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
        with grpc.insecure_channel(addresses.grpc, options=options) as channel:
            call = channel.unary_unary(SERVICE + method)
            while budget.left():
                budget.spend(len(payload))
                try:
                    call(payload, timeout=budget.seconds() + 20)
                    outcome.answers["OK"] += 1
                except grpc.RpcError as error:
                    outcome.answers[error.code().name] += 1

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


@attack("query-grpc")
def millions_of_empty_scores(addresses: Addresses, budget: Budget) -> Outcome:
    """Two bytes a score: a message object each once it is parsed."""
    return _calls(addresses, budget, "PutScores", b"\x0a\x00" * (MESSAGE_BYTES // 2))


@attack("query-grpc")
def millions_of_empty_ids(addresses: Addresses, budget: Budget) -> Outcome:
    """Two bytes a thread id."""
    return _calls(addresses, budget, "DeleteThreads", b"\x12\x00" * (MESSAGE_BYTES // 2))


@attack("query-grpc")
def millions_of_tags(addresses: Addresses, budget: Budget) -> Outcome:
    """Tags of a character, to add and to remove."""
    tags = field(1, b"p") + field(2, b"t") + b"".join(field(n, b"x") for n in (3, 4)) * 2_000_000
    return _calls(addresses, budget, "UpdateThreadTags", tags)


@attack("query-grpc")
def a_thousand_scores_with_reasons_of_fifteen_kilobytes(
    addresses: Addresses, budget: Budget
) -> Outcome:
    """Fifteen megabytes of reasons that are too long."""
    score = field(2, b"thread") + field(5, b"n") + field(8, b"x" * 15_000)
    return _calls(addresses, budget, "PutScores", field(1, score) * 1000, clients=4)


@attack("query-grpc")
def a_comment_of_sixty_megabytes(addresses: Addresses, budget: Budget) -> Outcome:
    """As much as OTLP may send, to the query API."""
    return _calls(addresses, budget, "AddComment", field(2, b"t") + field(5, b"x" * (60 << 20)))


@attack("query-grpc")
def unknown_fields_by_the_million(addresses: Addresses, budget: Budget) -> Outcome:
    """Fields that no message has are kept by protobuf until the message goes."""
    return _calls(addresses, budget, "ListThreads", (varint(2000 << 3) + b"\x01") * 5_000_000)


@attack("query-grpc")
def groups_nested_a_million_deep(addresses: Addresses, budget: Budget) -> Outcome:
    """Start-group tags without an end."""
    return _calls(addresses, budget, "ListThreads", (varint(2000 << 3 | 3)) * 1_000_000)


@attack("query-grpc")
def lists_with_search_from_a_hundred_clients(addresses: Addresses, budget: Budget) -> Outcome:
    """Searches over everything, all at once."""
    payload = field(1, b"*") + field(5, b"zzzz")
    return _calls(addresses, budget, "ListThreads", payload, clients=100)


@attack("query-grpc")
def transcripts_of_nobody_from_a_hundred_clients(addresses: Addresses, budget: Budget) -> Outcome:
    """Ids of a megabyte that no thread has: the answer repeats them."""
    return _calls(addresses, budget, "GetThread", field(2, b"x" * 1_000_000), clients=20)


@attack("query-grpc", seconds=6)
def exports_that_nobody_reads(addresses: Addresses, budget: Budget) -> Outcome:
    """Three hundred streams of everything, of which one block is read."""
    outcome = Outcome()
    with grpc.insecure_channel(addresses.grpc) as channel:
        export = channel.unary_stream(SERVICE + "ExportThreads")
        streams = [export(field(1, b"*")) for _ in range(300)]
        for stream in streams[:5]:
            try:
                next(stream)
                outcome.answers["OK"] += 1
            except grpc.RpcError as error:
                outcome.answers[error.code().name] += 1
        while budget.left():
            time.sleep(0.05)
        for stream in streams:
            stream.cancel()
    return outcome


@attack("query-grpc", seconds=6)
def a_thousand_watching_streams(addresses: Addresses, budget: Budget) -> Outcome:
    """WatchThreads a thousand times; nobody reads."""
    outcome = Outcome()
    channels = [
        grpc.insecure_channel(addresses.grpc, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(10)
    ]
    watches = [channel.unary_stream(SERVICE + "WatchThreads") for channel in channels]
    streams = [watches[n % 10](field(1, b"*")) for n in range(1000)]
    while budget.left():
        time.sleep(0.05)
    for stream in streams:
        if not stream.is_active():
            outcome.answers[stream.code().name] += 1
        stream.cancel()
    for channel in channels:
        channel.close()
    return outcome


@pytest.mark.parametrize("name", names("query-grpc"))
def test_the_server_goes_on(target, name):
    check(run(target, ATTACKS[name]))
