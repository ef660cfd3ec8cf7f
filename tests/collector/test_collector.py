"""Every configuration of collector-config/ in the real Collector, end to end."""

import gzip
import os
import random
import shutil
import subprocess
import time

import grpc
import httpx
import pytest
import yaml
import zstandard
from builders import a_chat, a_request, a_span
from conftest import CAPTURES, Server, request_files, wait_until

from collector.conftest import CONFIGS, TELEMETRYGEN

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
CONFIGURATIONS = sorted(file.name for file in CONFIGS.glob("*.yaml") if file.name != "builder.yaml")


def sql(server, query: str) -> list[list]:
    answer = httpx.post(f"{server.api}/sql", json={"sql": query}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def stored(server) -> list[str]:
    return [row[0] for row in sql(server, "select span_id from spans")]


def wait_for_spans(server, count: int, timeout_s: float = 60) -> None:
    def there() -> bool:
        answer = httpx.get(f"{server.api}/status", timeout=60)
        # 503: no memory for a question while much is written
        return answer.status_code == 200 and answer.json()["spans"] >= count

    wait_until(there, f"{count} spans", timeout_s)
    server.wait_derived()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_is_valid(binary, name, tmp_path):
    found = subprocess.run(
        [binary, "validate", "--config", str(CONFIGS / name)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "QUEUE_DIRECTORY": str(tmp_path)},
    )
    assert found.returncode == 0, found.stderr
    assert "deprecated" not in found.stderr.lower(), found.stderr


def test_every_configuration_is_in_the_table():
    text = (CONFIGS / "README.md").read_text()
    for name in (
        *CONFIGURATIONS,
        "builder.yaml",
        "Dockerfile",
        "compose.yaml",
        "kubernetes.yaml",
        "otel-threads.service",
    ):
        assert name in text


def test_the_deployments_are_whole():
    """Read as their tools read them: none of these is on the machines that run the tests."""
    compose = yaml.safe_load((CONFIGS / "deploy/compose.yaml").read_text())
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    kinds = [
        one["kind"] for one in yaml.safe_load_all((CONFIGS / "deploy/kubernetes.yaml").read_text())
    ]
    assert kinds == ["StatefulSet", "Service", "Deployment"]
    docker = (CONFIGS / "deploy/Dockerfile").read_text()
    assert docker.count("FROM ") == 2
    assert "USER 10001" in docker
    unit = (CONFIGS / "deploy/otel-threads.service").read_text()
    assert "DynamicUser=yes" in unit
    if shutil.which("systemd-analyze"):
        subprocess.run(
            ["systemd-analyze", "verify", str(CONFIGS / "deploy/otel-threads.service")], check=False
        )


@pytest.mark.parametrize("way", ["grpc", "grpc gzip", "http", "http gzip", "http zstd"])
def test_through_the_sidecar(make_server, make_collector, way):
    server = make_server()
    collector = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=server.grpc)
    payload = a_request(*[a_chat(f"chat-{i % 3}", f"Q{i}", f"A{i}") for i in range(9)])
    if way.startswith("grpc"):
        packing = grpc.Compression.Gzip if "gzip" in way else None
        with grpc.insecure_channel(collector.grpc) as channel:
            channel.unary_unary(TRACES)(payload, timeout=30, compression=packing)
    else:
        encoding = way.partition(" ")[2]
        body = {"": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}[encoding](payload)
        answer = collector.post(body, **({"content_encoding": encoding} if encoding else {}))
        assert answer.status_code == 200, answer.text
    wait_for_spans(server, 9)
    threads = server.get("/threads")["items"]
    assert {t["thread_id"]: t["turn_count"] for t in threads} == {f"chat-{i}": 3 for i in range(3)}


def test_recordings_through_the_sidecar_are_what_they_are_directly(make_server, make_collector):
    direct, behind = make_server(), make_server()
    collector = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=behind.grpc)
    for scenario in (
        "openinference-langgraph",
        "otel-genai-openai-span-stream",
        "traceloop-openai-assoc",
        "plain-no-ids",
    ):
        for file in request_files(CAPTURES / scenario):
            if file.suffix == ".pb" and ".logs" not in file.name:
                direct.post(file.read_bytes())
                assert collector.post(file.read_bytes()).status_code == 200
    direct.wait_derived()
    wait_for_spans(behind, direct.get("/status")["spans"])
    keep = (
        "thread_id",
        "turn_count",
        "span_count",
        "first_message",
        "last_message",
        "usage",
        "cost_usd",
        "models",
    )
    seen = [
        sorted(str({k: t[k] for k in keep}) for t in server.get("/threads", limit=100)["items"])
        for server in (direct, behind)
    ]
    assert seen[0] == seen[1]
    assert seen[0]


