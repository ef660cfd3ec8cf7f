"""A failure as gRPC tells it: a code, a text, and details as google.rpc.Status."""

from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

DETAILS = "grpc-status-details-bin"
Context = Any  # grpc.aio.ServicerContext, which has no types


async def refuse(
    context: Context,
    code: grpc.StatusCode,
    text: str,
    *,
    retry_after_s: float | None = None,
    details: tuple[Message, ...] = (),
) -> None:
    """End a call with a code; with RetryInfo where sending again helps. Never returns.

    Raises:
        grpc.aio.AbortError: always; it must reach gRPC's server.
    """
    status = rpc_status(code, text, retry_after_s=retry_after_s, details=details)
    await context.abort(code, text, ((DETAILS, status.SerializeToString()),))


def rpc_status(
    code: grpc.StatusCode,
    text: str,
    *,
    retry_after_s: float | None = None,
    details: tuple[Message, ...] = (),
) -> Status:
    """Return google.rpc.Status with its details, and RetryInfo if there is a time to wait."""
    status = Status(code=code.value[0], message=text)
    for detail in details:
        _add(status, detail)
    if retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(retry_after_s * 1000))
        _add(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def _add(status: Status, detail: Message) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
