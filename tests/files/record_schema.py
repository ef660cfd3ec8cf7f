"""Writes schema-NNNN.duckdb.zst and schema-NNNN.json.zst: a file of the program that is on PYTHONPATH,
and what its REST API says of it. To be run before the schema changes:

    PYTHONPATH=. .venv/bin/python tests/files/record_schema.py 9
"""

import json
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import httpx
import zstandard

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from builders import a_chat, a_request, any_value  # noqa: E402
from conftest import CAPTURES, Server, request_files  # noqa: E402
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (  # noqa: E402
    ExportLogsServiceRequest,
)

SCENARIOS = ("openinference-langgraph", "otel-openai-v2-legacy-logs", "plain-many-in-one-trace")
START_UNIX_NANO = 1_790_000_000 * 1_000_000_000
# Values of several chunks: of a span, of a log record, of a turn.
LONG = " ".join(f"word {i}" for i in range(6000))
COOLDOWN_S = 0.001  # a thread is inactive then, whenever somebody looks


def fill(server: Server) -> None:
    """Send recordings, long values and a result of a tool; say something of what they became."""
    for scenario in SCENARIOS:
        for file in request_files(CAPTURES / scenario):
            name = "logs" if ".logs" in file.name else "traces"
            assert server.post(file.read_bytes(), name).status_code == 200
    first, *rest = (
        a_chat("long", LONG if i == 0 else f"again {i}", "Sunny", start=START_UNIX_NANO + i * 10**9)
        for i in range(3)
    )
    event = rest[0].events.add(
        name="gen_ai.evaluation.result", time_unix_nano=rest[0].start_time_unix_nano
    )
    event.attributes.add(key="gen_ai.evaluation.name").value.string_value = "tone"
    event.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 0.5
    assert server.post(a_request(first, *rest)).status_code == 200
    assert server.post(_log(rest[1]), "logs").status_code == 200
    assert server.post(_tool_request()).status_code == 200
    server.wait_derived()
    for thread in server.get("/threads", project="*", limit=1000)["items"]:
        _annotate(server, thread)
    patch(server, "/projects", project="default", thread_cooldown_s=COOLDOWN_S)
    post(server, "/views", name="failures", filter="error_count > 0", sort="-cost_usd")


def _annotate(server: Server, thread: dict) -> None:
    target = {"project": thread["project"], "thread_id": thread["thread_id"]}
    post(server, "/comments", **target, text="Look at this", author="ann")
    ids = {"project": thread["project"], "thread_ids": [thread["thread_id"]]}
    patch(server, "/threads/tags", **ids, add=["seen"])
    post(server, "/threads/close", **ids)
    for value, author in ((0.25, "ann"), (0.75, "bob")):
        score = {**target, "name": "quality", "value": value, "author": author}
        put(server, "/scores", scores=[score])


def _tool_request() -> bytes:
    asking = a_chat("tools", "Where is it?", None, start=START_UNIX_NANO + 100 * 10**9)
    answering = a_chat(None, "", "In Rome", start=START_UNIX_NANO + 101 * 10**9)
    call = {"type": "tool_call", "id": "c1", "name": "lookup", "arguments": {"city": "Rome"}}
    result = {"type": "tool_call_response", "id": "c1", "response": "42"}
    asking.attributes.add(
        key="gen_ai.output.messages",
        value=any_value(json.dumps([{"role": "assistant", "parts": [call]}])),
    )
    for attribute in answering.attributes:
        if attribute.key == "gen_ai.input.messages":
            attribute.value.string_value = json.dumps(
                [{"role": "assistant", "parts": [call]}, {"role": "tool", "parts": [result]}]
            )
    return a_request(asking, answering)


def _log(span) -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name = "gen_ai.user.message"
    record.trace_id, record.span_id = span.trace_id, span.span_id
    record.time_unix_nano = span.start_time_unix_nano
    record.body.kvlist_value.values.add(key="content", value=any_value(LONG))
    return request.SerializeToString()


def responses(server: Server) -> dict[str, str]:
    """Return what the API says, by path, byte for byte as text."""
    found: dict[str, str] = {}

    def ask(path: str, **query) -> dict:
        name = f"{path}?{urlencode(query)}"
        answer = httpx.get(f"{server.api}{name}", timeout=60)
        assert answer.status_code == 200, answer.text
        found[name] = answer.text
        return answer.json()

    ask("/projects")
    ask("/views", project="default")
    for sort in ("-last_activity_time", "-cost_usd", "turn_count"):
        threads = ask("/threads", project="*", sort=sort, limit=1000)["items"]
    for filter_ in ('status = "inactive"', 'tags = "seen"', "scores.quality > 0.3"):
        ask("/threads", project="*", filter=filter_)
    ask("/threads", project="*", search="word 5999")
    ask("/threads/stats", project="*")
    ask("/traces/stats", project="*")
    ask("/scores/names", project="*")
    for thread in threads:
        target = {"project": thread["project"], "thread_id": thread["thread_id"]}
        for path in (
            "/threads/get",
            "/threads/turns",
            "/threads/transcript",
            "/scores",
            "/comments",
        ):
            ask(path, **target)
    for trace in ask("/traces", project="*", limit=1000)["items"]:
        ask(f"/traces/{trace['trace_id']}", project=trace["project"])
    return found


def post(server: Server, path: str, **body) -> None:
    _checked(httpx.post(f"{server.api}{path}", json=body, timeout=60))


def put(server: Server, path: str, **body) -> None:
    _checked(httpx.put(f"{server.api}{path}", json=body, timeout=60))


def patch(server: Server, path: str, **body) -> None:
    _checked(httpx.patch(f"{server.api}{path}", json=body, timeout=60))


def _checked(response: httpx.Response) -> None:
    assert response.status_code < 300, response.text


def main() -> None:
    number = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), thread_cooldown_s=COOLDOWN_S).start()
        fill(server)
        said = responses(server)
        server.stop()
        content = server.database.read_bytes()
    for suffix, data in (("duckdb", content), ("json", json.dumps(said, indent=1).encode())):
        packed = zstandard.ZstdCompressor(level=19).compress(data)
        (HERE / f"schema-{number:04}.{suffix}.zst").write_bytes(packed)


if __name__ == "__main__":
    main()