def test_nothing_is_lost_while_we_are_down_and_nothing_comes_twice(make_collector, tmp_path):
    """The server is killed and stays away, the Collector is killed too; every span arrives once."""
    server = Server(tmp_path / "server")
    server.folder.mkdir()
    server.start()
    address = server.grpc
    server._settings["otlp_grpc_endpoint"] = address
    server._env["OTEL_THREADS_OTLP_GRPC_ENDPOINT"] = address
    collector = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=address)
    dice, sent = random.Random(7), set()

    def send(count: int) -> None:
        for _ in range(count):
            spans = [
                a_chat(f"chat-{dice.randrange(9)}", "question " * 20, "answer " * 20)
                for _ in range(20)
            ]
            assert collector.post(a_request(*spans)).status_code == 200
            sent.update(span.span_id.hex() for span in spans)

    try:
        send(20)
        server.kill()
        send(20)
        collector.stop(9)
        collector.start()
        send(10)
        server.start()
        send(20)
        server.kill()
        server.start()
        wait_until(lambda: server.get("/status")["spans"] >= len(sent), "all spans", 120)
        server.wait_derived()
        found = stored(server)
        assert len(found) == len(set(found)) == len(sent)
        assert set(found) == sent
        (turns,) = sql(
            server,
            "select count(*), count(distinct trace_id), (select sum(turn_count) from threads) from turns",
        )
        assert turns == [len(sent)] * 3
    finally:
        server.stop()


def test_our_refusals_make_it_retry_or_drop_as_specified(make_server, make_collector):
    """413 and 400 are final, 429 and 503 are not: OTLP specification, failures."""
    server = make_server(request_bytes_max=200_000)
    collector = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=server.grpc)
    large = a_span(attributes={"gen_ai.input.messages": random.Random(1).randbytes(300_000).hex()})
    assert collector.post(a_request(large)).status_code == 200
    wait_until(
        lambda: "Exporting failed" in collector.log() or "ropping" in collector.log(),
        "it is dropped",
        60,
    )
    assert collector.post(a_request(a_chat("after", "hi", "ho"))).status_code == 200
    wait_for_spans(server, 1)
    assert stored(server) != []
    assert server.get("/threads/get", thread_id="after")["turn_count"] == 1
    # Overload: many at once against little room; all of them arrive in the end.
    small = make_server(inflight_bytes_max=300_000)
    other = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=small.grpc)
    sent = 0
    for _ in range(20):
        spans = [a_chat("c", random.Random(sent).randbytes(2000).hex(), "ho") for _ in range(20)]
        assert other.post(a_request(*spans)).status_code == 200
        sent += 20
    wait_for_spans(small, sent, 120)
    assert len(set(stored(small))) == sent


def test_batches_of_64_mib(make_server, make_collector):
    server = make_server()
    collector = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=server.grpc)
    text = random.Random(3).randbytes(1_000_000).hex()
    spans = [a_chat(f"c-{i}", text[i : i + 1_950_000], "ok") for i in range(33)]
    payload = a_request(*spans)
    assert 58 << 20 < len(payload) < 64 << 20
    assert collector.post(payload).status_code == 200
    wait_for_spans(server, 33, 180)
    assert len(stored(server)) == 33


