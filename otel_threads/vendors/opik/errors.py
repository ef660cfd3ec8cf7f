"""Errors in Opik's two shapes: one with a code and a message, one with a list of what is wrong."""

from starlette.responses import Response

from otel_threads.vendors.call import Answered, json_response

LISTED = (409, 422)


def refusal(status: int, text: str) -> Response:
    """Return an error in the shape that Opik has for its status."""
    if status in LISTED:
        return listed(status, [text])
    response = json_response({"code": status, "message": text}, status)
    if status == 429:
        response.headers["RateLimit-Reset"] = "1"
    return response


def listed(status: int, texts: list[str]) -> Response:
    """Return an error with a list of what is wrong."""
    return json_response({"errors": texts}, status)


def not_found(what: str, record_id: str) -> Answered:
    """Return what a handler raises for an id that is not here."""
    return Answered(listed(404, [f"Not found {what} with id '{record_id}'"]))


def unprocessable(text: str) -> Answered:
    """Return what a handler raises for a request that is well formed and cannot be taken."""
    return Answered(listed(422, [text]))
