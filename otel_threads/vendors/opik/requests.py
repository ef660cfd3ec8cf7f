"""What Opik's calls share: bodies, numbers, times and pages of requests, lines of streams."""

import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from otel_threads.core.errors import InvalidQuery
from otel_threads.derive.thread_id import as_kept
from otel_threads.vendors.call import Call
from otel_threads.vendors.opik import errors
from otel_threads.vendors.opik.record_fields import Body, Given

IDS_MAX = 1000  # of one call
STREAM_LIMIT, STREAM_LIMIT_MAX = 500, 2000
PAGE_SIZE_MAX = 10_000  # Opik names none; a page is held in memory
OFFSET_MAX = 1 << 40


def body_of(call: Call) -> Body:
    """Return the JSON object of a request's body; an empty body is an empty object.

    Raises:
        InvalidPayload: it is no JSON. InvalidQuery: it is JSON of another kind.
    """
    found = call.json()
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidQuery("the body is no JSON object")
    return found


def text_of(body: Given, name: str) -> str | None:
    """Return a text of a body, None where it is left out, null or empty.

    Raises:
        Answered: it is no text.
    """
    found = body.get(name)
    if found is None or found == "":
        return None
    if not isinstance(found, str):
        raise errors.unprocessable(f"{name} must be a text")
    return found


def needed(body: Given, name: str) -> str:
    """Return a text of a body that must be there and not blank.

    Raises:
        Answered: it is not.
    """
    found = text_of(body, name)
    if found is None or not found.strip():
        raise errors.unprocessable(f"{name} must not be blank")
    return found


def ids_of(body: Given, name: str = "ids") -> list[str]:
    """Return the ids of a body: 1 to 1000.

    Raises:
        Answered: there are none, or more, or one is no text or blank.
    """
    found = body.get(name)
    if not isinstance(found, list) or not 1 <= len(found) <= IDS_MAX:
        raise errors.unprocessable(f"{name} size must be between 1 and {IDS_MAX}")
    if not all(isinstance(one, str) and one.strip() for one in found):
        raise errors.unprocessable(f"{name} must not be blank")
    return found


def thread_id(body: Given) -> str:
    """Return the conversation's id of a body, as it is kept.

    Raises:
        Answered: there is none.
    """
    return as_kept(needed(body, "thread_id"))


def thread_ids(body: Given) -> list[str]:
    """Return the conversations' ids of a body, as they are kept: raises as `ids_of`."""
    return [as_kept(one) for one in ids_of(body, "thread_ids")]


def items_of(body: Given, name: str) -> list[Body]:
    """Return the objects of a body's list: 1 to 1000.

    Raises:
        Answered: there are none, or more, or one is no object.
    """
    found = body.get(name)
    if not isinstance(found, list) or not 1 <= len(found) <= IDS_MAX:
        raise errors.unprocessable(f"{name} size must be between 1 and {IDS_MAX}")
    if not all(isinstance(one, dict) for one in found):
        raise errors.unprocessable(f"{name} must be objects")
    return found


def object_of(body: Given, name: str, path: str) -> Body:
    """Return an object of a body, an empty one where it is left out or null.

    Raises:
        Answered: it is no object; the message has its path.
    """
    found = body.get(name)
    if found is not None and not isinstance(found, dict):
        raise errors.unprocessable(f"{path} must be an object")
    return found or {}


def objects_of(body: Given, name: str, path: str) -> list[Body]:
    """Return a list of objects of a body, an empty one where it is left out or null.

    Raises:
        Answered: it is no list, or one of it is no object; the message has its path.
    """
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise errors.unprocessable(f"{path} must be a list of objects")
    return found


def number_of(body: Given, name: str, path: str) -> float | None:
    """Return a number of a body, None where it is left out or null.

    Raises:
        Answered: it is no number; the message has its path.
    """
    found = body.get(name)
    if found is not None and (isinstance(found, bool) or not isinstance(found, int | float)):
        raise errors.unprocessable(f"{path} must be a number")
    return found


def stream_limit(body: Given) -> int:
    """Return how many lines a stream has at most.

    Raises:
        Answered: it is not between 1 and 2000.
    """
    found = body.get("limit")
    if found is None:
        return STREAM_LIMIT
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= STREAM_LIMIT_MAX:
        raise errors.unprocessable(f"limit must be between 1 and {STREAM_LIMIT_MAX}")
    return found


def paging(query: Mapping[str, str]) -> tuple[int, int]:
    """Return the number of a page, from 1, and its size.

    Raises:
        InvalidQuery: one of them is no number above 0, or too large.
    """
    page, size = _whole(query, "page", 1), _whole(query, "size", 10)
    if size > PAGE_SIZE_MAX:
        raise InvalidQuery(f"size {size} is more than {PAGE_SIZE_MAX}: take several pages")
    if page * size > OFFSET_MAX:
        raise InvalidQuery(f"page {page} is further than there can be items")
    return page, size


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 15 or int(text) < 1:
        raise InvalidQuery(f"query param {name} must be a whole number of 1 or more")
    return int(text)


