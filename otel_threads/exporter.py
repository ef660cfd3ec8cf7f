"""An OpenTelemetry SDK exporter that writes straight into a DuckDB file, without a server.

The same path as a server's: decode, store, derive. So the same tables, from the same code.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Sequence
from typing import Literal

import httpx
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_threads import local, on_file
from otel_threads.core import config as settings
from otel_threads.core.config import Config
from otel_threads.core.errors import DatabaseRefused, OtelThreadsError, Overloaded
from otel_threads.core.model import Request, Signal
from otel_threads.engine import Engine
from otel_threads.handover import server_info
from otel_threads.sdk import feedback

logger = logging.getLogger(__name__)
WHEN_SERVED = "OTEL_THREADS_WHEN_SERVED"
EXPORT_TIMEOUT_S = 30.0
DERIVE_TIMEOUT_S = 30.0
ATTEMPTS_MAX = 5
RETRY_STATUSES = (429, 502, 503, 504)


class DuckDBSpanExporter(SpanExporter):
    """Writes spans into a DuckDB file of this process; `OTEL_TRACES_EXPORTER=otel_threads`.

        provider.add_span_processor(BatchSpanProcessor(DuckDBSpanExporter("chats.duckdb")))

    The file is this process's until `shutdown`: opened at the first export (so after a fork), with
    conversations derived in the background. The settings of `otel-threads serve` that are about the
    data hold here too, from the environment or `otel-threads.toml`.

    Args:
        database: the file; else the setting `database`.
        when_served: what to do when a server has the file open: `error` (the exports fail, the log
            says why, once), or `otlp` (send to that server). Else OTEL_THREADS_WHEN_SERVED.
    """

    def __init__(
        self,
        database: str | os.PathLike[str] | None = None,
        *,
        when_served: Literal["error", "otlp"] | None = None,
    ) -> None:
        chosen = when_served or os.environ.get(WHEN_SERVED) or "error"
        if chosen not in ("error", "otlp"):
            raise ValueError(f"when_served is error or otlp, not {chosen!r}")
        overrides = {} if database is None else {"database": os.fspath(database)}
        self._config: Config = settings.load(overrides=overrides).config
        self._when_served = chosen
        self._lock = threading.Lock()  # guards what follows
        self._engine: Engine | None = None
        self._served_at: str | None = None  # OTLP/HTTP address of the server that has the file
        self._refused_before = False
        self._closed = False
        self._pid = os.getpid()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Store the spans; what this answers SUCCESS to is on disk."""
        try:
            payload = encode_spans(spans).SerializeToString()
            with self._lock:
                if self._closed:
                    return SpanExportResult.FAILURE
                engine = self._open()
            if engine is None:
                self._send(payload)
            else:
                self._store(engine, payload)
        except OtelThreadsError as error:
            if not self._refused_before:
                logger.error("spans are not stored: %s", error)
            self._refused_before = True
            return SpanExportResult.FAILURE
        except Exception:
            logger.exception("spans are not stored")
            return SpanExportResult.FAILURE
        self._refused_before = False
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until what was stored is in the conversations too; False when the time was up."""
        with self._lock:
            engine = self._engine
        if engine is None:
            return True
        return engine.deriver.wait(engine.writer.committed_sequence, timeout_millis / 1000)

    def shutdown(self) -> None:
        """Derive what is stored, checkpoint the WAL and close the file. Safe to call twice."""
        with self._lock:
            self._closed = True
            engine, self._engine = self._engine, None
        if engine is not None and self._pid == os.getpid():
            atexit.unregister(self.shutdown)
            feedback.use(None)
            engine.deriver.wait(engine.writer.committed_sequence, DERIVE_TIMEOUT_S)
            engine.close()

    def _open(self) -> Engine | None:
        """Return the engine on the file, None when a server has it and gets the spans."""
        if self._pid != os.getpid():  # after a fork the file is the parent's
            self._engine, self._pid = None, os.getpid()
        if self._engine is None and self._served_at is None:
            try:
                self._engine = Engine(self._config)
            except DatabaseRefused as error:
                self._served_at = self._address_of_server(error)
                return None
            atexit.register(self.shutdown)
            feedback.use(on_file.in_process(self._engine.services))
        return self._engine

    def _address_of_server(self, error: DatabaseRefused) -> str:
        if not local.find_server(self._config):
            raise error
        note = server_info(self._config.database)
        if self._when_served == "error" or "otlp_http" not in note:
            raise DatabaseRefused(
                f"{error} To send the spans to that server, give when_served='otlp' or set "
                f"{WHEN_SERVED}=otlp."
            )
        return str(note["otlp_http"])

    def _store(self, engine: Engine, payload: bytes) -> None:
        deadline = time.monotonic() + EXPORT_TIMEOUT_S
        while True:
            try:
                engine.intake.reserve(len(payload))
                break
            except Overloaded:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        try:
            request = Request(
                signal=Signal.TRACES, payload=payload, received_unix_nano=time.time_ns()
            )
            outcome = engine.intake.submit(request).result(EXPORT_TIMEOUT_S)
        finally:
            engine.intake.release(len(payload))
        if outcome.rejected:
            logger.warning("%d spans were refused: %s", outcome.rejected, outcome.message)

    def _send(self, payload: bytes) -> None:
        headers = {"content-type": "application/x-protobuf"}
        if self._config.ingest_token:
            headers["authorization"] = f"Bearer {self._config.ingest_token}"
        scheme = "https" if self._config.tls_cert_file else "http"
        pause_s = 0.2
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                answer = httpx.post(
                    f"{scheme}://{self._served_at}/v1/traces",
                    content=payload,
                    headers=headers,
                    timeout=EXPORT_TIMEOUT_S,
                    verify=local.verify(self._config),
                )
            except httpx.HTTPError as error:
                if attempt == ATTEMPTS_MAX:
                    self._served_at = None  # gone: the next export looks who has the file now
                    raise DatabaseRefused(f"the server does not answer: {error}") from None
            else:
                if answer.is_success:
                    return
                if answer.status_code not in RETRY_STATUSES or attempt == ATTEMPTS_MAX:
                    raise DatabaseRefused(f"the server answered {answer.status_code}")
            time.sleep(pause_s)
            pause_s *= 2
