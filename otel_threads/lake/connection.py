"""How the lake is reached: extensions of DuckDB, catalog, storage, and locks in the catalog.

The catalog's address holds a password. No error that leaves this file holds the address.
"""

import contextlib
import datetime
import fcntl
import importlib
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import duckdb

from otel_threads.core.errors import DatabaseRefused, NotConfigured, StoreFailed

POSTGRES, SQLITE = "postgres", "sqlite"
EXTENSIONS = {
    POSTGRES: ("postgres_scanner", "ducklake"),
    SQLITE: ("sqlite_scanner", "ducklake"),
}
APPLICATION = "otel-threads"  # how sessions name themselves in pg_stat_activity
ENDED_S_MAX = 15.0  # for sessions of a process that was killed to be gone
POLL_S = 0.05
RETRIES_MAX, RETRY_WAIT_MS = 100, 20  # DuckLake's own: its defaults give up after 10
CONNECT_TIMEOUT_S = 10
S3_FILE_BYTES_MAX = 50 << 30  # a 10,000th is what each file that is written takes of memory
S3_UPLOADS_MAX = 4  # parts of a file under way at once
OPTIONS = {"parquet_compression": "zstd", "parquet_row_group_size": "8192"}
# What several processes that begin with an empty catalog at once are told, all but one.
AT_ONCE = ("already exists", "duplicate key", "concurrent update", "database is locked")
REPEATED_MAX = 10
NO_COMMIT = "Failed to commit"
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
_CATALOG_URI = re.compile(r"\b(postgres(?:ql)?://)[^\s\"']+")
_URI_PASSWORD = re.compile(r"(?<=:)[^:@/\s]+(?=@)")
_FIELD = re.compile(
    r"\b(password|secret|token|host|hostaddr|port|user|dbname)\s*=\s*('[^']*'|\S+)", re.IGNORECASE
)
# What PostgreSQL and libpq say of an address: `server at "db.example" (10.0.0.1), port 5432`,
# `for user "lake"`, `could not translate host name "db.example" to address`.
_SERVER = re.compile(r'\bat "[^"]*"(?: \([^)]*\))?, port \d+')
_NAMED = re.compile(r'\b(socket|user|role|database|host|host name) "[^"]*"')


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lake is: its catalog, the folder or bucket of its files, S3's credentials."""

    catalog: str
    data: str
    s3: Mapping[str, str]

    @property
    def kind(self) -> str:
        """What keeps the catalog: PostgreSQL, or SQLite on one machine."""
        return SQLITE if self.catalog.startswith("sqlite:") else POSTGRES

    def dsn(self, application: str) -> str:
        """Return the catalog's address as libpq takes it, with the name that a session gets."""
        given = self.catalog
        if given.startswith(("postgres://", "postgresql://")):
            mark = "&" if "?" in given else "?"
            return (
                f"{given}{mark}application_name={application}&connect_timeout={CONNECT_TIMEOUT_S}"
            )
        return f"{given} application_name={application} connect_timeout={CONNECT_TIMEOUT_S}"

    def without_secrets(self, text: str) -> str:
        """Return an error's text without addresses, names of users and passwords."""
        for secret in (self.catalog, *self.s3.values()):
            text = text.replace(secret, "…") if secret else text
        text = _CATALOG_URI.sub(r"\1…", text)
        text = _URI_PASSWORD.sub("…", _FIELD.sub(r"\1=…", text))
        text = _NAMED.sub(r"\1 …", _SERVER.sub("at …", text))
        return text.splitlines()[0] if text else text


def place(catalog: str | None, data: str | None, environ: Mapping[str, str] = os.environ) -> Place:
    """Return the place that settings name; S3's credentials come from the usual variables.

    Raises:
        NotConfigured: a setting is missing.
    """
    if not catalog or not data:
        missing = "lake_catalog" if not catalog else "lake_data"
        raise NotConfigured(f"there is no lake without the setting {missing}: see docs/lake.md")
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    s3 = {
        "key_id": environ.get("AWS_ACCESS_KEY_ID", ""),
        "secret": environ.get("AWS_SECRET_ACCESS_KEY", ""),
        "session_token": environ.get("AWS_SESSION_TOKEN", ""),
        "region": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "",
        "endpoint": endpoint.partition("://")[2] or endpoint,
        "use_ssl": "false" if endpoint.startswith("http://") else "true",
        "url_style": "path" if endpoint else "vhost",
    }
    return Place(catalog, data, s3 if data.startswith("s3://") else {})


