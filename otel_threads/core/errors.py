"""Everything this package raises on purpose.

    OtelThreadsError
    ├── InvalidPayload      the sender's data is wrong; the same bytes will never be right
    │   └── TooLarge        it is larger than a limit allows
    ├── InvalidQuery        the reader's question is wrong; the message says where
    │   └── InvalidFilter   its filter is; `position` is the character, from 0
    ├── Conflict            what is asked would break a limit of what is kept
    ├── NotAllowed          the caller's token does not allow it
    ├── NotFound            the named thread or trace is not here
    ├── NotConfigured       it needs a setting that is not there
    ├── QueryTimeout        the question took longer than a reader may
    ├── DatabaseRefused     the file cannot be opened; the message says what to do
    │   └── DatabaseInUse   another process has it open; `pid` is which
    └── Unavailable         nothing is wrong with the request: send it again
        ├── Overloaded      as many bytes are in flight as the server will hold
        ├── StoreFailed     the database did not take it (a full disk, say)
        │   └── FileLost    its file was deleted, moved, replaced or overwritten
        └── StoreClosed     the server is stopping

An error knows whether sending again can help, and nothing about HTTP or gRPC:
receive/status.py and api/ each turn it into their own protocol's answer.
"""


class OtelThreadsError(Exception):
    """Base of all of them, so that a caller can catch ours and only ours.

    `hint` ends the text with names that are stored, of other projects, too; `without_hint` is what
    an agent is told, which might obey a name.
    """

    def __init__(self, text: str = "", *, hint: str = "") -> None:
        super().__init__(text + hint)
        self.without_hint = text


class InvalidPayload(OtelThreadsError):
    """The sender's data is wrong and will stay so."""


class TooLarge(InvalidPayload):
    """The sender's data is larger than a limit allows."""


class InvalidQuery(OtelThreadsError):
    """The reader's question cannot be answered as it stands."""


class InvalidFilter(InvalidQuery):
    """A filter cannot be understood; `position` is the character where, from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"filter, at position {position}: {reason}")
        self.position = position


class Conflict(OtelThreadsError):
    """What is asked would break a limit of what is kept; nothing was changed."""


class NotAllowed(OtelThreadsError):
    """The caller's token is missing, or does not allow this."""


class NotFound(OtelThreadsError):
    """What was asked for by its id is not here."""


class NotConfigured(OtelThreadsError):
    """What is asked for needs a setting that is not there; the message names it."""


class QueryTimeout(OtelThreadsError):
    """The question was stopped at the reader's time limit."""


class DatabaseRefused(OtelThreadsError):
    """The database file cannot be used; the message says what to do about it."""


class DatabaseInUse(DatabaseRefused):
    """Another process has the database open; `pid` is its number."""

    def __init__(self, message: str, pid: int) -> None:
        super().__init__(message)
        self.pid = pid


class Unavailable(OtelThreadsError):
    """The same request may succeed later."""

    retry_after_s = 5.0


class Overloaded(Unavailable):
    """As many bytes are in flight as the server will hold."""

    retry_after_s = 1.0


class StoreFailed(Unavailable):
    """The database did not take the data; nothing of it was stored."""


class FileLost(StoreFailed):
    """The database's file is not where it was: what is committed would be lost."""


class StoreClosed(Unavailable):
    """The server is stopping."""


def describe(error: BaseException) -> str:
    """Return kind and place of an error for a log, without its text: that may hold a prompt."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
