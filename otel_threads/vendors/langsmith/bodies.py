"""Fields of LangSmith's requests, each read or clearly refused. Null is not given."""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from otel_threads.core.errors import InvalidQuery
from otel_threads.vendors import times
from otel_threads.vendors.call import Call
from otel_threads.vendors.ids import uuid_text
from otel_threads.vendors.langsmith import run_filter
from otel_threads.vendors.langsmith.run_filter import Node

IDS_MAX = 1000  # of one request
_OF_A_PAGE = ("cursor", "limit", "page_size", "select", "selects")


class Fields:
    """The fields of a body or of a query string."""

    def __init__(self, given: Mapping[str, Any], lists: Mapping[str, Sequence[str]]) -> None:
        self._given = given
        self._lists = lists

    @classmethod
    def of_body(cls, call: Call) -> "Fields":
        """Return those of a JSON body.

        Raises:
            InvalidPayload: it is no JSON. InvalidQuery: it is no object.
        """
        body = call.json()
        if body is not None and not isinstance(body, dict):
            raise InvalidQuery("the body is not a JSON object")
        return cls(body or {}, {})

    @classmethod
    def of_query(cls, call: Call) -> "Fields":
        """Return those of a query string, where a name may stand several times."""
        lists = {name: call.query.getlist(name) for name in call.query}
        return cls(dict(call.query), lists)

    def text(self, name: str) -> str | None:
        """Return a text, None where it is not given or empty."""
        found = self._given.get(name)
        if found is not None and not isinstance(found, str):
            raise InvalidQuery(f"{name} is not a text")
        return found or None

    def needed(self, name: str) -> str:
        """Return a text that has to be given."""
        found = self.text(name)
        if found is None:
            raise InvalidQuery(f"{name} is missing")
        return found

    def uuid(self, name: str) -> str | None:
        """Return a UUID."""
        found = self.text(name)
        return None if found is None else _uuid(name, found)

    def uuids(self, name: str) -> list[str] | None:
        """Return a list of UUIDs; one alone is a list, too."""
        found = self.texts(name)
        return None if found is None else [_uuid(name, one) for one in found]

    def texts(self, name: str) -> list[str] | None:
        """Return a list of texts; one alone is a list, too."""
        found = self._lists.get(name, self._given.get(name))
        if found is None:
            return None
        found = [found] if isinstance(found, str) else found
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise InvalidQuery(f"{name} is not a list of texts")
        if len(found) > IDS_MAX:
            raise InvalidQuery(f"{name} has {len(found)} items; at most {IDS_MAX}")
        return found

    def flag(self, name: str) -> bool | None:
        """Return a yes or no."""
        found = self._given.get(name)
        if isinstance(found, str) and found.lower() in ("true", "false"):
            return found.lower() == "true"
        if found is not None and not isinstance(found, bool):
            raise InvalidQuery(f"{name} is neither true nor false")
        return found

    def number(self, name: str, *, otherwise: int, least: int, most: int) -> int:
        """Return a whole number; one above `most` is `most`."""
        found = self._given.get(name)
        if found is None:
            return otherwise
        if isinstance(found, str) and re.fullmatch(r"\d{1,12}", found):
            found = int(found)
        if type(found) is not int or found < least:
            raise InvalidQuery(f"{name} {str(found)[:20]!r} is not a whole number from {least} on")
        return min(found, most)

    def unix_nano(self, name: str) -> int | None:
        """Return a time, in nanoseconds."""
        found = self._given.get(name)
        if found is None:
            return None
        time = times.unix_nano(found)
        if time is None:
            raise InvalidQuery(f"{name} {str(found)[:40]!r} is no time; write ISO 8601")
        return time

    def time(self, name: str) -> datetime.datetime | None:
        """Return a time."""
        found = self.unix_nano(name)
        if found is None:
            return None
        return datetime.datetime.fromisoformat(times.iso(found))

    def filter(self, name: str) -> Node | None:
        """Return a filter.

        Raises:
            InvalidFilter: it cannot be understood.
        """
        found = self.text(name)
        return None if found is None else run_filter.parse(found)

    def nested(self, name: str) -> "Fields | None":
        """Return the fields of an object."""
        found = self._given.get(name)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise InvalidQuery(f"{name} is not an object")
        return Fields(found, {})

    def about(self) -> Mapping[str, object]:
        """Return what a cursor belongs to: all but itself, the page's size and the fields."""
        return {
            name: self._lists.get(name, value)
            for name, value in self._given.items()
            if name not in ("cursor", "limit", "page_size", "select", "selects")
            and value is not None
        }


def _uuid(name: str, text: str) -> str:
    found = uuid_text(text)
    if found is None:
        raise InvalidQuery(f"{name} {text[:60]!r} is no UUID")
    return found


def json_response(content: object, status_code: int = 200) -> Response:
    """Return a JSON response; texts of JSON stand in it as they are."""
    data = orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(data, status_code, media_type="application/json")
