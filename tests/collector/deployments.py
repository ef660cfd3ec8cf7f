"""What a deployment file tells a container, as its tool would give it: environment and command."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from collector.conftest import CONFIGS

DEPLOY = CONFIGS / "deploy"
Environment = dict[str, str]


def of_image() -> Environment:
    """The ENV of the Dockerfile, but for what the tests' own interpreter needs."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    pairs = re.findall(r"(OTEL_THREADS_\w+)=(\S+)", text)
    assert len(pairs) == 5
    return dict(pairs)


def of_compose(service: str, given: Environment, file: str = "compose.yaml") -> Environment:
    """The environment of a service of a Compose file, with the shell's variables in place."""

    def filled(match: re.Match[str]) -> str:
        value = given.get(match[1], "")
        return (match[3] if value else "") if match[2] == "+" else value or match[3]

    services = yaml.safe_load((DEPLOY / file).read_text())["services"]
    return {
        name: re.sub(r"\$\{(\w+):([-+])(.*?)\}", filled, str(value))
        for name, value in services[service]["environment"].items()
    }


def health_check() -> list[str]:
    """The command by which Docker asks whether the container is well."""
    (command,) = re.findall(
        r"^HEALTHCHECK .*CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.M
    )
    return json.loads(command)


def of_kubernetes(
    container: str, secret: Environment, config: Environment | None = None
) -> Environment:
    """The environment of a container of kubernetes.yaml, with the keys of a secret and a map."""
    found: Environment = {}
    for one in kubernetes_container(container)["env"]:
        source = one.get("valueFrom", {})
        if "value" in one:
            found[one["name"]] = one["value"]
        elif key := source.get("secretKeyRef", {}).get("key"):
            found[one["name"]] = secret[key]
        elif (ref := source["configMapKeyRef"])["key"] in (config or {}):
            found[one["name"]] = config[ref["key"]]
        else:
            assert ref["optional"] is True
    return found


def kubernetes() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


def kubernetes_container(name: str) -> dict[str, Any]:
    for one in kubernetes():
        pod = one["spec"].get("template", {}).get("spec", {})
        for container in pod.get("initContainers", []) + pod.get("containers", []):
            if container["name"] == name:
                return container
    raise KeyError(name)


def of_unit() -> Environment:
    """The Environment= lines of the systemd unit."""
    text = (DEPLOY / "otel-threads.service").read_text()
    return dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.M))


def configuration(args: list[str]) -> Path:
    """The Collector's file that a container is started with."""
    (given,) = [one for one in args if one.startswith("--config=")]
    return CONFIGS / Path(given).name
