"""A whole server: names, pages, few descriptors, TLS that never begins, and what it says of them."""

import contextlib
import socket
import ssl

import httpx
import psutil
import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until
from google.rpc.status_pb2 import Status

PROTOBUF = {"content-type": "application/x-protobuf"}
EVIL = {"host": "evil.example"}
FOREIGN = {"origin": "http://evil.example"}


def base(server: Server) -> str:
    return server.api.removesuffix("/api/v1")


def refused(server: Server, port: str, reason: str, **options) -> float:
    text = httpx.get(base(server) + "/metrics", timeout=60, **options).text
    name = f'otel_threads_refused_total{{port="{port}",reason="{reason}"}} '
    return sum(
        float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)
    )


@pytest.mark.parametrize(
    "path", ["/", "/ui/lib/api.js", "/docs", "/openapi.json", "/api/v1/threads"]
)
def test_a_foreign_name_is_told_that_it_is_none_of_ours(server, path):
    answer = httpx.get(base(server) + path, headers=EVIL)
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Misdirected Request"
    assert "allowed_hosts" in answer.json()["detail"]
    assert "evil" not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_ask_under_any_name(server, path):
    assert httpx.get(base(server) + path, headers={"host": "10.1.2.3:4320"}).status_code == 200
    assert httpx.get(base(server) + path, headers=EVIL).status_code == 200


def test_senders_use_any_name_and_pages_do_not(server):
    url, body = f"{server.otlp}/v1/traces", a_request(a_chat("named", "a", "b"))
    assert httpx.post(url, content=body, headers=PROTOBUF | EVIL).status_code == 200
    for headers, code in (
        (EVIL | FOREIGN, 421),
        (FOREIGN, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ):
        answer = httpx.post(url, content=body, headers=PROTOBUF | headers)
        assert answer.status_code == code
        assert answer.headers["content-type"] == "application/x-protobuf"
        assert "allowed_hosts" in Status.FromString(answer.content).message
    answer = httpx.post(url, content=b"{}", headers={"content-type": "application/json"} | FOREIGN)
    assert "allowed_hosts" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/rebuild"),
        ("POST", "/demo"),
        ("POST", "/sql"),
        ("PUT", "/scores"),
        ("PATCH", "/threads/tags"),
        ("POST", "/threads/delete"),
        ("POST", "/prune"),
        ("GET", "/backup"),
        ("HEAD", "/backup"),
        ("GET", "/export/threads"),
    ],
)
def test_what_costs_or_changes_is_refused_to_foreign_pages(server, method, path):
    for headers in (FOREIGN, {"sec-fetch-site": "same-site"}):
        answer = httpx.request(method, server.api + path, headers=headers)
        assert answer.status_code == 403, headers
        assert answer.headers["content-type"] == "application/problem+json"


def test_reading_is_left_to_the_browsers_own_rule(server):
    assert httpx.get(f"{server.api}/threads", headers=FOREIGN).status_code == 200
    assert (
        "access-control-allow-origin"
        not in httpx.get(f"{server.api}/threads", headers=FOREIGN).headers
    )


def test_configured_names_are_served(make_server):
    server = make_server(allowed_hosts="traces.example.com,.example.org")
    for host in ("traces.example.com", "a.example.org:4320", "127.0.0.1"):
        assert httpx.get(f"{server.api}/status", headers={"host": host}).status_code == 200
    assert httpx.get(f"{server.api}/status", headers=EVIL).status_code == 421
    proxied = {"host": "127.0.0.1:4320", "origin": "https://traces.example.com"}
    assert httpx.post(f"{server.api}/rebuild", headers=proxied).status_code == 202


