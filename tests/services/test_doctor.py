"""Doctor tells, for each library, the line that is missing. On recordings of the real ones."""

import json
import subprocess
import sys
import time

import pytest
from builders import a_chat, a_request, a_span, new_span_id, new_trace_id, of_now
from conftest import CAPTURES, request_files, scenarios
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads.services.libraries import LIBRARIES, library_of


def send(server, name: str) -> None:
    for file in request_files(CAPTURES / name):
        signal = "logs" if file.name.endswith(".logs.pb") else "traces"
        kind = "json" if file.suffix == ".json" else "x-protobuf"
        answer = server.post(file.read_bytes(), signal, content_type=f"application/{kind}")
        assert answer.status_code == 200
    server.wait_derived()


def findings(server, kind: str) -> list[dict]:
    return [f for f in server.get("/doctor")["findings"] if f["kind"] == kind]


def test_an_empty_server_says_where_to_send(make_server):
    server = make_server()
    (finding,) = server.get("/doctor")["findings"]
    assert finding["kind"] == "nothing_arrived"
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={server.otlp}" in finding["fix"]


@pytest.mark.parametrize(
    ("capture", "library", "line"),
    [
        ("litellm-otel", "litellm", "litellm_session_id=chat_id"),
        ("mlflow-openai", "mlflow", 'span.set_attribute("session.id", chat_id)'),
        ("agent-framework-openai", "agent-framework", "gen_ai.conversation.id"),
        ("openlit-openai-stream", "openlit", "openlit.using_attributes"),
        ("openinference-openai-agents-group-only", "openinference", "using_session(chat_id)"),
        ("livekit-agents-text", "livekit", "gen_ai.conversation.id"),
        ("traceloop-openai-agents", "traceloop", "set_association_properties"),
        ("plain-no-ids", "plain", "gen_ai.conversation.id"),
    ],
)
def test_a_library_without_ids_gets_its_own_line(make_server, capture, library, line):
    server = make_server()
    send(server, capture)
    (finding,) = findings(server, "no_thread_id")
    assert finding["library"] == library
    assert line in finding["fix"]
    shown = server.get(f"/traces/{finding['trace_ids'][0]}")
    assert shown["thread_id"] is None


def test_a_healthy_application_has_no_findings(make_server):
    server = make_server()
    for file in request_files(CAPTURES / "pydantic-ai-v5"):
        assert server.post(of_now(file.read_bytes())).status_code == 200
    server.wait_derived()
    report = server.get("/doctor")
    assert report["findings"] == []
    assert report["instrumentations"][0]["thread_id_sources"] == ["gen_ai.conversation.id"]


def test_content_that_is_off_is_told_with_its_switch(make_server):
    server = make_server()
    send(server, "otel-genai-openai-nocontent")
    found = [f for f in findings(server, "no_content") if f["library"] == "otel-genai"]
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only" in found[0]["fix"]
    assert findings(server, "no_thread_id") == []


@pytest.mark.parametrize(
    "recording", ["report-13-json-cut-at-1028", "report-18b-attribute-limit-oldest-evicted"]
)
def test_what_a_limit_cut_is_told(make_server, recording):
    server = make_server()
    send(server, recording)
    told = findings(server, "truncated")
    assert any("a limit of the sender cut texts" in one["summary"] for one in told)
    assert all("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" in one["fix"] for one in told)
    assert all(one["trace_ids"] for one in told)


def test_double_instrumentation_is_named(make_server):
    server = make_server()
    send(server, "double-instrumented-openai")
    (finding,) = findings(server, "double_instrumentation")
    assert "openinference.instrumentation.openai" in finding["summary"]
    assert "opentelemetry.instrumentation.openai.v1" in finding["summary"]


def test_a_scrubbed_id_is_told(make_server):
    server = make_server()
    send(server, "logfire-openai-agents")
    (finding,) = findings(server, "scrubbed_id")
    assert "gen_ai.conversation.id" in finding["fix"]


def test_clocks_that_differ_are_told(make_server):
    server = make_server()
    now, hour = time.time_ns(), 3600 * 10**9
    trace, parent = new_trace_id(), new_span_id()
    server.post(a_request(a_chat("t", "hi", "ho", start=now + hour), scope="ahead"))
    server.post(a_request(a_span(start=now, end_time_unix_nano=now - 10), scope="back"))
    server.post(a_request(a_span(start=now - 48 * hour), scope="late"))
    server.post(
        a_request(a_span(trace_id=trace, span_id=parent, start=now), resource={"service.name": "a"})
    )
    child = a_span(trace_id=trace, parent_span_id=parent, start=now - 5 * 10**9)
    server.post(a_request(child, resource={"service.name": "b"}))
    server.wait_derived()
    told = " ".join(f["summary"] for f in findings(server, "clock"))
    assert "ahead: 1 spans start more than 5 minutes after they arrived" in told
    assert "back: 1 spans end before they start" in told
    assert "late: 1 spans arrived more than a day after they started" in told
    assert "1 spans of b start before their parents in a, up to 5.0 s" in told


def test_the_command_shows_the_lines(make_server):
    server = make_server()
    send(server, "litellm-otel")
    command = [sys.executable, "-m", "otel_threads", "doctor", "--database", str(server.database)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "litellm_session_id=chat_id" in shown
    as_json = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(as_json.stdout)["findings"][0]["kind"] == "no_thread_id"


# Recorded, and without advice of their own: what any span can carry is their advice.
WITHOUT_ADVICE = {
    "opentelemetry.instrumentation.ag2",
    "opentelemetry.instrumentation.botocore.bedrock-runtime",
    "io.opentelemetry.openai-java-1.1",
    "@traceloop/instrumentation-langchain",
    "@traceloop/node-server-sdk",
}


def test_every_recorded_library_is_known():
    unknown = set()
    for folder in scenarios():
        if folder.name.startswith("report-"):  # made by hand after public reports
            continue
        for file in request_files(folder):
            if file.suffix == ".pb" and not file.name.endswith(".logs.pb"):
                request = ExportTraceServiceRequest.FromString(file.read_bytes())
                scopes = {s.scope.name for r in request.resource_spans for s in r.scope_spans}
                unknown |= {name for name in scopes if library_of(name).slug == "plain"}
    assert unknown == {"my-app", "handmade", "app", *WITHOUT_ADVICE}


def test_a_library_is_the_one_that_knows_most_of_the_name():
    assert library_of("openinference.instrumentation.langchain").slug == "langgraph"
    assert library_of("openinference.instrumentation.openai").slug == "openinference"
    assert library_of("air").slug == "plain"
    assert len({library.slug for library in LIBRARIES}) == len(LIBRARIES)


def test_placeholders_are_named_with_what_comes_of_them(make_server):
    server = make_server()
    now = time.time_ns()
    spans = [
        a_chat(None, "a", "b", start=now, attributes={"session.id": value})
        for value in ("unknown", "anonymous", "anonymous", "s-1")
    ]
    assert server.post(a_request(*spans, scope="app")).status_code == 200
    server.wait_derived()

    told = [(f["summary"], len(f["trace_ids"])) for f in findings(server, "placeholder_id")]
    assert [count for _, count in told] == [2, 1]
    assert "session.id is 'anonymous' on 2 spans, which is taken as an id" in told[0][0]
    assert "session.id is 'unknown' on 1 spans, which is no conversation's id" in told[1][0]
