"""DuckDBSpanExporter: the same file as a server would write, from inside a program."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest
from conftest import Server
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

import otel_threads

pytestmark = pytest.mark.slow  # starts programs

SCRIPT = """
import otel_threads
from opentelemetry import trace

tracer = trace.get_tracer("app")
with otel_threads.thread("chat-1", user_id="ada"):
    for text in ("Hello", "And again"):
        with tracer.start_as_current_span("chat", attributes={
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5,
            "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"%s"}]}]' % text,
            "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"Yes"}]}]',
        }):
            pass
"""
SET_UP = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
import otel_threads
provider = TracerProvider()
provider.add_span_processor(otel_threads.ThreadSpanProcessor())
provider.add_span_processor(BatchSpanProcessor(otel_threads.DuckDBSpanExporter({arguments})))
trace.set_tracer_provider(provider)
"""


def run(code: str, cwd: Path, *prefix: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTEST_"))}
    return subprocess.run(
        [*(prefix or (sys.executable,)), "-c", textwrap.dedent(code)],
        cwd=cwd,
        env={**clean, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def turns(database: Path) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(
            'select thread_id, turn_index, "user", assistant, input_tokens from turns order by 1, 2'
        ).fetchall()


EXPECTED = [("chat-1", 0, "Hello", "Yes", 10), ("chat-1", 1, "And again", "Yes", 10)]


def test_a_program_without_a_server(tmp_path):
    ran = run(SET_UP.format(arguments='"chats.duckdb"') + SCRIPT, tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert turns(tmp_path / "chats.duckdb") == EXPECTED
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chats.duckdb"]
    # Once more into the same file, and a server opens it afterwards.
    assert run(SET_UP.format(arguments='"chats.duckdb"') + SCRIPT, tmp_path).returncode == 0
    (tmp_path / "chats.duckdb").rename(tmp_path / "otel-threads.duckdb")
    server = Server(tmp_path).start()
    assert server.get("/threads/get", thread_id="chat-1")["turn_count"] == 4
    assert server.stop() == 0


def test_zero_code(tmp_path):
    """As `opentelemetry-instrument` does it: the SDK finds the exporter by its name."""
    code = """
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator
    _OTelSDKConfigurator()._configure(auto_instrumentation_version="1")
    import otel_threads
    from opentelemetry import trace
    trace.get_tracer_provider().add_span_processor(otel_threads.ThreadSpanProcessor())
    """
    ran = run(
        textwrap.dedent(code) + SCRIPT,
        tmp_path,
        OTEL_TRACES_EXPORTER="otel_threads",
        OTEL_METRICS_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
        OTEL_THREADS_DATABASE="zero.duckdb",
    )
    assert ran.returncode == 0, ran.stderr
    assert turns(tmp_path / "zero.duckdb") == EXPECTED


def test_a_server_that_holds_the_file_is_named_once(make_server):
    server = make_server()
    code = SET_UP.format(arguments=f'"{server.database}"').replace("Batch", "Simple") + SCRIPT
    ran = run(code, server.folder)
    assert ran.returncode == 0
    assert ran.stderr.count("spans are not stored") == 1
    assert f"in use by process {server.pid}" in ran.stderr
    assert "when_served='otlp'" in ran.stderr
    assert server.get("/status")["spans"] == 0


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_with_a_server_it_sends_when_told_to(make_server, by):
    server = make_server(ingest_token="in")
    arguments = f'"{server.database}"' + (', when_served="otlp"' if by == "argument" else "")
    env = {"OTEL_THREADS_INGEST_TOKEN": "in"}
    if by == "environment":
        env["OTEL_THREADS_WHEN_SERVED"] = "otlp"
    ran = run(SET_UP.format(arguments=arguments) + SCRIPT, server.folder, **env)
    assert (ran.returncode, ran.stderr) == (0, "")
    server.wait_derived()
    assert server.get("/threads/get", thread_id="chat-1")["turn_count"] == 2


def test_another_program_that_holds_the_file_is_named(tmp_path):
    exporter = otel_threads.DuckDBSpanExporter(tmp_path / "x.duckdb")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("x").start_span("a").end()
    provider.force_flush()
    ran = run(SET_UP.format(arguments='"x.duckdb", when_served="otlp"') + SCRIPT, tmp_path)
    assert f"in use by process {os.getpid()}" in ran.stderr
    provider.shutdown()
    assert run(SET_UP.format(arguments='"x.duckdb"') + SCRIPT, tmp_path).stderr == ""


def test_what_was_exported_is_on_disk_after_kill_9(tmp_path):
    code = (
        SET_UP.format(arguments='"x.duckdb"')
        + SCRIPT
        + """
trace.get_tracer_provider().force_flush()
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    assert run(code, tmp_path).returncode == -9
    otel_threads.DuckDBSpanExporter(tmp_path / "x.duckdb")  # opens nothing before the first export
    with duckdb.connect(str(tmp_path / "x.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from spans").fetchone() == (2,)
    # Whoever opens it next derives what was not derived.
    server = Server(tmp_path)
    server.database = tmp_path / "x.duckdb"
    server.start().wait_derived()
    server.stop()
    assert turns(tmp_path / "x.duckdb") == EXPECTED


def test_a_fork_before_the_first_export(tmp_path):
    code = (
        SET_UP.format(arguments='"x.duckdb"')
        + """
import os
pid = os.fork()
if pid == 0:
"""
        + textwrap.indent(SCRIPT, "    ")
        + """
    provider.shutdown()
    os._exit(0)
os.waitpid(pid, 0)
"""
    )
    assert run(code, tmp_path, PYTHONWARNINGS="ignore").returncode == 0
    assert turns(tmp_path / "x.duckdb") == EXPECTED


def test_feedback_needs_no_server(tmp_path):
    code = (
        SET_UP.format(arguments='"x.duckdb"')
        + SCRIPT
        + """
trace.get_tracer_provider().force_flush()
with otel_threads.thread("chat-1"):
    otel_threads.score("quality", 0.5)
    otel_threads.comment("hm")
    otel_threads.tag("vip")
"""
    )
    ran = run(code, tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    with otel_threads.connect(tmp_path / "x.duckdb") as connection:
        found = connection.sql(
            "select tags, comment_count, (select value from scores) from threads"
        ).fetchall()
    assert found == [(["vip"], 1, 0.5)]


def test_after_shutdown_it_refuses_and_wrong_arguments_are_told(tmp_path):
    exporter = otel_threads.DuckDBSpanExporter(tmp_path / "x.duckdb")
    exporter.shutdown()
    exporter.shutdown()
    assert exporter.export([]) is SpanExportResult.FAILURE
    assert exporter.force_flush() is True
    assert not (tmp_path / "x.duckdb").exists()
    with pytest.raises(ValueError, match="when_served"):
        otel_threads.DuckDBSpanExporter(tmp_path / "x.duckdb", when_served="maybe")
