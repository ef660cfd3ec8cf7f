"""Each deployment file delivers, with tokens and TLS: its processes, with the environment it gives.

Docker and Kubernetes are not on the machines that run the tests, so their containers are processes.
"""

import os
import re
import shutil
import ssl
import subprocess
import sys

import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until

from collector import deployments, monitoring
from collector.conftest import CONFIGS
from otel_threads.core import config

TOKENS = {"ingest": "in-token", "read": "", "write": "write-token"}
SHELL = {"INGEST_TOKEN": "in-token"}
CONFIGURATIONS = ("sidecar", "gateway", "fanout", "redact", "filter-genai", "sharded")
PAIRS = {
    "kubernetes": lambda: (
        deployments.of_kubernetes("otel-threads", TOKENS),
        deployments.of_kubernetes("collector", TOKENS),
    ),
    "compose": lambda: (
        deployments.of_compose("otel-threads", SHELL),
        deployments.of_compose("collector", SHELL),
    ),
    "compose without tokens": lambda: (
        deployments.of_compose("otel-threads", {}),
        deployments.of_compose("collector", {}),
    ),
}
TLS_MOUNT = "/etc/otel-threads/tls"
TLS_MAP = {
    "tls_insecure": "false",
    "tls_cert_file": f"{TLS_MOUNT}/tls.crt",
    "tls_key_file": f"{TLS_MOUNT}/tls.key",
    "tls_ca_file": f"{TLS_MOUNT}/ca.crt",
}
TLS_SHELL = SHELL | {"TLS_DIRECTORY": "/certificates", "TLS_INSECURE": "false"}
TLS_PAIRS = {
    "kubernetes": lambda: (
        deployments.of_kubernetes("otel-threads", TOKENS, TLS_MAP),
        deployments.of_kubernetes("collector", TOKENS, TLS_MAP),
        "sidecar.yaml",
    ),
    "compose": lambda: (
        deployments.of_compose("otel-threads", TLS_SHELL),
        deployments.of_compose("collector", TLS_SHELL),
        "sidecar.yaml",
    ),
    "compose of a lake": lambda: (
        {
            name: value
            for name, value in deployments.of_compose("node-1", TLS_SHELL, "lake.yaml").items()
            if not name.startswith(("AWS_", "OTEL_THREADS_LAKE_"))
        },
        deployments.of_compose("collector", TLS_SHELL, "lake.yaml"),
        "sharded.yaml",
    ),
}
# Where the tests' machine differs from a pod: ports are free ones, and nothing leaves loopback.
OURS = ("HEALTH", "LISTEN_GRPC", "LISTEN_HTTP", "METRICS_HOST", "OTEL_THREADS_OTLP", "SHARD_")


def served(make_server, environment: dict[str, str], **settings) -> Server:
    own = {k: v for k, v in environment.items() if not k.endswith(("_ENDPOINT", "_DATABASE"))}
    return make_server(env=own, **settings)


def sidecar(make_collector, environment: dict[str, str], server: Server, name="sidecar.yaml"):
    kept = {k: v for k, v in environment.items() if not k.startswith(OURS)}
    shards = {f"SHARD_{n}": server.grpc for n in (1, 2, 3)}
    return make_collector(name, OTEL_THREADS_OTLP=server.grpc, **shards, **kept)


def delivered(server: Server, collector) -> None:
    before = server.get("/status")["spans"]
    assert collector.post(a_request(a_chat("chat", "hi", "ho"))).status_code == 200
    wait_until(lambda: server.get("/status")["spans"] > before, "it is delivered", 60)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("guarded"), ingest_token="in-token").start()
    yield server
    server.stop()


@pytest.mark.parametrize("pair", PAIRS)
def test_a_deployment_delivers(make_server, make_collector, pair):
    of_server, of_collector = PAIRS[pair]()
    server = served(make_server, of_server)
    assert of_collector["OTEL_THREADS_OTLP"] == "otel-threads:4317"

    delivered(server, sidecar(make_collector, of_collector, server))

    assert server.get("/status")["refused_requests"] == []


def test_a_sidecar_without_the_token_is_told_of_at_both_ends(make_server, make_collector):
    """Everything was dropped, and health, log and doctor said nothing."""
    of_server, of_collector = PAIRS["kubernetes"]()
    server = served(make_server, of_server)
    collector = sidecar(make_collector, of_collector | {"INGEST_TOKEN": ""}, server)

    assert collector.post(a_request(a_chat("chat", "hi", "ho"))).status_code == 200

    wait_until(lambda: server.get("/status")["refused_requests"], "it is counted")
    (finding,) = server.get("/doctor")["findings"]
    assert finding["summary"].startswith("otlp_grpc refused 1 requests without the ingest_token")
    assert "otlp_grpc refused: requests without the ingest_token" in server.stderr()
    asked = {name for text in monitoring.asked() for name in re.findall(r"otelcol_\w+", text)}
    exposed: set[str] = set()

    def counted() -> bool:
        by_exporter = re.compile(r'^(otelcol_\w+)\{.*\bexporter="', re.M)
        exposed.update(by_exporter.findall(httpx.get(collector.metrics).text))
        return any("send_failed_spans" in name for name in exposed)

    wait_until(counted, "the Collector counts it")
    assert asked
    for name in {name.removesuffix("_total") for name in asked}:
        both = {name, f"{name}_total"}  # as Collectors are configured
        assert both <= asked
        assert both & exposed


