"""A refusal of the OTLP/HTTP port before its application, as OTLP has errors.

Source: OTLP specification, Failures: a `google.rpc.Status` in the encoding of the request.
"""

from google.rpc.code_pb2 import PERMISSION_DENIED
from google.rpc.status_pb2 import Status
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp

from otel_threads.receive import status
from otel_threads.receive.otlp_http import JSON, PROTOBUF


def refusal(code: int, detail: str, headers: Headers) -> ASGIApp:
    """Return a response with an HTTP status, which no sender repeats."""
    message = Status(code=PERMISSION_DENIED, message=detail)
    if headers.get("content-type", "").startswith(PROTOBUF):
        return Response(message.SerializeToString(), code, media_type=PROTOBUF)
    return Response(status.as_json(message), code, media_type=JSON)
