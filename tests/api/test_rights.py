"""Tokens on every listener: what each one opens, and what stays shut."""

import grpc
import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server

from otel_threads.api.rights import Rights
from otel_threads.v1 import threads_pb2 as pb
from otel_threads.v1 import threads_pb2_grpc as stubs

READS = [("GET", "/threads"), ("GET", "/status"), ("GET", "/scores"), ("GET", "/export/threads")]
WRITES = [
    ("PUT", "/scores", {"scores": [{"thread_id": "t", "name": "q", "value": 1}]}),
    ("POST", "/threads/delete", {"thread_ids": ["nobody"]}),
    ("POST", "/threads/close", {"thread_ids": ["t"]}),
    ("PATCH", "/threads/tags", {"thread_ids": ["t"], "add": ["x"]}),
    ("POST", "/rebuild", None),
]


def bearer(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    server = Server(
        tmp_path_factory.mktemp("guarded"), ingest_token="i-1", read_token="r-1", write_token="w-1"
    ).start()
    yield server
    server.stop()


@pytest.mark.long
@pytest.mark.parametrize(
    ("token", "reads", "writes", "sends"),
    [
        (None, 401, 401, 401),
        ("i-1", 401, 401, 200),
        ("r-1", 200, 401, 401),
        ("w-1", 200, 200, 401),
        ("wrong", 401, 401, 401),
        ("é🙂", 401, 401, 401),
    ],
)
def test_each_token_opens_what_is_its_own(guarded, token, reads, writes, sends):
    headers = {k: v.encode() for k, v in bearer(token).items()}
    for method, path in READS:
        assert httpx.request(method, guarded.api + path, headers=headers).status_code == reads, path
    for method, path, body in WRITES:
        answer = httpx.request(method, guarded.api + path, json=body, headers=headers)
        assert (
            answer.status_code if writes == 401 else answer.status_code // 100 * 100
        ) == writes, path
        if writes == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"
    sent = httpx.post(
        f"{guarded.otlp}/v1/traces",
        content=a_request(a_chat("t", "a", "b")),
        headers={**headers, "content-type": "application/x-protobuf"},
    )
    assert sent.status_code == sends
    if token and not token.isascii():
        return
    with grpc.insecure_channel(guarded.addresses["grpc"]) as channel:
        api = stubs.ThreadServiceStub(channel)
        metadata = tuple(bearer(token).items())
        assert code(lambda: api.ListThreads(pb.ListThreadsRequest(), metadata=metadata)) == reads
        ids = pb.ThreadIds(thread_ids=["nobody"])
        assert code(lambda: api.DeleteThreads(ids, metadata=metadata)) == writes
        assert (
            code(lambda: list(api.ExportThreads(pb.ExportThreadsRequest(), metadata=metadata)))
            == reads
        )
        if reads == 401:
            watching = api.WatchThreads(pb.WatchThreadsRequest(), metadata=metadata)
            assert code(lambda: next(watching)) == 401


def code(call) -> int:
    try:
        call()
    except grpc.RpcError as error:
        return 401 if error.code() is grpc.StatusCode.UNAUTHENTICATED else 500
    return 200


@pytest.mark.long
def test_probes_and_pages_need_what_they_need(guarded):
    base = guarded.api.removesuffix("/api/v1")
    assert httpx.get(f"{base}/healthz").status_code == 200
    assert httpx.get(f"{base}/readyz").status_code == 200
    for path in ("/metrics", "/openapi.json", "/docs"):
        assert httpx.get(base + path).status_code == 401, path
        assert httpx.get(base + path, headers=bearer("r-1")).status_code == 200, path


def test_a_read_token_alone_leaves_writing_shut():
    rights = Rights(read_token="r")
    assert "no write_token" in (rights.refusal("Bearer r", writes=True) or "")
    assert rights.refusal("Bearer r", writes=False) is None
    assert rights.refusal(None, writes=False)
    only_write = Rights(write_token="w")
    assert only_write.refusal(None, writes=False) is None
    assert only_write.refusal("bearer w", writes=True) is None
    assert Rights().refusal(None, writes=True) is None


@pytest.mark.long
def test_tokens_are_not_logged(guarded):
    assert not any(token in guarded.stderr() for token in ("i-1", "r-1", "w-1"))
