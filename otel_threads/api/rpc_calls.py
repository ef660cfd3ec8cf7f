"""What a call over gRPC is: a service's method, how its arguments are read, what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from otel_threads.api.rpc_requests import Arguments

ServiceMethod = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that answers with one message. Who may write may read; `writes` needs the former."""

    answer: type[Message]
    ask: ServiceMethod
    arguments: Arguments
    writes: bool


Calls = Mapping[str, Call]


def reads(answer: type[Message], ask: ServiceMethod, arguments: Arguments) -> Call:
    """Return a call that changes nothing."""
    return Call(answer, ask, arguments, writes=False)


def writes(answer: type[Message], ask: ServiceMethod, arguments: Arguments) -> Call:
    """Return a call that changes something."""
    return Call(answer, ask, arguments, writes=True)
