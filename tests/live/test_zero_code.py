"""`opentelemetry-instrument` with our exporter: a DuckDB file from a program that knows of neither."""

import os
import subprocess
from pathlib import Path

import duckdb
import pytest

from live import environments
from live.fake_model import FakeModel

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.live
def test_a_program_is_instrumented_into_a_file(tmp_path):
    folder = environments.made(
        "openai_chat",
        [
            str(ROOT),
            "openai",
            "opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-instrumentation-genai-openai",
            "opentelemetry-distro",
        ],
    )
    model = FakeModel()
    ran = subprocess.run(
        [
            str(folder / "bin/opentelemetry-instrument"),
            str(folder / "bin/python"),
            str(environments.HERE / "zero_code.py"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTEST_"))},
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "OTEL_TRACES_EXPORTER": "otel_threads",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_THREADS_DATABASE": "chats.duckdb",
            "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "none",
        },
    )
    model.close()
    assert ran.returncode == 0, ran.stderr[-4000:]
    with duckdb.connect(str(tmp_path / "chats.duckdb"), read_only=True) as connection:
        found = connection.execute(
            'select thread_id, "user", assistant from turns order by thread_id, turn_index'
        ).fetchall()
    assert found == [
        ("live-1", "Hello there", "You said: Hello there"),
        ("live-1", "And again", "You said: And again"),
        ("live-2", "Bonjour", "You said: Bonjour"),
    ]
