"""The lake's files in object storage: a real server of S3's protocol, built by Go."""

import os
import shutil
import socket
import subprocess

import pytest
from builders import a_chat
from conftest import wait_until
from lakes import needs_extra, unlike
from live import environments
from stores import Store

from otel_threads.lake import owner, reader_database, report
from otel_threads.lake.connection import place
from otel_threads.lake.shipper import Shipper
from otel_threads.store import outbox

pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra
SERVER = "github.com/johannesboyne/gofakes3/cmd/gofakes3@v1.2.0"
SECRET = "the-secret-of-the-bucket"


@pytest.fixture
def storage():
    """Return the variables that name a bucket of a running server."""
    if not shutil.which("go"):
        pytest.skip("Go is not on this machine")
    folder = environments.KEPT / "s3"
    program = folder / "gofakes3"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        built = subprocess.run(
            ["go", "install", SERVER],
            env={**os.environ, "GOBIN": str(folder)},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if built.returncode:
            pytest.skip(f"the server cannot be built: {built.stderr[-300:]}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "-backend", "memory", "-host", f"127.0.0.1:{port}", "-initialbucket", "lake"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens, "the storage answers")
    yield {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    process.terminate()
    process.wait()


@pytest.mark.slow
def test_a_lake_in_a_bucket(storage, where, tmp_path):
    bucket = place(where.catalog, "s3://lake/some/prefix", storage)
    (tmp_path / "node").mkdir()
    store = Store(str(tmp_path / "node"))
    outbox.begin(store.database)
    shipper = Shipper(store.database, bucket)
    for step in range(2):
        store.write([a_chat(f"t{i % 3}", f"question {step} {i}", "answer") for i in range(9)])
        shipper.ship()
    shipper.close()
    assert unlike(store.database, bucket) == []
    assert owner.once(bucket, None, node_name="test", kept_s=0, orphans_s=0).dead_rows > 0
    assert unlike(store.database, bucket) == []
    assert report.look(bucket, verify=True).differences == []
    lake = reader_database.opened(bucket, memory_limit_bytes=128 << 20)
    with lake.reading(60) as cursor:
        assert cursor.execute("select count(*) from turns").fetchall() == [(18,)]
    lake.close()
    assert SECRET not in bucket.without_secrets(f"HTTP 403: {SECRET}")
    store.close()
