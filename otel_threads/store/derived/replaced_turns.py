"""Replaces turns of threads that a pass or a deletion touched: those that derive/ says change."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import duckdb
import pyarrow as pa

from otel_threads.core.ports import ThreadKey
from otel_threads.core.trace_rows import PartPlace, PartRow, TurnRow
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, rows_of
from otel_threads.derive import turn_updates
from otel_threads.derive.turn_updates import Before, Stored, TurnStart
from otel_threads.store.derived import derived_rows, payloads
from otel_threads.store.derived.derived_columns import WORDS

OF_TURNS = ("turns", "messages", "x_turn_chunks")
BEFORE_SQL = sql_files.query("threads_before")
PARTS_SQL = sql_files.query("thread_parts")
STARTS_SQL = sql_files.query("turn_starts")
PAYLOADS_SQL = sql_files.query("part_payloads")
THREAD_TEXTS_SQL = sql_files.query("thread_texts")
TURN_TEXTS_SQL = sql_files.query("turn_texts")
INSERT_THREADS_SQL = sql_files.query("insert_threads")
Row = dict[str, Any]
PartKey = tuple[str, str, int]  # project, trace_id, part_index


class TouchedThreads:
    """Replaces the turns of touched threads that may have changed; used once.

    Which these are is decided in derive/turn_updates.py. Nearly always they are the end of the
    thread, and nothing that is stored has to be read.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        changes: Iterable[tuple[str, str, int, int]],
        parts: Sequence[PartRow],
        pause: Callable[[], None],
        *,
        last: int,
    ) -> None:
        """`changes`: project, thread_id, begin and end of each; `last`: when what is new ends."""
        self._cursor = cursor
        self._pause = pause
        self._affected: dict[ThreadKey, int] = {}  # when its change begins
        self._upto: dict[ThreadKey, int] = {}  # when it ends
        for project, thread_id, start, end in changes:
            key = (project, thread_id)
            self._affected[key] = min(self._affected.get(key, start), start)
            self._upto[key] = max(self._upto.get(key, end), end)
        self._until: dict[ThreadKey, int] = {}  # from when on turns stay, but for their number
        self._parts = {_part_key(part): part for part in parts}
        self._words: list[Row] = []
        self._are_new = False  # none of them was here before
        # When the first of them began and the last ended: nothing of them is outside of it.
        self._within = {"lowest": min(self._affected.values(), default=0), "highest": last}

    @property
    def keys(self) -> list[ThreadKey]:
        """The threads."""
        return list(self._affected)

    def turns(self) -> list[TurnRow]:
        """Delete the turns from the change on; return them made again, with their index."""
        if not self._affected:
            return []
        cursor = self._cursor
        register(cursor, "affected", _keyed(self._affected, "first"))
        words = {_key(row): row for row in rows_of(cursor, THREAD_TEXTS_SQL)}
        self._are_new = not words
        for row in words.values():
            self._within["lowest"] = min(self._within["lowest"], row["began"])
            self._within["highest"] = max(self._within["highest"], row["ended"])
        # Of threads that are all new nothing is stored that would have to be found or deleted.
        before = [] if self._are_new else rows_of(cursor, BEFORE_SQL, self._within)
        numbers = self._find_unchanged(words)
        cuts = dict(self._affected)
        parts = _by_thread(self._parts.values()) if self._are_new else self._narrow(cuts)
        kept = dict.fromkeys(cuts, 0)
        self._begin_earlier(before, cuts, parts, kept)
        if not self._are_new:
            self._delete_turns(cuts)
        return self._derive_turns(kept, parts, words, numbers)

    def _derive_turns(
        self,
        kept: Mapping[ThreadKey, int],
        parts: Mapping[ThreadKey, Sequence[PartPlace]],
        words: Mapping[ThreadKey, Row],
        numbers: Mapping[ThreadKey, int],
    ) -> list[TurnRow]:
        """Return the turns of some parts; `kept`: how many turns stay before them."""
        whole = self._payloads([part for some in parts.values() for part in some])
        found: list[TurnRow] = []
        added: dict[ThreadKey, int] = {}
        for key in kept:
            self._pause()
            turns = turn_updates.turns_of(
                (whole[_part_key(part)] for part in parts.get(key, ())), first_index=kept[key]
            )
            found += turns
            self._words.append(self._first_and_last(key, turns, kept[key], words.get(key)))
            if key in numbers:
                added[key] = kept[key] + len(turns) - numbers[key]
        self._renumber(added)
        return found

    def sum_up(self) -> None:
        """Replace the rows of the threads, once their turns are in place."""
        if not self._affected:
            return
        if not self._are_new:
            self._cursor.execute(
                "delete from x_thread_facts where (project, thread_id) in"
                " (select (project, thread_id) from affected)"
            )
        register(self._cursor, "words", pa.Table.from_pylist(self._words, schema=WORDS))
        self._cursor.execute(INSERT_THREADS_SQL, self._within)

    def _find_unchanged(self, words: Mapping[ThreadKey, Row]) -> dict[ThreadKey, int]:
        """Fill `_until`; return the number that the first turn from then on has now."""
        stored = {
            key: Stored(turn_count=row["turn_count"], end_time_unix_nano=row["ended"])
            for key, row in words.items()
        }
        longer = turn_updates.longer_than_changed(stored, self._upto)
        if not longer:
            return {}
        register(self._cursor, "changed", _keyed(longer, "upto"))
        bounds = {**self._within, "starts_max": turn_updates.STARTS_MAX}
        starts: dict[ThreadKey, list[TurnStart]] = {}
        for row in rows_of(self._cursor, STARTS_SQL, bounds):
            starts.setdefault(_key(row), []).append(
                TurnStart(
                    start_time_unix_nano=row["start"],
                    turn_index=row["turn_index"],
                    has_error=row["has_error"],
                    begins_anew=row["begins_anew"],
                )
            )
        numbers = {}
        for key, some in starts.items():
            if (first := turn_updates.first_that_stays(some)) is not None:
                self._until[key] = first.start_time_unix_nano
                numbers[key] = first.turn_index
        return numbers

    def _renumber(self, added: Mapping[ThreadKey, int]) -> None:
        """Add to the numbers of the turns that stay."""
        moved = {key: number for key, number in added.items() if number}
        if not moved:
            return
        table = _keyed(moved, "added").append_column(
            "since", pa.array([self._until[key] for key in moved], pa.int64())
        )
        register(self._cursor, "moved", table)
        for name in OF_TURNS:
            self._pause()
            self._cursor.execute(
                f"update {name} set turn_index = turn_index + moved.added from moved"  # noqa: S608
                f" where {name}.thread_id = moved.thread_id and {name}.project = moved.project"
                f" and {name}.start_time_unix_nano >= moved.since"
                f" and {name}.start_time_unix_nano between $lowest and $highest",
                self._within,
            )

    def _delete_turns(self, cuts: Mapping[ThreadKey, int]) -> None:
        register(self._cursor, "cuts", self._bounded(cuts))
        for table in OF_TURNS:
            self._pause()
            self._cursor.execute(
                f"delete from {table} using cuts"  # noqa: S608  # our own names
                f" where {table}.thread_id = cuts.thread_id and {table}.project = cuts.project"
                f" and {table}.start_time_unix_nano >= cuts.cut"
                f" and (cuts.until is null or {table}.start_time_unix_nano < cuts.until)"
                # The same of all of them, for zone maps.
                f" and {table}.start_time_unix_nano between $lowest and $highest",
                {**self._within, "lowest": min(cuts.values())},
            )

    def _narrow(self, cuts: Mapping[ThreadKey, int]) -> dict[ThreadKey, list[PartPlace]]:
        register(self._cursor, "cuts", self._bounded(cuts))
        found = rows_of(self._cursor, PARTS_SQL, {"lowest": min(cuts.values())})
        return _by_thread(cast(list[PartPlace], found))

    def _bounded(self, cuts: Mapping[ThreadKey, int]) -> pa.Table:
        until = pa.array([self._until.get(key) for key in cuts], pa.int64())
        return _keyed(cuts, "cut").append_column("until", until)

    def _begin_earlier(
        self,
        before: list[Row],
        cuts: dict[ThreadKey, int],
        parts: dict[ThreadKey, list[PartPlace]],
        kept: dict[ThreadKey, int],
    ) -> None:
        """Move cuts to where turns may change with what comes after them; fill `kept`."""
        has_moved = False
        while before:
            earlier = {}
            for row in before:
                key = _key(row)
                kept[key] = row["kept"]
                start = turn_updates.earlier_start(
                    cuts[key], _before(row), parts.get(key, ()), has_moved=has_moved
                )
                if start is not None:
                    earlier[key] = start
            if not earlier:
                return
            cuts |= earlier
            parts |= self._narrow(earlier)
            register(self._cursor, "affected", _keyed(earlier, "first"))
            before = rows_of(self._cursor, BEFORE_SQL, self._within)
            register(self._cursor, "affected", _keyed(self._affected, "first"))
            has_moved = True

    def _payloads(self, parts: Sequence[PartPlace]) -> dict[PartKey, PartRow]:
        missing = [part for part in parts if _part_key(part) not in self._parts]
        if not missing:
            return self._parts
        found = dict(self._parts)
        starts = [part["start_time_unix_nano"] for part in missing]
        register(
            self._cursor,
            "needed",
            pa.table(
                {
                    "project": pa.array([part["project"] for part in missing], pa.string()),
                    "trace_id": pa.array([part["trace_id"] for part in missing], pa.string()),
                }
            ),
        )
        chunks: dict[PartKey, list[tuple[int, str]]] = {}
        for row in rows_of(self._cursor, PAYLOADS_SQL, {"first": min(starts), "last": max(starts)}):
            chunks.setdefault(_part_key(row), []).append((row["chunk_index"], row["payload"]))
        for key, some in chunks.items():
            if key not in found:
                found[key] = payloads.unpacked("".join(chunk for _, chunk in sorted(some)))
        return found

    def _first_and_last(
        self, key: ThreadKey, turns: Sequence[TurnRow], kept: int, known: Row | None
    ) -> Row:
        first = known["first_message"] if known and kept else None
        last = None
        if known and key in self._until:
            first = first if kept else turns[0]["user"]
            last = known["last_message"]
        elif turns:
            first = turns[0]["user"] if not kept else first
            last = turns[-1]["assistant"] or turns[-1]["user"]
        elif kept:
            named = {"project": key[0], "thread_id": key[1], "turn_index": kept - 1}
            row = self._cursor.execute(TURN_TEXTS_SQL, named).fetchone()
            last = row[0] if row else None
        return {
            "project": key[0],
            "thread_id": key[1],
            "first_message": derived_rows.words(first),
            "last_message": derived_rows.words(last),
        }


def _before(row: Row) -> Before:
    return Before(
        turn_count=row["kept"],
        start_time_unix_nano=row["before"],
        trace_count=row["before_traces"],
        failed_from_unix_nano=row["failed_from"],
    )


def _by_thread(parts: Iterable[PartPlace]) -> dict[ThreadKey, list[PartPlace]]:
    found: dict[ThreadKey, list[PartPlace]] = {}
    for part in parts:
        found.setdefault(_key(part), []).append(part)
    return found


def _key(row: Mapping[str, Any]) -> ThreadKey:
    return row["project"], row["thread_id"]


def _part_key(row: Mapping[str, Any]) -> PartKey:
    return row["project"], row["trace_id"], row["part_index"]


def _keyed(values: Mapping[ThreadKey, int], name: str) -> pa.Table:
    return pa.table(
        {
            "project": pa.array([project for project, _ in values], pa.string()),
            "thread_id": pa.array([thread_id for _, thread_id in values], pa.string()),
            name: pa.array(list(values.values()), pa.int64()),
        }
    )