@pytest.mark.parametrize("pair", TLS_PAIRS)
def test_a_deployment_speaks_tls(make_server, make_collector, certificate, tmp_path, pair):
    for made, names in zip(certificate, (("tls.key",), ("tls.crt", "ca.crt")), strict=True):
        for name in names:
            shutil.copy(made, tmp_path / name)

    def here(environment: dict[str, str]) -> dict[str, str]:
        return {k: v.replace(TLS_MOUNT, str(tmp_path)) for k, v in environment.items()}

    of_server, of_collector, name = TLS_PAIRS[pair]()
    server = served(make_server, here(of_server))
    collector = sidecar(make_collector, here(of_collector), server, name)
    assert collector.post(a_request(a_chat("chat", "hi", "ho"))).status_code == 200

    trusted = ssl.create_default_context(cafile=tmp_path / "ca.crt")
    api = server.api.replace("http://", "https://")

    def status() -> dict:
        return httpx.get(f"{api}/status", verify=trusted).json()

    wait_until(lambda: status()["spans"] == 1, "it is delivered", 60)
    assert is_well(server, here(of_server))
    with pytest.raises(httpx.HTTPError):
        server.post(b"")  # to http://
    (told,) = status()["refused_requests"]
    assert (told["port"], told["reason"]) == ("otlp_http", "malformed")
    assert "the sender needs https://" in told["explanation"]


def is_well(server: Server, environment: dict[str, str]) -> bool:
    """What the image's health check says, with the settings of its server."""
    _, *arguments = deployments.health_check()
    given = environment | {"OTEL_THREADS_HTTP_ENDPOINT": server.addresses["http"]}
    checked = subprocess.run(
        [sys.executable, *arguments], env=os.environ | given, cwd=server.folder, check=False
    )
    return checked.returncode == 0


def test_the_health_check_of_the_image_is_of_its_server(guarded):
    assert is_well(guarded, {})
    assert not is_well(
        guarded, {"OTEL_THREADS_TLS_CERT_FILE": "x", "OTEL_THREADS_TLS_KEY_FILE": "y"}
    )


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_configuration_sends_the_token(guarded, make_collector, name):
    given = {**SHELL, "DECISION_WAIT": "1s"}
    delivered(guarded, sidecar(make_collector, given, guarded, f"{name}.yaml"))


@pytest.mark.parametrize(
    "environment",
    [
        lambda: deployments.of_image(),
        lambda: deployments.of_unit(),
        lambda: deployments.of_compose("otel-threads", SHELL),
        lambda: deployments.of_kubernetes("otel-threads", TOKENS),
    ],
)
def test_the_environment_of_the_server_is_its_settings(environment):
    given = environment()
    loaded = config.load(environ=given)
    assert len(loaded.sources) > len(given) > 0


def test_kubernetes_own_variables_are_no_settings():
    """A service named otel-threads puts them into every pod beside it, ours too."""
    links = {
        "OTEL_THREADS_SERVICE_HOST": "10.0.0.1",
        "OTEL_THREADS_SERVICE_PORT": "4317",
        "OTEL_THREADS_SERVICE_PORT_OTLP_GRPC": "4317",
        "OTEL_THREADS_PORT": "tcp://10.0.0.1:4317",
        "OTEL_THREADS_PORT_4317_TCP_ADDR": "10.0.0.1",
        "OTEL_THREADS_OTLP": "otel-threads:4317",
    }
    assert config.load(environ=links).config == config.Config()


def test_what_the_files_name_is_there():
    """Mounts, probes, configmaps and services point at one another."""
    server = deployments.kubernetes_container("otel-threads")
    collector = deployments.kubernetes_container("collector")
    stateful, service, deployment = deployments.kubernetes()
    ports = {one["name"] for one in server["ports"]}
    assert {one["name"] for one in service["spec"]["ports"]} == ports
    assert stateful["spec"]["template"]["spec"]["enableServiceLinks"] is False
    assert deployments.configuration(collector["args"]) == CONFIGS / "sidecar.yaml"
    for pod in (stateful, deployment):
        spec = pod["spec"]["template"]["spec"]
        claims = pod["spec"].get("volumeClaimTemplates", [])
        volumes = {v["name"] for v in spec["volumes"]} | {c["metadata"]["name"] for c in claims}
        for one in spec.get("initContainers", []) + spec["containers"]:
            assert {mount["name"] for mount in one.get("volumeMounts", [])} <= volumes
    for probe in ("readinessProbe", "livenessProbe"):
        assert server[probe]["httpGet"]["port"] in ports
