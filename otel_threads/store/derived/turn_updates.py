"""Turns of threads that a pass or a deletion touched: made again where they may have changed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.ports import Merge, ThreadKey
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, rows_of
from otel_threads.derive.merge import order
from otel_threads.store.derived import derived_rows, payloads
from otel_threads.store.derived.derived_columns import WORDS

# So many turns are made again rather than those looked for that stay: at ten million spans that
# takes as long as 10,000 of them, but they take memory.
TURNS_AGAIN_MAX = 2000
OF_TURNS = ("turns", "messages", "turn_pieces")
BEFORE_SQL = sql_files.query("threads_before")
PARTS_SQL = sql_files.query("thread_parts")
UNCHANGED_SQL = sql_files.query("unchanged_from")
PAYLOADS_SQL = sql_files.query("part_payloads")
THREAD_WORDS_SQL = sql_files.query("thread_words")
TURN_WORDS_SQL = sql_files.query("turn_words")
INSERT_THREADS_SQL = sql_files.query("insert_threads")
Row = dict[str, Any]
PartKey = tuple[str, str, int]  # project, trace_id, part_index


class TouchedThreads:
    """Makes the turns of touched threads again, where they may have changed; used once.

    Nearly always that is the end of the thread, and nothing that is stored has to be read. Turns
    after the change get another number at most: else to delete the first turns of long threads, as
    retention does, would make all that stays again.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        changes: Iterable[tuple[str, str, int, int]],
        parts: Sequence[Row],
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

    def turns(self, merge: Merge) -> list[Row]:
        """Delete the turns from the change on; return them made again, with their index."""
        if not self._affected:
            return []
        cursor = self._cursor
        register(cursor, "affected", _keyed(self._affected, "first"))
        words = {_key(row): row for row in rows_of(cursor, THREAD_WORDS_SQL)}
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
        whole = self._payloads([part for some in parts.values() for part in some])
        found = []
        added: dict[ThreadKey, int] = {}
        for key in cuts:
            self._pause()
            turns = merge(whole[_part_key(part)] for part in parts.get(key, ()))
            for i, turn in enumerate(turns):
                turn["turn_index"] = kept[key] + i
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
                "delete from thread_facts where (project, thread_id) in"
                " (select (project, thread_id) from affected)"
            )
        register(self._cursor, "words", pa.Table.from_pylist(self._words, schema=WORDS))
        self._cursor.execute(INSERT_THREADS_SQL, self._within)

    def _find_unchanged(self, words: Mapping[ThreadKey, Row]) -> dict[ThreadKey, int]:
        """Fill `_until`; return the number that the first turn from then on has now."""
        longer = {
            key: upto
            for key, upto in self._upto.items()
            if key in words and words[key]["ended"] - 999 > upto
        }
        if sum(words[key]["turn_count"] for key in longer) <= TURNS_AGAIN_MAX:
            return {}
        register(self._cursor, "changed", _keyed(longer, "upto"))
        found = rows_of(self._cursor, UNCHANGED_SQL, self._within)
        self._until = {_key(row): row["start"] for row in found}
        return {_key(row): row["turn_index"] for row in found}

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
                f" and {table}.start_time_unix_nano < coalesce(cuts.until, 9223372036854775807)"
                # The same of all of them, for zone maps.
                f" and {table}.start_time_unix_nano between $lowest and $highest",
                {**self._within, "lowest": min(cuts.values())},
            )

    def _narrow(self, cuts: Mapping[ThreadKey, int]) -> dict[ThreadKey, list[Row]]:
        register(self._cursor, "cuts", self._bounded(cuts))
        return _by_thread(rows_of(self._cursor, PARTS_SQL, {"lowest": min(cuts.values())}))

    def _bounded(self, cuts: Mapping[ThreadKey, int]) -> pa.Table:
        until = pa.array([self._until.get(key) for key in cuts], pa.int64())
        return _keyed(cuts, "cut").append_column("until", until)

    def _begin_earlier(
        self,
        before: list[Row],
        cuts: dict[ThreadKey, int],
        parts: dict[ThreadKey, list[Row]],
        kept: dict[ThreadKey, int],
    ) -> None:
        """Move cuts to where turns may change with what comes after them; fill `kept`."""
        moved = False
        while before:
            earlier = {}
            for row in before:
                key = _key(row)
                kept[key] = row["kept"]
                if row["before"] is None:
                    continue
                some = parts.get(key)
                first = min(some, key=order) if some else None
                continued = first is not None and first["continues"]
                if moved:  # once more only where a part of the turn before begins at that very time
                    alike = [p for p in some or () if p["start_time_unix_nano"] == cuts[key]]
                    if continued and len(alike) > 1:
                        earlier[key] = row["before"]
                    continue
                # The change may continue the turn before it, or fall between the traces of that
                # turn, or show what was asked in turns that failed.
                if continued or row["before_traces"] > 1:
                    earlier[key] = row["before"]
                if row["failed_from"] is not None:
                    earlier[key] = row["failed_from"]
            if not earlier:
                return
            cuts |= earlier
            parts |= self._narrow(earlier)
            register(self._cursor, "affected", _keyed(earlier, "first"))
            before = rows_of(self._cursor, BEFORE_SQL, self._within)
            register(self._cursor, "affected", _keyed(self._affected, "first"))
            moved = True

    def _payloads(self, parts: Sequence[Row]) -> dict[PartKey, Row]:
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
        pieces: dict[PartKey, list[tuple[int, str]]] = {}
        for row in rows_of(self._cursor, PAYLOADS_SQL, {"first": min(starts), "last": max(starts)}):
            pieces.setdefault(_part_key(row), []).append((row["piece_index"], row["payload"]))
        for key, some in pieces.items():
            if key not in found:
                found[key] = payloads.unpacked("".join(piece for _, piece in sorted(some)))
        return found

    def _first_and_last(
        self, key: ThreadKey, turns: Sequence[Row], kept: int, known: Row | None
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
            row = self._cursor.execute(TURN_WORDS_SQL, named).fetchone()
            last = row[0] if row else None
        return {
            "project": key[0],
            "thread_id": key[1],
            "first_message": derived_rows.words(first),
            "last_message": derived_rows.words(last),
        }


def _by_thread(parts: Iterable[Row]) -> dict[ThreadKey, list[Row]]:
    found: dict[ThreadKey, list[Row]] = {}
    for part in parts:
        found.setdefault(_key(part), []).append(part)
    return found


def _key(row: Row) -> ThreadKey:
    return row["project"], row["thread_id"]


def _part_key(row: Row) -> PartKey:
    return row["project"], row["trace_id"], row["part_index"]


def _keyed(values: Mapping[ThreadKey, int], name: str) -> pa.Table:
    return pa.table(
        {
            "project": pa.array([project for project, _ in values], pa.string()),
            "thread_id": pa.array([thread_id for _, thread_id in values], pa.string()),
            name: pa.array(list(values.values()), pa.int64()),
        }
    )
