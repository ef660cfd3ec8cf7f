"""The parts of a JSON text as texts, byte for byte as they stand there.

A number of twenty digits, the order of keys, `1.0` beside `1`: what is parsed and written again is
no longer what was sent.
"""

import json

import orjson


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_WHITESPACE = " \t\n\r"
# Only the end of a value is looked for: numbers stay texts, of whatever length.
_decoder = json.JSONDecoder(parse_constant=_no_constant, parse_int=str, parse_float=str)


class NotJson(ValueError):
    """A text is not the JSON that is needed."""


def is_json(text: str) -> bool:
    """Return whether a text is JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def json_fields(text: str) -> dict[str, str]:
    """Return the fields of a JSON object as their JSON texts, byte for byte as they stand there.

    Of a key that stands there twice the last counts.

    Raises:
        NotJson: it is none.
    """
    found: dict[str, str] = {}
    try:
        at = _skip(text, 0)
        if text[at] != "{":
            raise NotJson("a JSON object is needed")
        at = _skip(text, at + 1)
        if text[at] == "}":
            return found
        while True:
            if text[at] != '"':
                raise NotJson("a key of an object is a text")
            key, at = _decoder.raw_decode(text, at)
            at = _skip(text, at)
            if text[at] != ":":
                raise NotJson("a key of an object has a colon after it")
            begin = _skip(text, at + 1)
            _, at = _decoder.raw_decode(text, begin)
            found[key.encode("utf-8", "replace").decode()] = text[begin:at]
            at = _skip(text, at)
            if text[at] == "}":
                return found
            if text[at] != ",":
                raise NotJson("an object's fields have commas between them")
            at = _skip(text, at + 1)
    except IndexError:
        raise NotJson(
            f"the text ends after {len(text)} characters, before the object does"
        ) from None
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def json_items(text: str, at: int = 0) -> list[str]:
    """Return the items of a JSON list as their JSON texts.

    Raises:
        NotJson: it is no list.
    """
    found: list[str] = []
    try:
        at = _skip(text, at)
        if text[at] != "[":
            raise NotJson("a JSON list is needed")
        at = _skip(text, at + 1)
        if text[at] == "]":
            return found
        while True:
            _, end = _decoder.raw_decode(text, at)
            found.append(text[at:end])
            at = _skip(text, end)
            if text[at] == "]":
                return found
            if text[at] != ",":
                raise NotJson("a list's items have commas between them")
            at = _skip(text, at + 1)
    except IndexError:
        raise NotJson(f"the text ends after {len(text)} characters, before the list does") from None
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _skip(text: str, at: int) -> int:
    while text[at] in _WHITESPACE:
        at += 1
    return at
