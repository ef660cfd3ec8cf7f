"""The dashboard and the alerts ask for metrics that there are; the Helm chart renders."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from collector.conftest import CONFIGS
from collector.monitoring import asked, rules
from otel_threads import metrics
from otel_threads.core import config

CHART = CONFIGS / "deploy/helm/otel-threads"
SUFFIXES = ("_total", "_bucket", "_sum", "_count", "")
OWN = {m._name for m in vars(metrics).values() if isinstance(m, MetricWrapperBase)}


def test_every_metric_that_is_asked_for_is_there():
    named = {name for text in asked() for name in re.findall(r"otel_threads_\w+", text)}
    known = {f"{name}{suffix}" for name in OWN for suffix in SUFFIXES}
    assert len(named) > 10
    assert named <= known


def test_every_reason_of_the_alert_is_told_of():
    """The alert is of what senders lose: docs/receiving.md says what each of its reasons is."""
    (reasons,) = re.findall(r'reason=~"([^"]*)"', rules()[0]["expr"])
    page = (CONFIGS.parent / "docs/receiving.md").read_text()
    (told,) = re.findall(r"`reason` is (.*?\.)\s", page, re.S)
    assert set(reasons.split("|")) == set(re.findall(r"`(\w+)`", told))


def test_labels_that_are_asked_for_are_there():
    by_name = {
        m._name: set(m._labelnames)
        for m in vars(metrics).values()
        if isinstance(m, MetricWrapperBase)
    }
    for text in asked():
        for name, given in re.findall(r"(otel_threads_\w+?)(?:_total|_bucket)?\{([^}]*)\}", text):
            labels = set(re.findall(r"(\w+)=", given)) - {"instance", "job"}
            assert labels <= by_name[name], text


def test_alerts_have_what_an_operator_needs():
    for rule in rules():
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("warning", "critical")
    assert rules()[0]["alert"] == "OtelThreadsRefusesSpans"


def helm(*args: str) -> str:
    own = CONFIGS.parent / ".collector/bin/helm"  # of `make helm`
    program = shutil.which("helm") or (own if own.exists() else None)
    if program is None:
        pytest.skip("helm is not on this machine")
    done = subprocess.run([program, *args], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


EVERYTHING = (
    "tokens.ingest=in,tokens.read=re,tokens.write=wr,tls.existingSecret=certs,ingress.enabled=true,"
    "ingress.tlsSecret=web,serviceMonitor.enabled=true,settings.retention_days=30"
)


@pytest.mark.parametrize("values", ["", EVERYTHING, "tokens.existingSecret=own"])
def test_the_chart_renders_settings_that_there_are(values):
    given = ["--set", values] if values else []
    helm("lint", str(CHART), *given)
    found = [
        one for one in yaml.safe_load_all(helm("template", "threads", str(CHART), *given)) if one
    ]
    (pod,) = [one for one in found if one["kind"] == "StatefulSet"]
    (container,) = pod["spec"]["template"]["spec"]["containers"]
    environment = {one["name"]: one.get("value", "x") for one in container["env"]}
    tls = {"/etc/otel-threads/tls/tls.crt", "/etc/otel-threads/tls/tls.key"}
    assert tls <= set(environment.values()) or values != EVERYTHING
    loaded = config.load(environ=environment).config
    assert loaded.retention_days == (30 if values == EVERYTHING else 0)
    kinds = {one["kind"] for one in found}
    assert ("Ingress" in kinds, "ServiceMonitor" in kinds) == (values == EVERYTHING,) * 2
    volumes = {one["name"] for one in pod["spec"]["template"]["spec"]["volumes"]} | {"data"}
    assert {one["name"] for one in container["volumeMounts"]} == volumes


def test_numbers_and_lists_of_a_values_file_are_what_they_say(tmp_path):
    """Helm reads each number of a file as a float, and wrote 1.073741824e+10."""
    settings = {
        "retention_bytes": 10737418240,
        "retention_days": 0.5,
        "allowed_hosts": ["a.example.com", "b.example.com"],
        "tune_process": False,
        "default_project": "1e3",
        "ingest_token": None,  # as if it were not there
    }
    values = {
        "image": {"tag": 20261129},
        "tokens": {"ingest": 12345678901234},
        "settings": settings,
    }
    (tmp_path / "values.yaml").write_text(json.dumps(values))  # which is YAML

    rendered = helm("template", "threads", str(CHART), "-f", str(tmp_path / "values.yaml"))

    found = {one["kind"]: one for one in yaml.safe_load_all(rendered)}
    (container,) = found["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    environment = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    loaded = config.load(environ=environment).config
    read = {name: getattr(loaded, name) for name in settings}
    assert read == settings | {"allowed_hosts": ("a.example.com", "b.example.com")}
    assert container["image"] == "otel-threads:20261129"
    assert found["Secret"]["stringData"] == {"ingest": "12345678901234"}


LAKE = "lake.enabled=true,lake.nodes=4,lake.data=s3://b/l,lake.existingSecret=lake,tokens.ingest=in"


@pytest.mark.parametrize("more", ["", ",tls.existingSecret=certs,lake.endpoint=http://s3:8333"])
def test_the_chart_renders_nodes_readers_and_their_collector(more):
    given = ["--set", LAKE + more]
    helm("lint", str(CHART), *given)
    found = [
        one for one in yaml.safe_load_all(helm("template", "threads", str(CHART), *given)) if one
    ]
    by_name = {(one["kind"], one["metadata"]["name"]): one for one in found}
    assert len(by_name) == len(found)
    nodes = by_name["StatefulSet", "threads"]
    assert (nodes["spec"]["replicas"], nodes["spec"]["serviceName"]) == (4, "threads-nodes")
    assert by_name["Service", "threads-nodes"]["spec"]["clusterIP"] == "None"
    readers = by_name["Deployment", "threads-readers"]
    for pods, command in ((nodes, None), (readers, ["serve", "--from-lake"])):
        (container,) = pods["spec"]["template"]["spec"]["containers"]
        assert container.get("args") == command
        names = {one["name"]: one.get("value", "postgresql://db/lake") for one in container["env"]}
        loaded = config.load(
            environ={k: v for k, v in names.items() if k.startswith("OTEL_THREADS_")}
        ).config
        assert (loaded.lake_data, loaded.lake_catalog) == ("s3://b/l", "postgresql://db/lake")
        volumes = {one["name"] for one in pods["spec"]["template"]["spec"]["volumes"]} | {"data"}
        assert {one["name"] for one in container["volumeMounts"]} == volumes
    # Each service selects the pods of one kind.
    pods = [
        one["spec"]["template"]["metadata"]["labels"]
        for one in found
        if one["kind"] in ("StatefulSet", "Deployment")
    ]
    for one in found:
        if one["kind"] == "Service":
            wanted = one["spec"]["selector"].items()
            assert len([labels for labels in pods if wanted <= labels.items()]) == 1, one
    # It routes as the file that is tested with a Collector, to all nodes.
    ours = yaml.safe_load(by_name["ConfigMap", "threads-collector"]["data"]["config.yaml"])
    tested = yaml.safe_load((CONFIGS / "sharded.yaml").read_text())
    assert ours["processors"] == tested["processors"]
    assert ours["service"]["pipelines"] == tested["service"]["pipelines"]
    assert ours["service"]["extensions"] == tested["service"]["extensions"]
    reader = ours["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]
    assert reader["prometheus"] == {"host": "0.0.0.0", "port": 8888}
    balancing = ours["exporters"]["loadbalancing"]
    routed = tested["exporters"]["loadbalancing"]
    for name in ("routing_attributes", "retry_on_failure", "sending_queue"):
        assert balancing[name] == routed[name]
    for name in ("timeout", "retry_on_failure", "sending_queue"):
        assert balancing["protocol"]["otlp"][name] == routed["protocol"]["otlp"][name]
    assert balancing["resolver"]["static"]["hostnames"] == [
        f"threads-{n}.threads-nodes:4317" for n in range(4)
    ]
    assert balancing["protocol"]["otlp"]["tls"]["insecure"] == (not more)


def test_the_values_of_the_chart_are_all_used():
    templates = "".join(path.read_text() for path in (CHART / "templates").iterdir())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for name, inner in values.items():
        for key in inner if isinstance(inner, dict) and inner else [None]:
            path = f".Values.{name}" if key is None else f".Values.{name}.{key}"
            by_range = name == "tokens" or (f".Values.{name}" in templates and name == "resources")
            assert path in templates or by_range, path
