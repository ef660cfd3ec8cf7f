"""Names in headers, attributes and bodies that would steer a log, a terminal or a page."""

import json
import socket

import grpc
import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from otel_threads import names
from otel_threads.core.errors import InvalidPayload
from otel_threads.receive import auth
from otel_threads.receive.auth import Senders

HEADERS = ("x-otel-threads-project", "projectname", "langsmith-project")
BAD = {
    "escape": b"a\x1b[31mb",
    "delete": b"a\x7fb",
    "backspace": b"a\x08b",
    "c1": "a\x9b31m".encode(),
    "next line": "a\x85b".encode(),
    "right to left": "a\u202eb".encode(),
    "isolate": "a\u2066b".encode(),
    "mark": "a\u200eb".encode(),
    "no width": "a\u200bb".encode(),
    "separator": "a\u2028b".encode(),
    "tag": "a\U000e0041b".encode(),
    "not UTF-8": b"a\xff\xfeb",
    "overlong UTF-8": b"a\xc0\xafb",
    "half a pair": b"a\xed\xa0\x80b",
    "too long": b"n" * 201,
    "much too long": b"n" * 30_000,
    "too long in UTF-8": "ä".encode() * 201,
}
# These end a header, or are refused by HTTP itself: whatever is answered, no such project is made.
BROKEN = {
    "line feed": b"a\nb",
    "carriage return": b"a\rb",
    "a second header": b"a\r\nx-evil: 1",
    "a second request": b"a\r\n\r\nGET /evil HTTP/1.1\r\n\r\n",
    "nul": b"a\x00b",
}
GOOD = (
    "plain",
    "with blanks inside",
    "ä ö 日本",
    "\U0001f469\u200d\U0001f680",
    "n" * 200,
    "%0d%0a",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    server = Server(tmp_path_factory.mktemp("names")).start()
    yield server
    assert server.stop() == 0


def export(server: Server, header: str, value: bytes) -> tuple[int, bytes]:
    """Send one span over a socket of our own: no client would write such headers."""
    body = a_request(a_chat("t", "hi", "ho"))
    host, port = server.addresses["otlp_http"].split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
            b"content-type: application/x-protobuf\r\n"
            + f"content-length: {len(body)}\r\n{header}: ".encode()
            + value
            + b"\r\n\r\n"
            + body
        )
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:  # it closed before it had read all
            pass
    status = answer.split(b" ", 2)[1] if answer.startswith(b"HTTP/") else b"0"
    return int(status), answer


def projects(server: Server) -> list[str]:
    return [row["project"] for row in server.get("/projects")["items"]]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("kind", BAD)
def test_a_header_that_is_no_name_is_refused_by_its_name(server, header, kind):
    before = server.get("/status")["spans"]
    status, answer = export(server, header, BAD[kind])
    assert status == 400, answer
    if kind != "much too long" and not {"escape", "delete", "backspace"} & {kind}:
        assert header.encode() in answer.partition(b"\r\n\r\n")[2]
    assert BAD[kind] not in answer
    assert server.get("/status")["spans"] == before


@pytest.mark.parametrize("kind", BROKEN)
def test_a_header_that_http_cannot_hold_makes_no_project(server, kind):
    export(server, HEADERS[0], BROKEN[kind])
    assert set(projects(server)) <= {"a", "b", "default", "new", *GOOD}
    assert httpx.get(f"http://{server.addresses['http']}/healthz").status_code == 200


@pytest.mark.parametrize("name", GOOD, ids=ascii)
def test_other_names_are_projects_as_they_are_written(server, name):
    status, answer = export(server, HEADERS[0], name.encode())
    assert status == 200, answer
    server.wait_derived()
    assert server.get("/threads", project=name)["items"]


@pytest.mark.parametrize("header", HEADERS)
def test_grpc_refuses_it_as_well(server, header):
    with grpc.insecure_channel(server.grpc) as channel:
        call = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            request_serializer=ExportTraceServiceRequest.SerializeToString,
            response_deserializer=ExportTraceServiceResponse.FromString,
        )
        request = ExportTraceServiceRequest.FromString(a_request(a_chat("t", "hi", "ho")))
        with pytest.raises(grpc.RpcError) as refused:
            call(request, metadata=((header, "n" * 201),), timeout=30)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"header {header} has 201 characters, 200 allowed" in refused.value.details()


