"""Bounds how many exports run at once: each keeps a page of threads with their turns in memory."""

import contextlib
import threading
from collections.abc import Generator, Iterator
from types import TracebackType

from otel_threads.core.errors import Overloaded

EXPORTS_MAX = 8  # at once; thirty that nobody read held 150 MB


class ExportSlots:
    """Counts exports from their beginning until they are read to the end or closed."""

    def __init__(self, exports_max: int = EXPORTS_MAX) -> None:
        """Begin with none that runs."""
        self._exports_max = exports_max
        self._lock = threading.Lock()
        self._taken = 0

    def take(self, blocks: Generator[bytes]) -> "Export":
        """Return the blocks as an export that holds a slot until it ends.

        Raises:
            Overloaded: as many exports run as the server will hold.
        """
        with self._lock:
            if self._taken >= self._exports_max:
                raise Overloaded(f"{self._exports_max} exports run at once, the most: try again")
            self._taken += 1
        return Export(blocks, self)

    def give_back(self) -> None:
        """Count one less."""
        with self._lock:
            self._taken -= 1


class Export(Iterator[bytes]):
    """The blocks of one file. Whoever stops reading before the end closes it."""

    def __init__(self, blocks: Generator[bytes], slots: ExportSlots) -> None:
        """Hold a slot that was taken."""
        self._blocks = blocks
        self._slots: ExportSlots | None = slots

    def __next__(self) -> bytes:
        """Return the next block."""
        try:
            return next(self._blocks)
        except BaseException:  # its end is one
            self.close()
            raise

    def __enter__(self) -> "Export":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the page it holds, and of its slot. Safe to call twice."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.give_back()
            with contextlib.suppress(ValueError):  # a thread works on it: it goes once that is done
                self._blocks.close()

    def __del__(self) -> None:
        """Close it where nobody has."""
        self.close()
