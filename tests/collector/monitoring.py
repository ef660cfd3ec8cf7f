"""What the dashboard and the alerts ask Prometheus for."""

import json

import yaml

from collector.conftest import CONFIGS

MONITORING = CONFIGS / "monitoring"


def dashboard() -> dict:
    return json.loads((MONITORING / "dashboard.json").read_text())


def rules() -> list[dict]:
    (group,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    return group["rules"]


def asked() -> list[str]:
    targets = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return targets + [rule["expr"] for rule in rules()]