@pytest.mark.parametrize("kind", [*BAD, *BROKEN])
@pytest.mark.parametrize("header", HEADERS)
def test_whatever_a_transport_lets_through_is_refused(header, kind):
    """By the rule itself, as gRPC's server and HTTP's hand headers over: text, or bytes as Latin-1."""
    value = {**BAD, **BROKEN}[kind]
    read = (
        auth.project
        if header == HEADERS[0]
        else Senders(project_headers=HEADERS[1:]).vendor_project
    )
    for text in {value.decode("latin-1"), value.decode(errors="surrogateescape")}:
        with pytest.raises(InvalidPayload, match=f"header {header}"):
            read({header: text})


@pytest.mark.parametrize(
    "attribute",
    ["otel_threads.project", "openinference.project.name", "langsmith.trace.session_name"],
)
def test_a_span_is_never_refused_for_its_project_and_its_name_is_cleaned(server, attribute):
    name = f"{attribute}\x1b[31m\u202e\x00 \n{'x' * 300}"
    cleaned = names.cleaned(name)
    assert len(cleaned) == 200
    in_resource = attribute.startswith("openinference")
    span = a_chat("cleaned", "hi", "ho", attributes={} if in_resource else {attribute: name})
    answer = server.post(a_request(span, resource={attribute: name} if in_resource else None))
    assert (answer.status_code, answer.content) == (200, b"")
    server.wait_derived()
    assert cleaned in projects(server)
    assert server.get("/threads/get", project=cleaned, thread_id="cleaned")["turn_count"] == 1


def test_a_span_whose_project_is_nothing_but_blanks_is_the_defaults(server):
    span = a_chat("blank", "hi", "ho", attributes={"otel_threads.project": " \t "})
    assert server.post(a_request(span)).status_code == 200
    server.wait_derived()
    assert server.get("/threads/get", thread_id="blank")["turn_count"] == 1


NAME = "a\u202eb"
BODIES = {
    "score name": ("PUT", "/scores", {"scores": [{"thread_id": "t", "name": NAME, "value": 1}]}),
    "score category": (
        "PUT",
        "/scores",
        {"scores": [{"thread_id": "t", "name": "n", "category": NAME}]},
    ),
    "score author": (
        "PUT",
        "/scores",
        {"scores": [{"thread_id": "t", "name": "n", "value": 1, "author": NAME}]},
    ),
    "score project": (
        "PUT",
        "/scores",
        {"scores": [{"thread_id": "t", "name": "n", "value": 1, "project": NAME}]},
    ),
    "tag": ("PATCH", "/threads/tags", {"thread_ids": ["of no project"], "add": [NAME]}),
    "comment author": (
        "POST",
        "/comments",
        {"thread_id": "of no project", "text": "x", "author": NAME},
    ),
    "view": ("POST", "/views", {"name": NAME}),
    "view project": ("POST", "/views", {"name": "v", "project": NAME}),
    "project": ("PATCH", "/projects", {"project": NAME, "retention_days": 1}),
}


@pytest.mark.parametrize("kind", BODIES)
def test_names_in_bodies_obey_the_same_rule(server, kind):
    method, path, body = BODIES[kind]
    answer = httpx.request(method, f"{server.api}{path}", json=body, timeout=60)
    assert answer.status_code == 400, answer.text
    assert "U+202E" in answer.text
    assert NAME not in answer.text
    good = json.loads(json.dumps(body).replace("\\u202e", "new"))
    answer = httpx.request(method, f"{server.api}{path}", json=good, timeout=60)
    assert answer.status_code < 300, answer.text


def test_ids_and_texts_are_content(server):
    """A thread's id comes from spans: whoever scores it must be able to name it."""
    hostile = "id \x1b[31m\u202e\x00"
    assert server.post(a_request(a_chat(hostile, hostile, hostile))).status_code == 200
    server.wait_derived()
    kept = hostile.replace("\x00", "\ufffd")  # a NUL is kept in spans alone
    found = server.get("/threads/get", thread_id=hostile)
    assert found["thread_id"] == kept
    comment = {"thread_id": hostile, "text": hostile}
    assert httpx.post(f"{server.api}/comments", json=comment, timeout=60).status_code < 300
    assert server.get("/comments", thread_id=hostile)["items"][0]["text"] == kept
