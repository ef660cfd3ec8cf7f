"""What SDKs' doors ask of records: whether they are here, and whether all of them are shown."""

from collections.abc import Callable, Collection, Sequence

from otel_threads.core.record import Record
from otel_threads.store.records.record_reader import RecordReader

FRESH_S = 2.0  # an SDK that reads what it has just written waits so long for it to be derived


class RecordService:
    """Answers for one database."""

    def __init__(self, reader: RecordReader, *, derived_within: Callable[[float], bool]) -> None:
        """`derived_within` waits so many seconds until all that was committed is derived."""
        self._reader = reader
        self._derived_within = derived_within

    def is_created(self, record: Record) -> bool:
        """Return whether a record that puts the same item is stored, and not deleted since."""
        return bool(self._reader.ids([record], puts_only=True))

    def known(self, records: Sequence[Record]) -> Collection[str]:
        """Return those of the records' ids of which anything is stored."""
        return self._reader.ids(records, puts_only=False)

    def catch_up(self, timeout_s: float = FRESH_S) -> bool:
        """Return once all that was acknowledged is in what services read, or the time is over.

        True where it is.
        """
        return self._derived_within(timeout_s)
