"""Lakes for tests: a real PostgreSQL or SQLite as the catalog, a folder for the files."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port

from otel_threads.lake import connection, layout
from otel_threads.lake.connection import Place
from otel_threads.lake.native import native
from otel_threads.store.records import record_rows

needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("duckdb_extension_ducklake") is None,
    reason="runs in test_in_lake_environment.py",
)
PASSWORD = "a-secret-of-the-catalog"


# When something was received, and in which commit, is of the node that took it.
OF_A_NODE = {
    "ingest_seq",
    "received_at",
    "created_at",
    "updated_at",
    "last_trace_at",
    "first_sequence",
    "last_sequence",
    "last_trace_sequence",
    "trace_sequence",
    "received_unix_nano",
    "created_unix_nano",
    "chunk_index",
    "chain_id",
    "chain_row",
    "chain_chars",
}
COMPARED = (
    "spans",
    "span_events",
    "span_links",
    "span_content",
    "traces",
    "x_trace_slices",
    "calls",
    "x_thread_facts",
    "turns",
    "messages",
)


class Postgres:
    """A PostgreSQL of its own, as another user where we are root: it refuses to be root's."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="otel-threads-postgres-"))
        self._as: list[str] = []
        if os.geteuid() == 0:
            self._as = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
            shutil.chown(self.folder, "nobody", "nogroup")
        self.port = free_port()
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        self.data = self.folder / "data"
        self._run(
            "initdb",
            "-D",
            self.data,
            "-U",
            "lake",
            "-A",
            "scram-sha-256",
            "--pwfile",
            password_file,
            "-E",
            "UTF8",
        )
        self.start()

    def _run(self, *command: object) -> None:
        ran = subprocess.run(
            [*self._as, *map(str, command)], capture_output=True, text=True, cwd=self.folder
        )
        assert ran.returncode == 0, ran.stderr + ran.stdout

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = self.folder / "log"
        with (self.folder / "pg_ctl").open("w") as output:  # a pipe would stay open in the server
            done = subprocess.run(
                [*self._as, "pg_ctl", "-D", self.data, "-o", options, "-w", "-l", log, "start"],
                cwd=self.folder,
                stdout=output,
                stderr=output,
            )
        assert done.returncode == 0, log.read_text()

    def stop(self, *, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """Kill its process and all of its sessions'."""
        import psutil

        server = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        everyone = [server, *server.children(recursive=True)]
        for process in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(everyone, timeout=60)

    def close(self) -> None:
        with contextlib.suppress(AssertionError):  # a test may have stopped it
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self, name: str) -> str:
        """Make a database; return its address as an operator writes it."""
        address = f"postgresql://lake:{PASSWORD}@127.0.0.1:{self.port}"
        done = subprocess.run(
            ["psql", "-q", f"{address}/postgres", "-c", f"create database {name}"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return f"{address}/{name}"


@contextlib.contextmanager
def reading(where: Place) -> Iterator:
    """Yield a plain DuckDB with the lake attached, as an analyst has it."""
    with contextlib.closing(
        connection.connect(
            where, name="lake", application="reader", memory_limit_bytes=256 << 20, read_only=True
        )
    ) as found:
        found.execute("use lake")
        yield found


def rows(cursor, table: layout.Shipped) -> list[str]:
    """Return the rows of a table, whatever their order."""
    columns = ", ".join(f'"{name}"' for name in native().tables[table.name])
    if table.name == "x_content_chunks":  # values of chains are shipped whole
        columns = "project, trace_id, span_id, start_time, event_index, key, value"
        return sorted(map(repr, cursor.execute(f"select {columns} from span_content").fetchall()))
    found = cursor.execute(f"select {columns} from {table.name}").fetchall()
    if table.name == "x_sdk_records":  # long bodies stand apart in a file
        return sorted(map(repr, _whole(cursor, found)))
    return sorted(map(repr, found))


def _whole(cursor, records: list[tuple]) -> list[tuple]:
    if all(one[-1] is not None for one in records):
        return records
    names = list(native().tables["x_sdk_records"])
    ids = sorted({str(one[names.index("record_id")]) for one in records})
    stored, _ = record_rows.read(cursor, ids, upto=1 << 40)
    bodies = {(one.sequence, one.place): one.record.body for one in stored}
    at = names.index("ingest_seq"), names.index("place")
    return [(*one[:-1], bodies[tuple(one[i] for i in at)]) for one in records]


def unlike(database, where: Place) -> list[str]:
    """Return the tables of which the lake has other rows than a file, its only node's."""
    different = []
    with reading(where) as lake, database.cursor() as native_cursor:
        filled = {
            name
            for (name,) in lake.execute(
                "select table_name from ducklake_table_info('lake') where file_count > 0"
            ).fetchall()
        }
        for table in layout.TABLES:
            if not (rows(native_cursor, table) or table.name in filled):
                continue
            ours, theirs = rows(native_cursor, table), rows(lake, table)
            if ours != theirs:
                missing = [one for one in ours if one not in theirs][:2]
                extra = [one for one in theirs if one not in ours][:2]
                different.append(
                    f"{table.name}: {len(ours)} rows, {len(theirs)} in the lake;"
                    f" missing {missing}; too many {extra}"
                )
    return different


def differences_of(one_node, lake) -> list[str]:
    """Return how the rows of several nodes differ from those of one node with all spans.

    Both are cursors; what is of the node that took something is left out.
    """
    different = []
    for name in COMPARED:
        ours, theirs = Counter(_rows_of(one_node, name)), Counter(_rows_of(lake, name))
        missing, extra = list((ours - theirs).elements()), list((theirs - ours).elements())
        if missing or extra:
            different.append(
                f"{name}: {ours.total()} rows, {theirs.total()} in the lake; {len(missing)} are"
                f" missing, such as {missing[:2]}; {len(extra)} too many, such as {extra[:2]}"
            )
    return different


def _rows_of(cursor, name: str) -> list[str]:
    content = ("project", "trace_id", "span_id", "start_time", "event_index", "key", "value")
    named = content if name == "span_content" else native().tables[name]
    columns = ", ".join(f'"{one}"' for one in named if one not in OF_A_NODE)
    found = cursor.execute(f"select {columns} from {name}").fetchall()
    return [repr(tuple(_known(value) for value in row)) for row in found]


def _known(value: object) -> object:
    return float(f"{value:.9g}") if isinstance(value, float) else value
