"""What `pip install otel-threads` will bring: built, checked, and run from the wheel alone."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import httpx
import pytest
from conftest import wait_until

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"
pytestmark = pytest.mark.slow


def run(*command: object, **options) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(one) for one in command],
        capture_output=True,
        text=True,
        timeout=900,
        env=clean,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist and the wheel that was built of it."""
    folder = tmp_path_factory.mktemp("dist")
    run(UV, "build", "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The bin folder of an environment that has the wheel and what it needs, nothing else."""
    environment = tmp_path_factory.mktemp("bare") / "venv"
    run(UV, "venv", "--python", sys.executable, environment)
    (wheel,) = built.glob("*.whl")
    run(UV, "pip", "install", "--python", environment / "bin/python", wheel)
    return environment / "bin"


def test_both_packages_are_as_an_index_wants_them(built):
    run(
        UV,
        "tool",
        "run",
        "--python",
        sys.executable,
        "twine",
        "check",
        "--strict",
        *built.glob("otel_threads-*"),
    )


def test_the_wheel_has_the_page_and_no_tests(built):
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "otel_threads/py.typed",
        "otel_threads/ui/static/index.html",
        "otel_threads/ui/static/vendor/uplot.js",
        "otel_threads/store/schema/0001_raw.sql",
        "otel_threads/store/read/queries/turn_outline.sql",
    ):
        assert name in names
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"otel_threads"}


def test_the_sdist_holds_what_builds_and_nothing_private(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    assert any(name.endswith("/pyproject.toml") for name in names)
    assert not [name for name in names if "/.venv" in name or name.endswith(".duckdb")]


def test_it_serves_from_the_wheel_alone(installed, tmp_path):
    ready = tmp_path / "ready.json"
    ports = ("otlp-grpc", "otlp-http", "http", "grpc")
    free = [word for port in ports for word in (f"--{port}-endpoint", "127.0.0.1:0")]
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [installed / "otel-threads", "serve", *free, "--ready-file", ready]
    server = subprocess.Popen(command, cwd=tmp_path, env=clean, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: ready.exists() or server.poll() is not None, "it serves", 120)
        address = json.loads(ready.read_text())["http"]
        assert "otel-threads" in httpx.get(f"http://{address}/").text
        assert httpx.post(f"http://{address}/api/v1/demo", json={}).json()["span_count"] > 0
    finally:
        server.terminate()
        assert server.wait(60) == 0


def test_the_installed_size_is_what_readme_says(installed):
    site = next((installed.parent / "lib").glob("python*/site-packages"))
    size_bytes = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    (stated,) = re.findall(r"takes about (\d+) MB", (ROOT / "README.md").read_text())
    assert size_bytes == pytest.approx(int(stated) * 1e6, rel=0.1)