def test_telemetrygen(make_server, make_collector):
    server = make_server()
    collector = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=server.grpc)
    ran = subprocess.run(
        [
            TELEMETRYGEN,
            "traces",
            "--otlp-insecure",
            "--otlp-endpoint",
            collector.grpc,
            "--traces",
            "250",
            "--rate",
            "250",
            "--workers",
            "4",
            "--child-spans",
            "3",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    wait_for_spans(server, 4 * 250 * 4, 180)
    assert server.get("/status")["spans"] == 4000


def test_sidecar_to_gateway(make_server, make_collector):
    server = make_server()
    gateway = make_collector("gateway.yaml", OTEL_THREADS_OTLP=server.grpc)
    sidecar = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=gateway.grpc)
    assert (
        sidecar.post(a_request(*[a_chat(f"chat-{i}", "hi", "ho") for i in range(30)])).status_code
        == 200
    )
    wait_for_spans(server, 30, 90)
    assert server.get("/threads", with_total="true")["total"] == 30


def test_fanout_gives_both_everything(make_server, make_collector):
    ours, existing = make_server(), make_server()
    collector = make_collector(
        "fanout.yaml", OTEL_THREADS_OTLP=ours.grpc, EXISTING_OTLP_HTTP=existing.otlp
    )
    existing.kill()
    assert collector.post(a_request(a_chat("chat", "hi", "ho"))).status_code == 200
    wait_for_spans(ours, 1)  # although the other is down
    address = existing.addresses["otlp_http"]
    existing._env["OTEL_THREADS_OTLP_HTTP_ENDPOINT"] = address
    existing.start()
    wait_for_spans(existing, 1, 90)


def test_redaction_keeps_personal_data_out_of_the_file(make_server, make_collector):
    server = make_server()
    collector = make_collector("redact.yaml", OTEL_THREADS_OTLP=server.grpc)
    secrets = [
        "ada@example.org",
        "4111 1111 1111 1111",
        "+49 170 1234567",
        "sk-abcdefghijklmnopqrstuv",
        "AKIAABCDEFGHIJKLMNOP",
    ]
    text = "Write to " + ", ".join(secrets) + " about order 66"
    assert (
        collector.post(
            a_request(a_chat("chat", text, text, attributes={"user.id": "u-1"}))
        ).status_code
        == 200
    )
    wait_for_spans(server, 1)
    (turn,) = server.get("/threads/turns", thread_id="chat")["items"]
    for secret in secrets:
        assert secret not in str(turn)
    assert "order 66" in turn["user"]
    server.stop()
    raw = server.database.read_bytes()
    assert not any(secret.encode() in raw for secret in secrets)


def test_no_content_at_all(make_server, binary, tmp_path, make_collector):
    """The variant that redact.yaml describes: the processor in the pipelines."""
    server = make_server()
    config = yaml.safe_load((CONFIGS / "redact.yaml").read_text())
    for pipeline in config["service"]["pipelines"].values():
        pipeline["processors"] = ["memory_limiter", "transform/no_content"]
    (tmp_path / "no-content.yaml").write_text(yaml.safe_dump(config))
    collector = make_collector(str(tmp_path / "no-content.yaml"), OTEL_THREADS_OTLP=server.grpc)
    for scenario in (
        "openinference-langgraph",
        "otel-genai-openai-span-stream",
        "traceloop-openai-assoc",
    ):
        for file in request_files(CAPTURES / scenario):
            if file.suffix == ".pb" and ".logs" not in file.name:
                assert collector.post(file.read_bytes()).status_code == 200
    wait_until(lambda: server.get("/status")["turns"] > 5, "turns")
    server.wait_derived()
    threads = server.get("/threads")["items"]
    assert threads
    assert all(t["usage"]["input_tokens"] for t in threads)
    words = sql(
        server, 'select count(*) from turns where "user" is not null or assistant is not null'
    )
    assert words == [[0]]


def test_filter_keeps_whole_traces_with_genai_spans_only(make_server, make_collector):
    server = make_server()
    collector = make_collector(
        "filter-genai.yaml", OTEL_THREADS_OTLP=server.grpc, DECISION_WAIT="1s"
    )
    chat = a_chat("chat", "hi", "ho")
    around = a_span(name="GET /chat", trace_id=chat.trace_id)
    other = [a_span(name="SELECT", attributes={"db.system": "postgresql"}) for _ in range(20)]
    assert collector.post(a_request(around, *other)).status_code == 200
    assert collector.post(a_request(chat)).status_code == 200
    wait_for_spans(server, 2, 60)
    time.sleep(2.5)  # long enough for the others to have been decided too
    assert sorted(row[0] for row in sql(server, "select name from spans")) == ["GET /chat", "chat"]


def test_sharding_keeps_every_conversation_in_one_file(make_server, make_collector):
    shards = [make_server() for _ in range(3)]
    collector = make_collector(
        "sharded.yaml", **{f"SHARD_{i + 1}": shard.grpc for i, shard in enumerate(shards)}
    )
    for _ in range(6):
        spans = [a_chat(f"chat-{i}", "hi", "ho") for i in range(40)]
        assert collector.post(a_request(*spans)).status_code == 200
    wait_until(lambda: sum(s.get("/status")["spans"] for s in shards) >= 240, "240 spans")
    seen: dict[str, list[int]] = {}
    for number, shard in enumerate(shards):
        shard.wait_derived()
        for thread in shard.get("/threads", limit=100)["items"]:
            assert thread["turn_count"] == 6
            seen.setdefault(thread["thread_id"], []).append(number)
    assert len(seen) == 40
    assert all(len(where) == 1 for where in seen.values())
    assert len({where[0] for where in seen.values()}) == 3


@pytest.mark.slow
def test_kills_under_load_behind_the_sidecar(make_collector, tmp_path):
    """benchmarks/sidecar.py runs this for ten minutes."""
    from sidecar import run

    found = run(tmp_path, make_collector, duration_s=25, kill_every_s=5)
    assert found["kills"] >= 2
    assert found["lost"] == found["duplicates"] == 0
    assert found["turns"] == found["sent"]
    assert found["sent"] > 500
