"""Quack, DuckDB's own client-server protocol, for a live DuckDB shell or BI tool. Read only.

An extra: its extensions load on exactly one version of DuckDB, which `otel-threads[quack]` pins.
What keeps a client from more than reading: a token, a check of each query (below), and the
settings of the whole database (no files, no network, locked).
"""

import importlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from otel_threads.core.errors import DatabaseRefused
from otel_threads.store.external_sql import sql_functions

EXTENSIONS = ("httpfs", "quack")  # the second needs the first
PUBLIC = (
    "threads",
    "turns",
    "messages",
    "message_texts",
    "turn_pieces",
    "traces",
    "spans",
    "span_events",
    "span_links",
    "span_content",
    "calls",
    "scores",
    "comments",
    "log_records",
    "log_pieces",
    "saved_views",
    "scored_threads",
    "daily_usage",
    "slow_turns",
    "failed_turns",
    "issues",
    "tool_calls",
    "tool_stats",
)


@dataclass(frozen=True, slots=True)
class Quack:
    """A `database.database.Listener`: where Quack listens, and the token that its clients show."""

    host: str
    port: int
    token: str

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load the extensions and make every query pass the check; before the settings are locked.

        Raises:
            DatabaseRefused: the extra is not installed, or not for this DuckDB.
        """
        try:
            for name in EXTENSIONS:
                package = importlib.import_module(f"duckdb_extension_{name}")
                file = next(Path(str(package.__file__)).parent.rglob("*.duckdb_extension"))
                connection.execute(f"load '{file}'")
        except (ImportError, StopIteration, duckdb.Error) as error:
            reason = str(error).splitlines()[0]
            raise DatabaseRefused(
                f"quack_endpoint needs `pip install 'otel-threads[quack]'` ({reason})"
            ) from None
        functions = connection.execute(
            "select distinct function_type, lower(function_name) from duckdb_functions()"
        ).fetchall()
        refused = sorted(
            {name for kind, name in functions if _is_refused(kind, name)} | sql_functions.UNBOUNDED
        )
        # One SELECT, without what sql_functions.py refuses. A macro: Quack asks nothing else.
        connection.execute(
            "create macro otel_threads_authorize(session, asked) as case"
            " when json_extract_string(json_serialize_sql(asked::varchar), '$.error') = 'false'"
            " and json_array_length(json_serialize_sql(asked::varchar), '$.statements') = 1"
            " and not list_has_any(list_transform(json_extract_string("
            "json_serialize_sql(asked::varchar), '$..function_name'), lambda name: lower(name)),"
            f" {refused!r})"
            " then asked else error('only one SELECT is allowed') end"
        )
        connection.execute("set global quack_authorization_function = 'otel_threads_authorize'")

    def serve(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        """Listen, until the connection's database is closed. Clients see our tables as views.

        Raises:
            DatabaseRefused: the port is taken.
        """
        for name in PUBLIC:
            connection.execute(f"create view memory.main.{name} as from {catalog}.main.{name}")
        try:
            connection.execute(
                "select * from quack_serve($uri, token => $token)",
                {"uri": f"quack:{self.host}:{self.port}", "token": self.token},
            ).fetchall()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise DatabaseRefused(
                f"cannot listen on quack_endpoint {self.host}:{self.port}: {reason}"
            ) from None


def _is_refused(function_type: str, name: str) -> bool:
    """Return whether Quack's clients may not call a function, by what DuckDB says it is."""
    kind = "table" if function_type in ("table", "pragma", "table_macro") else "scalar"
    return not sql_functions.is_allowed(kind, name)
