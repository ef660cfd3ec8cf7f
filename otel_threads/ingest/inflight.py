"""The bytes in flight: what was received and is not answered, and what it takes decoded."""

import threading

from otel_threads.core.errors import Overloaded, StoreClosed


class InflightBytes:
    """Counts bytes against one bound. Safe to call from any thread.

    Payloads are refused past the bound, because their senders can wait. Decoding waits for room,
    because its payload is here already: what it waits for is being written.
    """

    def __init__(self, bytes_max: int) -> None:
        """Begin with none."""
        self._bytes_max = bytes_max
        self._payload_bytes = 0
        self._decoded_bytes = 0
        self._closed = False
        self._changed = threading.Condition()  # guards the three above

    @property
    def payload_bytes(self) -> int:
        """Bytes of requests that are arriving or not answered."""
        return self._payload_bytes

    @property
    def total_bytes(self) -> int:
        """The same and the estimate of what is being decoded and written."""
        return self._payload_bytes + self._decoded_bytes

    def reserve(self, size_bytes: int, *, held_bytes: int = 0) -> None:
        """See `ports.Intake`."""
        with self._changed:
            if self._closed:
                raise StoreClosed("the server is stopping")
            taken_bytes = self._payload_bytes + self._decoded_bytes
            if taken_bytes > held_bytes and taken_bytes + size_bytes > self._bytes_max:
                raise Overloaded(
                    f"{taken_bytes} bytes are in flight, {self._bytes_max} allowed "
                    "(inflight_bytes_max)"
                )
            self._payload_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """See `ports.Intake`."""
        with self._changed:
            self._payload_bytes -= size_bytes

    def begin_decoding(self, decoded_bytes: int) -> None:
        """Wait until what is being decoded and written leaves room, then count these bytes too.

        Whatever comes alone is let in, else a request above the bound never could be decoded.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    not self._decoded_bytes
                    or self._decoded_bytes + decoded_bytes <= self._bytes_max
                )
            )
            self._decoded_bytes += decoded_bytes

    def end_decoding(self, decoded_bytes: int) -> None:
        """Count these bytes as written, or as refused."""
        with self._changed:
            self._decoded_bytes -= decoded_bytes
            self._changed.notify_all()

    def close(self) -> None:
        """Refuse what is not here yet."""
        with self._changed:
            self._closed = True
