"""What one HTTP connection, and all of a port, may use. The settings are in config.py."""

from dataclasses import dataclass
from enum import StrEnum

# Exporters send about ten headers and browsers twenty; 64 KiB of the shortest would be 16,000.
HEADERS_MAX = 128
# Connections past `http_connections_max` that may still ask for health, and for nothing else.
PROBE_CONNECTIONS_MAX = 32
# When a port is full, who has kept it waiting for this long goes first. Less would hit a sender
# whose bytes are in the kernel already.
EVICT_AFTER_S = 0.5
# A response is written in steps of this size, each when the one before has left the process. More
# would pile up unread; less costs calls.
WRITE_BYTES = 64 * 1024
# Bodies of responses that peers have not taken yet, of a port. Past it the slowest reader goes.
UNSENT_BYTES_MAX = 64 * 1024 * 1024
# How long bytes of a refused request are read and dropped: closed at once, the peer's kernel would
# throw the response away. Source: RFC 9112, section 9.6.
LINGER_S = 2.0
# How long the rest of a body is read and dropped after its response was sent early.
DRAIN_S = 10.0
LINGER_BYTES_MAX = 4 * 1024 * 1024
# A body in chunks is parsed in steps of this size: one holds at most 700 chunks of one byte.
CHUNKED_STEP_BYTES = 4 * 1024
# Chunk sizes, extensions and trailers beyond as many bytes as the body has.
CHUNK_OVERHEAD_BYTES_MAX = 16 * 1024
# Steps and chunks of one connection in one turn of the loop, which are 1 to 3 ms.
EVENTS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """The limits of one port that an operator may set; docs/configuration.md describes each."""

    connections_max: int
    idle_timeout_s: float
    header_bytes_max: int
    header_timeout_s: float
    body_timeout_s: float
    write_timeout_s: float


class Reason(StrEnum):
    """Why a connection or a request was refused: the label `reason` of `otel_threads_refused`."""

    CONNECTIONS = "connections"
    DESCRIPTORS = "descriptors"
    IDLE = "idle"
    HEADER_BYTES = "header_bytes"
    HEADERS = "headers"
    HEADER_TIMEOUT = "header_timeout"
    HANDSHAKE = "handshake"
    BODY_TIMEOUT = "body_timeout"
    CHUNK_OVERHEAD = "chunk_overhead"
    MALFORMED = "malformed"
    WRITE_TIMEOUT = "write_timeout"
    UNSENT_BYTES = "unsent_bytes"
    HOST = "host"
    ORIGIN = "origin"
