"""Every limit of a gRPC port, and the channel arguments by which gRPC keeps most of them.

docs/receiving.md lists them for people; tests/attack/test_grpc.py reaches them.
"""

from dataclasses import dataclass

KIB = 1024
METADATA_BYTES_MAX = 16 * KIB  # of one call; gRPC's own hard limit
# Under way in one connection; clients wait with more. As many may be ahead of others in gRPC, a
# tenth of a second. Clients of gRPC's C core that begin with more at once have them refused.
STREAMS_MAX = 256
CALLS_MAX = 4096  # under way at a port; 3,000 exporters at once are served
# Calls of a method that have come and wait for their connection's turn; more of a connection than
# its share are cancelled.
WAITING_MAX = 4096
# Calls that gRPC has not handed over yet; it cancels more, whoever began them. Calls of others wait
# behind them, so that fewer are better; but 3,000 exporters that begin at once are to be served.
PENDING_MAX = 2048
HANDSHAKE_S = 10  # TLS, preface and settings of a new connection
MESSAGE_S = 60.0  # for a message to arrive
ANSWER_S = 60.0  # for a client to take an answer: it may keep its window closed
UNTAKEN_MAX = 1000  # answers that clients have not taken; past it the oldest calls end at once
UNTAKEN_S = 1.0  # but not earlier
IDLE_S = 300  # without a call, until a connection is closed; exporters open another by themselves
# gRPC for Go lets its clients ping every 10 s, so that must be no offence.
PING_INTERVAL_S = 10
PING_STRIKES_MAX = 2
KEEPALIVE_S = 60  # until we ask a silent client whether it is there
KEEPALIVE_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one port that an operator may choose."""

    request_bytes_max: int  # one message, also decompressed
    receiving_bytes_max: int  # of messages that are arriving, all together
    connections_max: int
    # Calls of a method that gRPC may hand over in one turn of the loop, 3 kB each.
    asked_at_once: int = 4

    @property
    def arriving_kept(self) -> int:
        """How many of the oldest unfinished messages may stay when memory is short, at least 1."""
        return max(1, self.receiving_bytes_max // self.request_bytes_max)


def channel_arguments(limits: Limits) -> list[tuple[str, int]]:
    """Return the arguments for `grpc.aio.server`.

    `maximum_concurrent_rpcs` is not among them: past it gRPC answers RESOURCE_EXHAUSTED without
    RetryInfo, for which Collectors drop their data. `calls.Calls` counts instead. Nor is
    `max_connection_age`: what it would end is bounded otherwise, and exporters keep connections.
    """
    return [
        ("grpc.so_reuseport", 0),  # a port that is taken is an error, not shared in silence
        ("grpc.max_receive_message_length", limits.request_bytes_max),
        ("grpc.max_metadata_size", METADATA_BYTES_MAX),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
        ("grpc.max_concurrent_streams", STREAMS_MAX),
        ("grpc.max_allowed_incoming_connections", limits.connections_max),
        # Its own 1,000 and 3,000 cancel calls at random, also of those who send little.
        ("grpc.server.max_pending_requests", PENDING_MAX),
        ("grpc.server.max_pending_requests_hard_limit", PENDING_MAX),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_S * 1000),
        ("grpc.max_connection_idle_ms", IDLE_S * 1000),
        # Else a fast client's windows grow to megabytes a call, before its message is asked for.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_S * 1000),
        ("grpc.http2.max_ping_strikes", PING_STRIKES_MAX),
        ("grpc.keepalive_time_ms", KEEPALIVE_S * 1000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_S * 1000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