def test_pages_of_allowed_origins_read_and_write(make_server):
    server = make_server(
        cors_allowed_origins="https://app.example.com,https://*.example.org:8443",
        ingest_token="ingest-token",
    )
    otlp = f"http://{server.addresses['otlp_http']}/v1/traces"
    for origin in (
        "https://app.example.com",
        "https://APP.example.com",
        "https://a.b.example.org:8443",
    ):
        page = {"origin": origin, "sec-fetch-site": "cross-site"}
        asks = page | {
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
            "access-control-request-private-network": "true",
        }
        for url in (otlp, f"{server.api}/rebuild"):
            told = httpx.options(url, headers=asks)
            assert told.status_code == 200
            assert told.headers["access-control-allow-origin"] == origin
            assert told.headers["access-control-allow-headers"] == "authorization,content-type"
            assert told.headers["access-control-allow-private-network"] == "true"
        read = httpx.get(f"{server.api}/threads", headers=page)
        assert read.headers["access-control-allow-origin"] == origin
        assert httpx.post(f"{server.api}/rebuild", headers=page).status_code == 202
        body = {"content": b"{}", "headers": page | {"content-type": "application/json"}}
        refused = httpx.post(otlp, **body)
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == origin  # the page reads why
        body["headers"]["authorization"] = "Bearer ingest-token"
        assert httpx.post(otlp, **body).status_code == 200


OTHERS = (
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:444",
    "https://app.example.com.evil.example",
    "https://appxexample.com",
    "https://.example.com",
    "null",
)


def test_other_origins_stay_refused(make_server):
    server = make_server(cors_allowed_origins="https://app.example.com,https://*.example.com")
    for origin in OTHERS:
        page = {"origin": origin, "sec-fetch-site": "cross-site"}
        asks = page | {"access-control-request-method": "POST"}
        told = httpx.options(f"{server.api}/rebuild", headers=asks)
        assert "access-control-allow-origin" not in told.headers, origin
        assert httpx.post(f"{server.api}/rebuild", headers=page).status_code == 403, origin
        read = httpx.get(f"{server.api}/threads", headers=page)
        assert "access-control-allow-origin" not in read.headers, origin


def test_with_64_descriptors_idle_connections_silence_nobody(make_server):
    server = make_server(prefix=["prlimit", "--nofile=64:64"])
    idle = []
    for name in ("http", "otlp_http"):
        host, _, port = server.addresses[name].rpartition(":")
        for _ in range(60):
            with contextlib.suppress(OSError):
                idle.append(socket.create_connection((host, int(port)), timeout=5))

    def serves() -> bool:
        with contextlib.suppress(httpx.TransportError):
            asked = (base(server) + "/healthz", f"{server.api}/status")  # 503 while all are at work
            return all(httpx.get(one, timeout=5).status_code == 200 for one in asked)
        return False

    wait_until(serves, "the idle ones make room")
    wait_until(
        lambda: server.post(a_request(a_chat("t", "a", "b"))).status_code == 200, "it takes spans"
    )

    assert psutil.Process(server.pid).num_fds() < 64
    assert refused(server, "http", "connections") > 0
    assert "http refused:" in server.stderr()
    assert "otlp_http refused:" in server.stderr()
    assert "ulimit -n" in server.stderr()
    assert server.stderr().count("refused:") < 10
    for one in idle:
        one.close()


def test_a_tls_handshake_that_never_begins_is_ended(make_server, certificate):
    key, cert = certificate
    server = make_server(tls_key_file=key, tls_cert_file=cert, http_header_timeout_s=0.5)
    context = ssl.create_default_context(cafile=str(cert))
    for name in ("http", "otlp_http"):
        host, _, port = server.addresses[name].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as one:
            one.sendall(b"\x16\x03\x01")
            assert one.recv(100) == b""
        wait_until(
            lambda name=name: refused(server, name, "handshake", verify=context) == 1,
            "it is counted",
        )
    assert httpx.get(base(server) + "/healthz", verify=context).status_code == 200


def test_with_tls_large_responses_and_pipelines_pass(make_server, certificate):
    key, cert = certificate
    server = make_server(tls_key_file=key, tls_cert_file=cert)
    context = ssl.create_default_context(cafile=str(cert))
    document = httpx.get(base(server) + "/openapi.json", verify=context)
    assert len(document.content) > 100_000
    host, _, port = server.addresses["http"].rpartition(":")
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    with (
        socket.create_connection((host, int(port)), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as one,
    ):
        one.sendall((get + b"\r\n") * 20 + get + b"Connection: close\r\n\r\n")
        found = b""
        while data := one.recv(1 << 16):
            found += data
    assert found.count(b"HTTP/1.1 200 OK") == 21
