"""Keeps what people have beside conversations: projects, settings of the workspace, files.

Written under the lock of annotations: deletions take it, too.
"""

import datetime
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.attachment import Attachment, AttachmentTarget
from otel_threads.core.document import Document
from otel_threads.core.score import NewScore
from otel_threads.database import sql_files
from otel_threads.database.arrow import append
from otel_threads.database.database import Database, dictionaries
from otel_threads.database.engine_errors import classified
from otel_threads.database.list_parameters import json_list
from otel_threads.store.annotations.annotation_rows import Annotations

LIST_ATTACHMENTS_SQL = sql_files.query("list_attachments")
ATTACHMENT_CHUNKS_SQL = sql_files.query("attachment_chunks")
UNLINKED_SPANS_SQL = sql_files.query("unlinked_spans")
CHUNK_BYTES = 16 * 1024  # as of long texts: DuckDB takes 2,048 values of a column at once
CHUNKS_TOGETHER = 256  # that one read has, or one write
CONFIGURATION = "configuration"
COOLDOWN = "thread_cooldown_s"
LINK_KEY = "link_key"
LINK_KEY_BYTES = 32
_SCORE = ("project", "name", "value", "category", "reason", "source", "author")


class Workspace:
    """Rows of the workspace. Any thread may call; each method that writes is one transaction."""

    def __init__(
        self, database: Database, annotations: Annotations, *, timeout_s: float, cooldown_s: float
    ) -> None:
        """`cooldown_s` is what holds where the workspace has no cooldown of its own."""
        self._database = database
        self._annotations = annotations
        self._timeout_s = timeout_s
        self._cooldown_s = cooldown_s

    def project_names(self) -> list[str]:
        """Return the projects that somebody made, by name."""
        return [row["project"] for row in self._read("select project from x_projects order by 1")]

    def descriptions(self) -> dict[str, tuple[str | None, datetime.datetime, datetime.datetime]]:
        """Return the projects that somebody made: description, when made, when changed."""
        return {
            row["project"]: (row["description"], row["created_at"], row["updated_at"])
            for row in self._read("select * from x_projects")
        }

    def put_project(self, project: str, description: str | None) -> None:
        """Make a project, or describe it anew."""
        now = _now()
        with self._writing() as cursor:
            there = cursor.execute(
                "select created_at from x_projects where project = ?", [project]
            ).fetchone()
            cursor.execute("delete from x_projects where project = ?", [project])
            cursor.execute(
                "insert into x_projects values (?, ?, ?, ?)",
                [project, description, there[0] if there else now, now],
            )

    def delete_project(self, project: str) -> None:
        """Forget that somebody made a project."""
        with self._writing() as cursor:
            cursor.execute("delete from x_projects where project = ?", [project])

    def link_key(self) -> bytes:
        """Return the secret by which addresses of files are signed; it is made when first asked."""
        found = self._read("select value from x_workspace where name = $name", name=LINK_KEY)
        if found:
            return bytes.fromhex(found[0]["value"])
        with self._writing() as cursor:
            kept = cursor.execute(
                "select value from x_workspace where name = ?", [LINK_KEY]
            ).fetchone()
            text = kept[0] if kept else secrets.token_hex(LINK_KEY_BYTES)
            if not kept:
                cursor.execute("insert into x_workspace values (?, ?)", [LINK_KEY, text])
        return bytes.fromhex(text)

    def configuration(self) -> str | None:
        """Return the workspace's settings as JSON, None while none is set."""
        found = self._read("select value from x_workspace where name = $name", name=CONFIGURATION)
        return found[0]["value"] if found else None

    def put_configuration(self, value: str | None, *, cooldown_s: float | None) -> None:
        """Set the workspace's settings, or (None) unset them; the cooldown holds at once."""
        with self._writing() as cursor:
            cursor.execute(
                "delete from x_workspace where name in (?, ?)", [CONFIGURATION, COOLDOWN]
            )
            if value is not None:
                cursor.execute("insert into x_workspace values (?, ?)", [CONFIGURATION, value])
            if cooldown_s is not None:
                cursor.execute("insert into x_workspace values (?, ?)", [COOLDOWN, str(cooldown_s)])
            _apply_cooldown(cursor, self._cooldown_s)

    def apply_cooldown(self) -> None:
        """Let the workspace's cooldown hold after a start, which sets the server's."""
        with self._writing() as cursor:
            _apply_cooldown(cursor, self._cooldown_s)

    def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind, the newest first."""
        rows = self._read(
            "select * from x_documents where kind = $kind order by created_at desc, id", kind=kind
        )
        return [Document(**row) for row in rows]

    def put_document(self, document: Document) -> None:
        """Store a document in place of the one of its id."""
        with self._writing() as cursor:
            named = [document.kind, document.id]
            cursor.execute("delete from x_documents where kind = ? and id = ?", named)
            cursor.execute(
                "insert into x_documents by name select $kind as kind, $id as id, $body as body,"
                " $created_at as created_at, $updated_at as updated_at",
                asdict(document),
            )

    def delete_documents(self, kind: str, ids: Sequence[str]) -> None:
        """Delete documents of a kind; one that is not here is no error."""
        with self._writing() as cursor:
            for one in ids:
                cursor.execute("delete from x_documents where kind = ? and id = ?", [kind, one])

    def attachments(
        self, entity: str, entity_ids: Sequence[str], project: str | None
    ) -> list[Attachment]:
        """Return the files beside some traces or spans, by name."""
        with self._database.reading(self._timeout_s) as cursor:
            if not self._database.holds_rows(cursor, "x_attachments"):
                return []
        named = {"entity": entity, "entity_ids": json_list(entity_ids), "project": project}
        return [Attachment(**row) for row in self._read(LIST_ATTACHMENTS_SQL, **named)]

    def attachment_bytes(self) -> int:
        """Return how large all files are together."""
        rows = self._read("select coalesce(sum(size_bytes), 0)::bigint as n from x_attachments")
        return int(rows[0]["n"])

    def put_attachments(self, files: Sequence[tuple[Attachment, bytes]]) -> None:
        """Store files, each in place of the one of its name beside the same trace or span."""
        with self._writing() as cursor:
            for made, data in files:
                _put_attachment(cursor, made, data)

    def attachment_data(self, made: Attachment) -> Iterator[bytes]:
        """Yield what a file holds, some megabytes at a time."""
        count = -(-made.size_bytes // CHUNK_BYTES)
        for at in range(0, count, CHUNKS_TOGETHER):
            given = {"id": made.id, "from": at, "upto": at + CHUNKS_TOGETHER}
            yield b"".join(row["data"] for row in self._read(ATTACHMENT_CHUNKS_SQL, **given))

    def delete_attachments(self, target: AttachmentTarget, file_names: Sequence[str]) -> None:
        """Delete files beside a trace or a span."""
        with self._writing() as cursor:
            _delete_attachments(cursor, target, file_names)

    def add_unlinked_scores(self, scores: Mapping[str, Sequence[NewScore]]) -> None:
        """Keep scores of spans that are not here, by the UUID of an SDK."""
        now = _now()
        rows = [
            {"record_id": record_id, **{n: getattr(score, n) for n in _SCORE}, "given_at": now}
            for record_id, some in scores.items()
            for score in some
        ]
        with self._writing() as cursor:
            append(cursor, "x_unlinked_scores", pa.Table.from_pylist(rows, schema=_UNLINKED))

    def has_unlinked(self) -> bool:
        """Return whether there may be something to link."""
        with self._database.reading(self._timeout_s) as cursor:
            return self._database.holds_rows(
                cursor, "x_unlinked_scores"
            ) or self._database.holds_rows(cursor, "x_attachments")

    def unlinked_spans(self) -> list[str]:
        """Return UUIDs of spans that were named before they were here: a thousand at most."""
        return [row["record_id"] for row in self._read(UNLINKED_SPANS_SQL)]

    def unlinked_scores(self, record_ids: Sequence[str]) -> dict[str, list[NewScore]]:
        """Return the scores that wait for some spans, in their order."""
        found: dict[str, list[NewScore]] = {}
        for row in self._read("select * from x_unlinked_scores order by given_at"):
            if row["record_id"] in record_ids:
                score = NewScore(**{name: row[name] for name in _SCORE})
                found.setdefault(row["record_id"], []).append(score)
        return found

    def link(self, trace_ids: Mapping[str, str], *, forget_before: datetime.datetime) -> None:
        """Say which trace spans are of, by UUID; scores that waited too long are forgotten."""
        with self._writing() as cursor:
            for record_id, trace_id in trace_ids.items():
                cursor.execute("delete from x_unlinked_scores where record_id = ?", [record_id])
                cursor.execute(
                    "update x_attachments set trace_id = ? where entity = 'span' and entity_id = ?",
                    [trace_id, record_id],
                )
            cursor.execute("delete from x_unlinked_scores where given_at < ?", [forget_before])

    def _read(self, text: str, **parameters: Any) -> list[dict[str, Any]]:
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(text, parameters)
            return dictionaries(cursor)

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with classified(), self._annotations.lock, self._database.transaction() as cursor:
            yield cursor


def _put_attachment(cursor: duckdb.DuckDBPyConnection, made: Attachment, data: bytes) -> None:
    _delete_attachments(cursor, made, [made.file_name])
    cursor.execute(
        "insert into x_attachments by name select $id as id, $project as project,"
        " $entity as entity, $entity_id as entity_id, $trace_id as trace_id,"
        " $file_name as file_name, $media_type as media_type,"
        " $size_bytes as size_bytes, $created_at as created_at",
        asdict(made),
    )
    for chunks in _chunks(made.id, data):
        append(cursor, "x_attachment_chunks", chunks)


_UNLINKED = pa.schema(
    [
        *((name, pa.string()) for name in ("record_id", "project", "name")),
        ("value", pa.float64()),
        *((name, pa.string()) for name in ("category", "reason", "source", "author")),
        ("given_at", pa.timestamp("us", "UTC")),
    ]
)


def _apply_cooldown(cursor: duckdb.DuckDBPyConnection, server_s: float) -> None:
    row = cursor.execute("select value from x_workspace where name = ?", [COOLDOWN]).fetchone()
    cursor.execute("delete from x_settings where name = ?", [COOLDOWN])
    cursor.execute(
        "insert into x_settings values (?, ?)", [COOLDOWN, row[0] if row else str(server_s)]
    )


def _delete_attachments(
    cursor: duckdb.DuckDBPyConnection, target: AttachmentTarget, file_names: Sequence[str]
) -> None:
    for file_name in file_names:
        named = [target.entity, target.entity_id, file_name]
        which = "select id from x_attachments where entity = ? and entity_id = ? and file_name = ?"
        cursor.execute(f"delete from x_attachment_chunks where id in ({which})", named)  # noqa: S608
        cursor.execute(f"delete from x_attachments where id in ({which})", named)  # noqa: S608


def _chunks(attachment_id: str, data: bytes) -> Iterator[pa.Table]:
    """Yield the rows of a file's chunks, some at a time."""
    step = CHUNK_BYTES * CHUNKS_TOGETHER
    for at in range(0, len(data), step):
        some = [
            data[i : i + CHUNK_BYTES] for i in range(at, min(at + step, len(data)), CHUNK_BYTES)
        ]
        first = at // CHUNK_BYTES
        yield pa.table(
            {
                "id": pa.array([attachment_id] * len(some), pa.string()),
                "chunk_index": pa.array(range(first, first + len(some)), pa.int32()),
                "data": pa.array(some, pa.binary()),
            }
        )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
