"""Remembers the messages of lists that were read lately: a history is the last one, and more.

What comes out is what reading would give; who gets messages from here must not change them.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from otel_threads.derive.family import Messages

ITEMS_MIN = 4  # a shorter list is read faster than it is looked up
BYTES_MAX = 8 << 20  # of items as JSON, over all lists
LIST_BYTES_MAX = BYTES_MAX // 4  # a longer list is not remembered
LISTS_A_KEY = 2  # that begin with the same item: an agent's and its sub-agent's

Key = tuple[str | None, int, bytes]
Read = Callable[[Any, Messages], None]  # append the messages of one item


@dataclass(slots=True, eq=False)
class _List:
    items: list[bytes]  # as JSON, which tells 1, 1.0 and true apart, and the order of keys
    ends: list[int]  # how many messages there are after each item
    messages: Messages
    size_bytes: int


class ReadBefore:
    """Lists by their first item; bounded in bytes, the least used go first."""

    def __init__(self) -> None:
        self._lists: OrderedDict[Key, list[_List]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def read(self, items: list[Any], role: str | None, depth: int, read: Read) -> Messages:
        """Return the messages of a list's items; those of items that were read before are not read.

        `role` and `depth` are what else reading hangs on.
        """
        try:
            found = [orjson.dumps(item) for item in items]
        except (TypeError, ValueError):  # a number that orjson reads and does not write
            return _read_all(items, read, [], [])
        key = (role, depth, found[0])
        with self._lock:
            known, count = self._known(key, found)
        ends = known.ends[:count] if known else []
        messages = known.messages[: ends[-1]] if known and ends else []
        _read_all(items[count:], read, ends, messages)
        made = _List(found, ends, messages, sum(map(len, found)))
        if made.size_bytes <= LIST_BYTES_MAX:
            with self._lock:
                self._remember(key, made, known if known and count == len(known.items) else None)
        return messages[:]

    def _known(self, key: Key, items: list[bytes]) -> tuple[_List | None, int]:
        """Return the list that has most in common with another, and how many items that is."""
        best: _List | None = None
        most = 0
        for known in self._lists.get(key, ()):
            count = 0
            for earlier, item in zip(known.items, items, strict=False):
                if earlier != item:
                    break
                count += 1
            if count > most:
                best, most = known, count
        return best, most

    def _remember(self, key: Key, made: _List, continued: _List | None) -> None:
        lists = self._lists.setdefault(key, [])
        if continued in lists:
            lists.remove(continued)
            self._bytes -= continued.size_bytes if continued else 0
        lists.append(made)
        self._bytes += made.size_bytes
        if len(lists) > LISTS_A_KEY:
            self._bytes -= lists.pop(0).size_bytes
        self._lists.move_to_end(key)
        while self._bytes > BYTES_MAX:
            _, oldest = self._lists.popitem(last=False)
            self._bytes -= sum(one.size_bytes for one in oldest)


def _read_all(items: list[Any], read: Read, ends: list[int], messages: Messages) -> Messages:
    for item in items:
        read(item, messages)
        ends.append(len(messages))
    return messages
