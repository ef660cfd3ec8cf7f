"""What the server tells of itself: metrics, log lines, its own spans."""

import json
import subprocess
import sys

import httpx
import pytest
from builders import a_chat, a_request, a_span
from conftest import wait_until

from otel_threads.core.config import Config
from otel_threads.core.model import Request, Signal
from otel_threads.engine import Engine


def test_metrics(make_server):
    server = make_server()
    server.post(a_request(a_chat("t", "hi", "ho")))
    server.post(b"\x0a\xff")
    server.post(a_request(a_span(span_id=b"\1\2"), a_span(start_time_unix_nano=2**64 - 1)))
    server.wait_derived()
    httpx.post(f"{server.api}/sql", json={"sql": "select 1"})
    text = httpx.get(f"http://{server.addresses['http']}/metrics").text
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(found["otel_threads_sql_queries_total"]) == 1
    assert float(found["otel_threads_commits_total"]) == 1
    assert float(found["otel_threads_database_bytes"]) > 10_000
    assert float(found["otel_threads_log_bytes"]) > 0
    assert float(found["otel_threads_derive_lag_seconds"]) == 0
    assert 0 < float(found["otel_threads_duckdb_memory_bytes"]) <= 128 << 20
    if sys.platform == "linux":  # prometheus_client reads it from /proc
        assert float(found["process_resident_memory_bytes"]) > 50e6
    assert float(found['otel_threads_accepted_total{signal="traces"}']) == 1
    for reason, count in {"id": 1, "time": 1, "value": 0, "size": 0}.items():
        name = f'otel_threads_rejected_total{{reason="{reason}",signal="traces"}}'
        assert float(found[name]) == count
    assert float(found["otel_threads_unanswered_requests"]) == 0
    assert float(found["otel_threads_inflight_bytes"]) == 0
    refused = [
        name
        for name in found
        if name.startswith("otel_threads_requests_total") and "ok" not in name
    ]
    assert refused, text


def test_log_lines_as_json(make_server, tmp_path):
    server = make_server(log_format="json", otlp_http_endpoint="0.0.0.0:0")
    wait_until(lambda: server.stderr(), "a warning")
    line = json.loads(server.stderr().splitlines()[0])
    assert (line["level"], line["logger"]) == ("warning", "otel_threads.server")
    assert "without a token" in line["message"]
    assert line["time"].endswith("Z")


def test_own_spans_go_to_another_server(make_server):
    other = make_server()
    server = make_server(self_traces_endpoint=other.otlp)
    server.post(a_request(a_chat("secret-thread", "secret words", "ho")))
    server.wait_derived()
    httpx.post(f"{server.api}/sql", json={"sql": "select 'secret'"})
    server.stop()  # sends what waits
    other.wait_derived()
    spans = httpx.post(
        f"{other.api}/sql",
        json={
            "sql": "select name, count(*), any_value(service_name), list(attributes) from spans group by 1"
        },
    ).json()["rows"]
    assert {row[0] for row in spans} >= {"commit", "derive", "sql"}
    assert {row[2] for row in spans} == {"otel-threads"}
    assert "secret" not in json.dumps(spans)


@pytest.mark.long
def test_own_spans_never_go_to_the_server_itself(tmp_path):
    for endpoint, why in (("http://127.0.0.1:4318", "own port"), ("nonsense", "http://host:port")):
        ran = subprocess.run(
            [sys.executable, "-m", "otel_threads", "serve"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"OTEL_THREADS_SELF_TRACES_ENDPOINT": endpoint, "PATH": "/usr/bin"},
        )
        assert (ran.returncode, why in ran.stderr) == (2, True), ran.stderr


@pytest.mark.long
def test_passes_that_fail_are_told(tmp_path):
    engine = Engine(Config(database=str(tmp_path / "x.duckdb")))

    def send(thread):
        payload = a_request(a_chat(thread, "hi", "ho"))
        request = Request(signal=Signal.TRACES, payload=payload, received_unix_nano=1)
        engine.intake.submit(request).result(60)

    def derived():
        status = engine.services.threads.status()
        return status.derived_sequence == status.committed_sequence

    send("t")
    wait_until(derived, "the first is derived")
    assert engine.services.threads.status().derive_error is None
    with engine.database.cursor() as cursor:
        cursor.begin()  # changes what the deriver writes to, so that its passes fail
        cursor.execute("alter table messages add column more varchar")
        send("u")
        wait_until(lambda: engine.services.threads.status().derive_error, "a pass fails")
        told = engine.services.threads.status().derive_error
        assert told == "the database refused: TransactionException"
        assert engine.trouble() is None, "spans are taken all the same"
        cursor.rollback()
    wait_until(derived, "the next pass derives it")
    assert engine.services.threads.status().derive_error is None
    assert engine.services.threads.status().threads == 2
    engine.close()