def flag(given: Given, name: str, *, default: bool) -> bool:
    """Return a switch of a body or of a query."""
    found = given.get(name)
    if isinstance(found, bool):
        return found
    return default if found is None or found == "" else str(found).lower() == "true"


def is_as_sent(given: Given, *, truncate: bool) -> bool:
    """Return whether a caller wants files where they stood, not beside the item."""
    return not truncate and not flag(given, "strip_attachments", default=False)


def time_of(given: Given, name: str) -> datetime.datetime | None:
    """Return a time of a body or of a query, None where it is left out.

    Raises:
        InvalidQuery: it is no ISO-8601 time.
    """
    found = given.get(name)
    if found is None or found == "":
        return None
    try:
        time = datetime.datetime.fromisoformat(found)
    except (TypeError, ValueError):
        raise InvalidQuery(f"{name} {str(found)[:40]!r} is no ISO-8601 time") from None
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)


def sort_of(
    text: str | None,
    known: Mapping[str, str],
    default: str,
    keyed: Mapping[str, str] = MappingProxyType({"feedback_scores": "scores"}),
) -> str:
    """Return our sort of the first element of Opik's; one of an unknown field is ignored.

    `keyed` are the fields that need a key behind a dot.

    Raises:
        InvalidQuery: it is no JSON array of objects.
    """
    if not text:
        return default
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidQuery("Invalid sorting query parameter: it is no JSON") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidQuery("Invalid sorting query parameter: it is no JSON array of objects")
    if not found:
        return default
    name = str(found[0].get("field"))
    ours = known.get(name)
    if ours is None:
        head, _, key = name.partition(".")
        if head not in keyed or not key:
            return default
        ours = f"{keyed[head]}.{key}"
    descending = str(found[0].get("direction") or "ASC").upper() == "DESC"
    return f"-{ours}" if descending else ours


def excluded(text: Any) -> frozenset[str]:
    """Return the fields that a caller does not want: a list, or JSON of one.

    Raises:
        InvalidQuery: it is neither.
    """
    if not text:
        return frozenset()
    try:
        found = orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        raise InvalidQuery("Invalid exclude query parameter: it is no JSON") from None
    if not isinstance(found, list):
        raise InvalidQuery("Invalid exclude query parameter: it is no JSON array")
    return frozenset(map(str, found))


def json_response(content: object, status_code: int = 200) -> Response:
    """Return JSON; fields that are null are left out of an object, and of those in its lists."""
    return Response(orjson.dumps(content), status_code, media_type="application/json")


def compact(item: Body, exclude: frozenset[str] = frozenset()) -> Body:
    """Return an item without its nulls and without what a caller does not want."""
    return {
        name: value for name, value in item.items() if value is not None and name not in exclude
    }


def page(number: int, content: Sequence[Body], total: int, sortable: Iterable[str]) -> Response:
    """Return a page of a list; its size is how many items it has."""
    return json_response(
        {
            "page": number,
            "size": len(content),
            "total": total,
            "content": [compact(one) for one in content],
            "sortableBy": sorted(sortable),
        }
    )


def created(call: Call, path: str) -> Response:
    """Return the response to a call that made something, with where that is."""
    return Response(status_code=201, headers={"location": f"{call.base_url}{path}"})


def no_content() -> Response:
    """Return the response of most writes."""
    return Response(status_code=204)


def stream(chunks: Iterator[list[Body]], exclude: frozenset[str] = frozenset()) -> Response:
    """Return a line of JSON an item. The first chunk is read before the response begins.

    Raises:
        whatever the first chunk raises; a later failure is a line of its own.
    """
    first = next(chunks, [])

    def lines() -> Iterator[bytes]:
        try:
            for chunk in itertools.chain((first,), chunks):
                yield _lines(chunk, exclude)
        except Exception as error:  # noqa: BLE001  # the status is sent already
            text = f"the rest could not be read: {type(error).__name__}"
            yield orjson.dumps({"code": 500, "message": text}) + b"\r\n"

    return StreamingResponse(lines(), media_type="application/octet-stream")


def _lines(items: Iterable[Body], exclude: frozenset[str]) -> bytes:
    return b"".join(_line(compact(item, exclude)) + b"\r\n" for item in items)


def _line(item: Body) -> bytes:
    try:
        return orjson.dumps(item)
    except orjson.JSONEncodeError as error:
        text = f"{item.get('id')} could not be written: {error}"
        return orjson.dumps({"code": 500, "message": text})
