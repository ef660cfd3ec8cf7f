"""How many values a JSON text holds and how deep it nests, found without building any of them.

A parser makes 70 bytes of each `{},` and FastAPI an error of each unknown field: 15 MiB of such
fields took 2.3 GB and kept the server from everybody for 10 s. The scan takes 10 ms a MiB at most.
"""

DEPTH_MAX = 64  # of a request's body
VALUES_MAX = 50_000  # of a request's body: a thousand scores with all of their fields have 13,000
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class JsonTooLarge(ValueError):
    """A text has more values, or nests deeper, than is read; the message has the numbers."""


class JsonNotUtf8(ValueError):
    """A text is in UTF-16 or UTF-32, which Python's parser would read and the scan cannot."""


def check_json(text: bytes, *, values_max: int = VALUES_MAX, depth_max: int = DEPTH_MAX) -> None:
    """Return when parsing `text` is cheap. Whether it is JSON at all is left to the parser.

    Raises:
        JsonTooLarge: it is not. JsonNotUtf8: it is in another encoding (RFC 8259, section 8.1).
    """
    if b"\0" in text:
        raise JsonNotUtf8("the body holds NUL bytes; JSON is sent in UTF-8")
    outside = _without_strings(text, values_max)
    if outside is None or _values(outside) > values_max:
        raise JsonTooLarge(
            f"more than {values_max} values in one JSON body; send them in several requests"
        )
    depth = 0
    for sign in outside.translate(None, _NO_BRACKETS):
        depth += 1 if sign in b"[{" else -1
        if depth > depth_max:
            raise JsonTooLarge(f"JSON nested deeper than {depth_max}")


def holds_more(text: str, values_max: int) -> bool:
    """Return whether a JSON text holds more than so many values; keys of objects count, too."""
    if len(text) <= values_max:  # a value takes a character and the sign before it
        return False
    if text.count(",") + text.count(":") + text.count("[") + text.count("{") <= values_max:
        return False  # as if no sign stood within a string
    outside = _without_strings(text.encode("utf-8", "replace"), values_max)
    return outside is None or _values(outside) > values_max


def _without_strings(text: bytes, values_max: int) -> bytes | None:
    """Return what stands outside of strings; None when there are more strings than values allowed.

    A backslash outside of a string is no JSON: a parser reads no further, so that none can be
    hidden behind it.
    """
    if b"\\" in text:  # within strings, it would hide a quote
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    if text.count(b'"') > 2 * values_max:
        return None
    return b"".join(text.split(b'"')[::2])


def _values(outside: bytes) -> int:
    opened = outside.count(b"[") + outside.count(b"{")
    closed = outside.count(b"]") + outside.count(b"}")
    return max(opened, closed) + outside.count(b",") + outside.count(b":")
