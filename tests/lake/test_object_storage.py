"""The lake's files in object storage: a real server of S3's protocol, built by Go."""

import pytest
from builders import a_chat
from lakes import needs_extra, unlike
from ports import free_port
from s3_server import SECRET, S3Server, built
from stores import Store

from otel_threads.lake import owner, reader_database, report
from otel_threads.lake.connection import place
from otel_threads.lake.shipper import Shipper
from otel_threads.store import outbox

pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra


@pytest.fixture
def storage(tmp_path):
    """Return the variables that name a bucket of a running server."""
    program = built()
    if not program:
        pytest.skip("the server is not on this machine, and cannot be built")
    server = S3Server(program, tmp_path, free_port()).start()
    yield server.env
    server.kill()


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
    assert lake.delete_threads("default", ["t1"])[0] == ["t1"]  # a reader writes with little memory
    with lake.reading(60) as cursor:
        assert cursor.execute("select count(*) from turns").fetchall() == [(12,)]
    lake.close()
    assert SECRET not in bucket.without_secrets(f"HTTP 403: {SECRET}")
    store.close()