def connect(
    where: Place,
    *,
    name: str,
    application: str,
    memory_limit_bytes: int,
    read_only: bool,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> duckdb.DuckDBPyConnection:
    """Return a connection to a DuckDB of its own in memory, with the lake attached as `name`.

    Raises:
        DatabaseRefused: the extra is not installed, or not for this DuckDB.
        StoreFailed: the catalog or the storage does not answer.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            **settings,
            "memory_limit": f"{memory_limit_bytes}B",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    try:
        load_extensions(connection, where)
        with told(where):
            connection.execute("set global TimeZone = 'UTC'")
            connection.execute(f"set global ducklake_max_retry_count = {RETRIES_MAX}")
            connection.execute(f"set global ducklake_retry_wait_ms = {RETRY_WAIT_MS}")
            _set_storage(connection, where)
            _repeated(connection, _attach_sql(where, name, application, read_only=read_only))
            if not read_only:
                _set_options(connection, name)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_options(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Set what is not set yet: who writes to the catalog is in the way of others' commits."""
    rows = connection.execute(f"from ducklake_options('{name}')").fetchall()
    known = {option: value for option, _, value, *_ in rows}
    for option, value in OPTIONS.items():
        if known.get(option) != value:
            _repeated(connection, f"call {name}.set_option('{option}', '{value}')")


def _repeated(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Run a statement that makes the same of the catalog whoever runs it: one of several fails."""
    for left in range(REPEATED_MAX - 1, -1, -1):
        try:
            connection.execute(text)
        except duckdb.Error as error:
            if not left or not any(one in str(error) for one in AT_ONCE):
                raise
            time.sleep(POLL_S)
        else:
            return


def load_extensions(connection: duckdb.DuckDBPyConnection, where: Place) -> None:
    """Load what reaches the lake, from packages: nothing is downloaded.

    Raises:
        DatabaseRefused: they are not installed, or not for this DuckDB.
    """
    names = (*EXTENSIONS[where.kind], *(("httpfs",) if where.s3 else ()))
    try:
        for name in names:
            package = importlib.import_module(f"duckdb_extension_{name}")
            file = next(Path(str(package.__file__)).parent.rglob("*.duckdb_extension"))
            connection.execute(f"load '{file}'")
    except (ImportError, StopIteration, duckdb.Error) as error:
        why = next(iter(str(error).splitlines()), "its file is missing")
        raise DatabaseRefused(
            f"lake_catalog needs `pip install 'otel-threads[lake]'` ({why})"
        ) from None


def keep_keys_from_catalog(connection: duckdb.DuckDBPyConnection) -> None:
    """Ask the catalog for the files of no key that a join finds: slower, and right for each key."""
    connection.execute("set disabled_optimizers = 'join_filter_pushdown'")


@contextlib.contextmanager
def told(where: Place) -> Iterator[None]:
    """Turn DuckDB's errors into ours, without the secrets that they quote."""
    try:
        yield
    except duckdb.Error as error:
        shown = str(error)
        if NO_COMMIT in shown:  # the next line says why
            shown = " ".join(shown.splitlines()[:3])
        text = where.without_secrets(shown)
        raise StoreFailed(f"the lake did not take or give it: {text}") from None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _set_storage(connection: duckdb.DuckDBPyConnection, where: Place) -> None:
    if not where.s3:
        return
    connection.execute(f"set global s3_uploader_max_filesize = '{S3_FILE_BYTES_MAX}B'")
    connection.execute(f"set global s3_uploader_thread_limit = {S3_UPLOADS_MAX}")
    given = ", ".join(f"{key} {_quoted(value)}" for key, value in where.s3.items() if value)
    connection.execute(f"create secret lake_storage (type s3, provider config, {given})")


def _attach_sql(where: Place, name: str, application: str, *, read_only: bool) -> str:
    if where.kind == SQLITE:
        address = f"ducklake:{where.catalog}"
        options = [f"data_path {_quoted(where.data)}", "meta_journal_mode 'WAL'"]
    else:
        address = f"ducklake:postgres:{where.dsn(application)}"
        options = [f"data_path {_quoted(where.data)}"]
    # Rows of kilobytes are slow in the catalog: 108 ms instead of 14 for a hundred of them.
    options.append("read_only" if read_only else "data_inlining_row_limit 0")
    return f"attach {_quoted(address)} as {name} ({', '.join(options)})"


def catalog_time(
    connection: duckdb.DuckDBPyConnection, where: Place, name: str
) -> datetime.datetime:
    """Return the time by the catalog's clock, or by this machine's where that is earlier.

    So a clock that jumped forward, on the one or the other, makes nothing old. `name`: the lake's.
    """
    here = datetime.datetime.now(datetime.UTC)
    if where.kind == SQLITE:
        return here
    row = connection.execute(
        "select told from postgres_query($catalog, 'select clock_timestamp() as told')",
        {"catalog": f"__ducklake_metadata_{name}"},
    ).fetchone()
    return min(here, row[0]) if row else here


@contextlib.contextmanager
def let_go_of(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection, and close it at the end."""
    try:
        yield connection
    finally:
        close(connection)


def close(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection to the catalog, which may be gone.

    Closed within a transaction, DuckDB rolls back in a destructor; where the catalog is gone that
    throws, and ends the process.
    """
    with contextlib.suppress(duckdb.Error):
        connection.execute("rollback")
    connection.close()


class CatalogLock:
    """A lock that all processes of a lake share, held while `held` is open: in PostgreSQL an
    advisory lock of a transaction, beside SQLite a file's lock. It goes with its process."""

    def __init__(self, where: Place, number: int) -> None:
        """`number` says which lock."""
        self._where = where
        self._number = number
        self._session: duckdb.DuckDBPyConnection | None = None
        self._asking = threading.Lock()  # the session is for one thread at a time

    def is_held(self) -> bool:
        """Return whether the lock is held here still. False where the catalog does not answer."""
        if self._where.kind == SQLITE:
            return True
        asked = (
            "select count(*) as mine from pg_locks where locktype = 'advisory' and granted"  # noqa: S608  # ours
            f" and pid = pg_backend_pid() and objid = {self._number}"
        )
        try:
            return bool(self._asked(asked))
        except duckdb.Error:
            return False

    def _asked(self, text: str) -> int:
        """Return the number that a query of PostgreSQL finds, 0 where the lock is not held."""
        with self._asking:
            if self._session is None:
                return 0
            row = self._session.execute(
                "select * from postgres_query('pg', $asked)", {"asked": text}
            ).fetchone()
        return int(row[0]) if row else 0

    def is_wanted(self) -> bool:
        """Return whether somebody waits for the lock that is held here."""
        if self._session is None:  # who holds a file's lock does not see it
            return self._where.kind == SQLITE
        asked = (
            "select count(*) as waiting from pg_locks where locktype = 'advisory' and not granted"  # noqa: S608  # ours
            f" and database = (select oid from pg_database where datname = current_database())"
            f" and objid = {self._number}"
        )
        with told(self._where):
            return bool(self._asked(asked))

    @contextlib.contextmanager
    def held(self, *, wait: bool) -> Iterator[bool]:
        """Yield whether the lock is had; `wait` until it is.

        Raises:
            StoreFailed: the catalog does not answer.
        """
        if self._where.kind == SQLITE:
            with self._file_lock(wait=wait) as has_lock:
                yield has_lock
            return
        with let_go_of(_postgres(self._where, f"{APPLICATION}-lock")) as session:
            with told(self._where):
                session.execute("begin")
                function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
                asked = f"select {function}({self._number})::text as taken"
                row = session.execute(
                    "select taken from postgres_query('pg', $asked)", {"asked": asked}
                ).fetchone()
            self._session = session
            try:
                yield wait or bool(row and row[0] in ("t", "true"))
            finally:
                with self._asking:
                    self._session = None

    @contextlib.contextmanager
    def _file_lock(self, *, wait: bool) -> Iterator[bool]:
        path = Path(f"{self._where.catalog.removeprefix('sqlite:')}.lock{self._number}")
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True


def end_sessions(where: Place, application: str) -> None:
    """End what an earlier process of this name may still do in the catalog, and wait for its end.

    A COMMIT that was sent just before a kill is either done afterwards, or never.

    Raises:
        StoreFailed: the catalog does not answer, or a session does not end.
    """
    if where.kind == SQLITE:  # it ends with its process
        return
    asked = (
        "select count(pg_terminate_backend(pid)) as ended from pg_stat_activity"  # noqa: S608  # ours
        f" where application_name = '{application}'"
    )
    until = time.monotonic() + ENDED_S_MAX
    with let_go_of(_postgres(where, f"{APPLICATION}-fence")) as session, told(where):
        while True:
            row = session.execute(
                "select ended from postgres_query('pg', $asked)", {"asked": asked}
            ).fetchone()
            if not row or not row[0]:
                return
            if time.monotonic() >= until:
                raise StoreFailed("an earlier session of this node in the catalog does not end")
            time.sleep(POLL_S)


def _postgres(where: Place, application: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "threads": 1,
        },
    )
    try:
        load_extensions(connection, where)
        with told(where):
            address = _quoted(where.dsn(application))
            connection.execute(f"attach {address} as pg (type postgres)")
    except BaseException:
        connection.close()
        raise
    return connection
