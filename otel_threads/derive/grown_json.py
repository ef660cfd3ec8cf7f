"""Parses JSON texts of which the beginning was parsed before: a history is the last one, and more.

What comes out is what parsing the whole text would give. The items of a list that two texts begin
with are the same objects in both, so nobody may change what comes from here.
"""

import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import orjson

from otel_threads.shared_beginning import shared_length

CHARS_MIN = 1024  # a shorter text is parsed faster than it is looked up
BYTES_MAX = 32 << 20  # of texts and what they hold, as `_Text.size_bytes` estimates it
TEXT_BYTES_MAX = BYTES_MAX // 2  # what is larger is not remembered
SIGN_BYTES = 64  # that what stands around one of SIGNS takes when it is parsed, at most
SIGNS = ",:[{"
# Lengths of beginnings: a text is found by the WINDOW characters before the longest that is equal.
POINTS = tuple(int(CHARS_MIN * 1.5**i) for i in range(24))
WINDOW = 48
CANDIDATES_MAX = 4  # texts that are remembered of one beginning
TRIED_MAX = 8
# Stands in a text for the items that were parsed before: no sender can know it.
_MARK = f"items before {token_hex(16)}"
_MARK_JSON = f'"{_MARK}"'
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)

Load = Callable[[str], Any]  # what a text holds; the text itself where that is not parsed
_READING = threading.RLock()  # items may hold such lists, too
ReadItem = Callable[[Any, list[Any]], None]  # append what an item says
Step = str | int  # a key of an object, an index of a list


class GrownList(list[Any]):
    """A list that went on where an earlier one ended; it keeps what readers made of its items."""

    __slots__ = ("_made",)

    def __init__(self, items: list[Any], before: "GrownList | None", shared: int) -> None:
        """Begin with so many items of `before`."""
        super().__init__(items)
        self._made: dict[Any, tuple[list[int], list[Any]]] = {}
        for how, (ends, made) in before._made.items() if before is not None else ():
            if shared and len(ends) >= shared:
                self._made[how] = ends[:shared], made[: ends[shared - 1]]

    def read(self, how: Any, read_item: ReadItem) -> list[Any]:
        """Return what all items say together; those that were read in this way before are not read.

        `how` is what else reading hangs on.
        """
        with _READING:
            ends, made = self._made.setdefault(how, ([], []))
            new: list[Any] = []
            new_ends: list[int] = []
            for item in self[len(ends) :]:
                read_item(item, new)
                new_ends.append(len(made) + len(new))
            ends += new_ends
            made += new
            return made[:]


@dataclass(slots=True)
class _Items:
    """The list in a text that goes on in the next one."""

    path: tuple[Step, ...]
    start: int  # where its first item may begin
    ends: list[int]  # where each of its items ends
    values: GrownList


@dataclass(slots=True, eq=False)
class _Text:
    text: str
    value: Any = None  # None until the text comes again
    items: _Items | None = None
    scanned: int = 0  # so many characters were looked through for the list that grows
    signs: int = 0  # how many of SIGNS it holds, at most; 0 while it is not parsed
    keys: list[tuple[int, str]] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        return len(self.text) * (2 if self.signs else 1) + self.signs * SIGN_BYTES


