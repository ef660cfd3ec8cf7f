"""How commands on this machine reach the data: a running server, else the file itself.

Either way they speak with `sdk.client.Client`: without a server, REST is answered in this process,
by on_file.py.
"""

import dataclasses
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from otel_threads.core import config as settings
from otel_threads.core.config import Config, endpoint
from otel_threads.handover import server_info
from otel_threads.sdk.client import Client
from otel_threads.sdk.result import SqlResult

RESTART_S = 15.0  # a supervisor starts a server anew within ten
RESTART_PAUSE_S = 0.1


def find_server(config: Config) -> str | None:
    """Return the REST address of the server that has the database open; None when none answers.

    The server info file beside the database says where. One that was killed answers nothing; where
    its supervisor is about to start it again, this waits: whoever opened the file in between would
    keep it from starting.
    """
    until = time.monotonic() + RESTART_S
    while True:
        info = server_info(config.database)
        address = _answering(config, info)
        if address or not _is_supervised(info) or time.monotonic() >= until:
            return address
        time.sleep(RESTART_PAUSE_S)


def _answering(config: Config, info: Mapping[str, Any]) -> str | None:
    if "http" in info:
        address = str(info["http"])
    elif Path(config.database).exists():
        return None
    else:
        # Somebody else's database behind the configured port is better than no answer.
        host, port = endpoint(config.http_endpoint, setting="http_endpoint")
        address = f"{host}:{port}"
    try:
        answer = httpx.get(
            f"{_scheme(config)}://{address}/healthz", timeout=2.0, verify=verify(config)
        )
    except httpx.HTTPError:
        return None
    return address if answer.status_code == 200 else None


def _is_supervised(info: Mapping[str, Any]) -> bool:
    """Return whether the supervisor of a server that does not answer is there."""
    try:
        os.kill(int(info["supervisor_pid"]), 0)
    except (KeyError, ValueError, TypeError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True  # somebody else's process
    return True


@contextmanager
def client(config: Config, *, writes: bool = False, token: str | None = None) -> Iterator[Client]:
    """Yield a client of the running server, else of the file, which is open meanwhile.

    Raises:
        DatabaseRefused: there is no server and no file, or the file cannot be used.
    """
    address = find_server(config)
    if address:
        with Client(
            f"{_scheme(config)}://{address}",
            token=token or config.write_token or config.read_token,
            verify=verify(config),
        ) as found:
            yield found
        return
    from otel_threads import on_file  # a second, which a server's answers need not

    with on_file.client(config, writes=writes) as found:
        yield found


class Connection:
    """Read-only SQL on a database, whether a server has it open or not."""

    def __init__(self, config: Config, token: str | None) -> None:
        # On a file of one's own nobody else is slowed: questions may be as large as they like.
        alone = dataclasses.replace(config, query_timeout_s=86_400.0, sql_rows_max=1 << 40)
        self._stack = ExitStack()
        self._client = self._stack.enter_context(client(alone, token=token))

    def sql(self, query: str, params: Any = None) -> SqlResult:
        """Run one SELECT: `connect(path).sql("from threads").df()`. See `Client.sql`."""
        found: SqlResult = self._client.sql(query, params)
        return found

    def close(self) -> None:
        """Let go of the file, or of the connections to the server."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(database: str | None = None, *, token: str | None = None) -> Connection:
    """Return read-only SQL on a database: through its server while one runs, else on the file.

    While a file is open here, no server can start on it: close it soon. `database` is the path of
    the file, else the setting. `token` is the server's read_token where it has one.

    Raises:
        DatabaseRefused: there is neither a server nor a file, or the file cannot be used.
    """
    overrides = {} if database is None else {"database": str(database)}
    return Connection(settings.load(overrides=overrides).config, token)


def _scheme(config: Config) -> str:
    return "https" if config.tls_cert_file else "http"


def verify(config: Config) -> Any:
    """Return what httpx takes as `verify` for this configuration's own server."""
    if not config.tls_cert_file:
        return True
    context = ssl.create_default_context(cafile=config.tls_cert_file)
    context.check_hostname = False  # the note says 127.0.0.1, the certificate some name
    return context