class GrownJson:
    """Texts that were parsed lately, the least used go first. Any thread may ask."""

    def __init__(self, values_max: int) -> None:
        """`values_max`: a text that may hold more is left to who loads it."""
        self.value_count = 0  # that were made so far, or will be again by readers, at most
        self._values_max = values_max
        self._texts: OrderedDict[int, _Text] = OrderedDict()
        self._by_key: dict[tuple[int, str], list[_Text]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def parse(self, text: str, load: Load) -> Any:
        """Return what `load` returns of a JSON text."""
        keys = _keys(text)
        with self._lock:
            known, shared = self._known(keys, text)
            if known is not None and shared == len(text) == len(known.text):
                return self._again(known, load)
            made = self._grown(known, shared, text) if known is not None else None
            is_grown = made is not None
            value = made.value if made is not None else self._load(text, load)
            made = made or _Text(text)
            made.keys = keys
            if known is not None:
                made.scanned = max(made.scanned, known.scanned)
                if is_grown and 2 * shared >= len(known.text):
                    self._forget(known)
            self._remember(made)
            return value

    def _again(self, known: _Text, load: Load) -> Any:
        if known.value is None:
            self._forget(known)
            known.value, known.signs = self._load(known.text, load), _signs(known.text)
            self._remember(known)
        else:
            self._texts.move_to_end(id(known))
            # Of items that were read before nothing is made anew.
            self.value_count += 0 if known.items is not None else known.signs
        return known.value

    def _load(self, text: str, load: Load) -> Any:
        value = load(text)
        self.value_count += 0 if value is text else _signs(text)
        return value

    def _known(self, keys: list[tuple[int, str]], text: str) -> tuple[_Text | None, int]:
        """Return the text that has most in common with another, and how many characters."""
        tried: set[int] = set()
        best, most = None, CHARS_MIN - 1
        for key in reversed(keys):
            for known in self._by_key.get(key, ()):
                if id(known) not in tried and len(tried) < TRIED_MAX:
                    tried.add(id(known))
                    shared = shared_length(known.text, text)
                    if shared > most:
                        best, most = known, shared
            if most >= key[0]:
                return best, most
        return (best, most) if best is not None else (None, 0)

    def _grown(self, known: _Text, shared: int, text: str) -> _Text | None:
        """Return a text with its value, of which only what is new was parsed; None if it cannot."""
        if isinstance(known.value, str):  # no JSON
            return None
        try:
            items, count = _shared_items(known, shared, text)
            if items is None:
                return None
            cut = items.ends[count - 1]
            rest = text[: items.start] + _MARK_JSON + text[cut:]
            new = _signs(rest)
            signs = known.signs + new if known.signs else _signs(text)
            if signs > self._values_max and (signs := _signs(text)) > self._values_max:
                return None
            value = orjson.loads(rest)
            grown = _with_items(items, count, _at(value, items.path), text)
        except (orjson.JSONDecodeError, LookupError, TypeError):
            return None
        if grown is None:
            return None
        if items.path:
            _at(value, items.path[:-1])[items.path[-1]] = grown.values
        self.value_count += new
        return _Text(text, value if items.path else grown.values, grown, known.scanned, signs)

    def _remember(self, made: _Text) -> None:
        if made.size_bytes > TEXT_BYTES_MAX:
            return
        self._bytes += made.size_bytes
        self._texts[id(made)] = made
        for key in made.keys:
            texts = self._by_key.setdefault(key, [])
            texts.append(made)
            del texts[:-CANDIDATES_MAX]
        while self._bytes > BYTES_MAX:
            self._forget(next(iter(self._texts.values())))

    def _forget(self, gone: _Text) -> None:
        if self._texts.pop(id(gone), None) is None:
            return
        self._bytes -= gone.size_bytes
        for key in gone.keys:
            texts = self._by_key.get(key)
            if texts and gone in texts:
                texts.remove(gone)
                if not texts:
                    del self._by_key[key]


def _keys(text: str) -> list[tuple[int, str]]:
    return [(end, text[end - WINDOW : end]) for end in POINTS if end <= len(text)]


def _signs(text: str) -> int:
    return sum(map(text.count, SIGNS)) + 1


def _at(value: Any, path: tuple[Step, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _with_items(items: _Items, count: int, rest: Any, text: str) -> _Items | None:
    """Return so many items and those after the mark; None where `rest` is not what they go on with.

    A key that stands in the text twice puts another value there.
    """
    if not isinstance(rest, list) or rest[:1] != [_MARK]:
        return None
    ends = [*items.ends[:count], *_ends_of_items(text, items.ends[count - 1])]
    if len(ends) != count + len(rest) - 1:
        return None
    values = GrownList([*items.values[:count], *rest[1:]], items.values, count)
    return _Items(items.path, items.start, ends, values)


def _shared_items(known: _Text, shared: int, text: str) -> tuple[_Items | None, int]:
    """Return a list of the shared beginning, and how many of its items stand there whole."""
    items = known.items
    count = bisect_right(items.ends, shared) if items else 0
    is_most = items is not None and count and 2 * (items.ends[count - 1] - items.start) >= shared
    if not is_most and shared >= 2 * known.scanned:
        known.scanned = shared
        if (found := _found_items(text, shared)) is not None:
            return found, len(found.ends)
    return (items, count) if count else (None, 0)


def _found_items(text: str, upto: int) -> _Items | None:
    """Return the list of which most stands whole within so many characters of a text."""
    stack = _open_at(text, upto)
    found = max(
        (one for one in stack if one.ends), key=lambda one: one.ends[-1] - one.start, default=None
    )
    if found is None:
        return None
    above = stack[: stack.index(found)]
    path = tuple(len(one.ends) if one.is_list else orjson.loads(one.key) for one in above)
    closing = "".join("]" if one.is_list else "}" for one in reversed([*above, found]))
    # The key that is open is the last one of its object: whatever stood before it, it wins.
    values = _at(orjson.loads(text[: found.ends[-1]] + closing), path)
    if len(values) != len(found.ends):
        return None
    return _Items(path, found.start, found.ends, GrownList(values, None, 0))


@dataclass(slots=True, eq=False)
class _Open:
    """An object or a list that is not closed yet."""

    is_list: bool
    start: int
    ends: list[int] = field(default_factory=list)  # of a list's items
    key: str = "null"  # of an object: the last one
    is_key_next: bool = True


def _open_at(text: str, upto: int) -> list[_Open]:
    """Return what is open after so many characters, the outermost first."""
    stack: list[_Open] = []
    is_noted = False  # whether the end of the item before is
    for token in _TOKEN.finditer(text):
        if token.end() > upto:
            break
        sign = token[0][0]
        inner = stack[-1] if stack else None
        if sign in "[{":
            stack.append(_Open(sign == "[", token.end()))
            is_noted = False
        elif sign == "," and inner is not None:
            if inner.is_list and not is_noted:
                inner.ends.append(token.start())
            inner.is_key_next, is_noted = True, False
        elif sign == '"' and inner is not None and not inner.is_list and inner.is_key_next:
            inner.key, inner.is_key_next = token[0], False
        else:
            if sign in "]}" and stack:
                stack.pop()
            if stack and stack[-1].is_list:
                stack[-1].ends.append(token.end())
            is_noted = True
    return stack


def _ends_of_items(text: str, start: int) -> Iterator[int]:
    """Yield where the further items of a list end, from the end of one of them on."""
    depth, is_noted, end = 0, True, start
    for token in _TOKEN.finditer(text, start):
        sign = token[0][0]
        if sign in "[{":
            depth += 1
            is_noted = False
        elif sign == "," and not depth:
            if not is_noted:
                yield token.start()
            is_noted = False
        elif sign == "]" and not depth:
            if not is_noted and text[end : token.start()].strip():
                yield token.start()
            return
        elif sign != ",":
            depth -= sign in "]}"
            if not depth:
                yield token.end()
                is_noted = True
        end = token.end()
