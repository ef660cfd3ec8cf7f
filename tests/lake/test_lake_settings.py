"""What needs no lake: settings, secrets, and what a node notes for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from builders import a_chat
from stores import Store

from otel_threads.core.config import Config, ConfigError, load
from otel_threads.core.errors import DatabaseRefused, NotConfigured
from otel_threads.core.status import LakeProgress
from otel_threads.lake import connection
from otel_threads.lake.native import native
from otel_threads.lake.schema import views
from otel_threads.services import doctor
from otel_threads.store import outbox

URI = "postgresql://lake:s3cret@db.example:5432/lake?sslmode=require"


@pytest.fixture
def store(tmp_path):
    found = Store(str(tmp_path))
    yield found
    found.close()


def entries(store):
    with store.database.cursor() as cursor:
        return cursor.execute(
            "select kind, count(*) from x_outbox group by 1 order by 1"
        ).fetchall()


def test_the_two_settings_go_together():
    with pytest.raises(ConfigError, match="lake_catalog and lake_data go together"):
        load(environ={"OTEL_THREADS_LAKE_DATA": "lake"})
    with pytest.raises(NotConfigured, match="lake_catalog"):
        connection.place(None, "lake")


@pytest.mark.parametrize(
    ("catalog", "error"),
    [
        (URI, f'Unable to connect to Postgres at "{URI}": refused'),
        (URI, 'path "postgres:postgresql://lake:s3cret@db.example:5432/lake?application_name=x"'),
        ("host=db password=s3cret dbname=lake", "at host=db password=s3cret dbname=lake x=1"),
        ("host=db password='s3cret' dbname=l", "connection string password='s3cret'"),
        (URI, 'connection to server at "db.example" (10.0.0.7), port 5432 failed: FATAL'),
        (URI, 'FATAL: password authentication failed for user "lake-writer"'),
        (URI, 'could not translate host name "db.example" to address'),
        (URI, 'no pg_hba.conf entry for host "10.0.0.7", user "lake-writer", no encryption'),
        ("host=db.example user=lake-writer", "at host=db.example port=5432 user=lake-writer"),
    ],
)
def test_errors_hold_no_secret(catalog, error):
    environ = {"AWS_ACCESS_KEY_ID": "AKIA7", "AWS_SECRET_ACCESS_KEY": "hush"}
    where = connection.place(catalog, "s3://bucket/lake", environ)
    told = where.without_secrets(f"{error} AKIA7 hush\nsecond line with s3cret")
    secrets = ("s3cret", "hush", "AKIA7", "db.example", "10.0.0.7", "5432", "lake-writer")
    assert [one for one in secrets if one in told] == []


def test_config_shows_no_address():
    given = {"OTEL_THREADS_LAKE_CATALOG": URI, "OTEL_THREADS_LAKE_DATA": "lake"}
    ran = subprocess.run(
        [sys.executable, "-m", "otel_threads", "config", "--json"],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    shown = ran.stdout + ran.stderr
    assert "s3cret" not in shown
    assert "lake_catalog" in shown


def test_without_the_extra_a_command_says_what_to_install(monkeypatch, tmp_path):
    def missing(name):
        raise ImportError(f"No module named {name}")

    monkeypatch.setattr(connection.importlib, "import_module", missing)
    where = connection.place(f"sqlite:{tmp_path}/c", str(tmp_path))
    with pytest.raises(DatabaseRefused, match=r"otel-threads\[lake\]"):
        connection.connect(
            where, name="lake", application="x", memory_limit_bytes=128 << 20, read_only=True
        )


@pytest.mark.long
def test_a_node_without_a_lake_notes_nothing(store):
    store.write([a_chat("t", "hi", "ho")])
    store.deletion.threads("default", ["t"])
    assert entries(store) == []


@pytest.mark.long
def test_each_kind_of_change_is_noted_in_its_transaction(store):
    store.write([a_chat("old", "hi", "ho")])
    outbox.begin(store.database)
    assert entries(store) == [("derived", 1), ("thread", 1)]
    part = a_chat("t", "hi", None)
    store.write([part, a_chat("t", "hi", "ho")])
    assert entries(store) == [("derived", 3), ("thread", 2)]
    part.end_time_unix_nano += 10**9
    store.write([part])  # of a span that is replaced the raw rows change, too
    assert entries(store) == [("derived", 4), ("raw", 1), ("thread", 3)]
    store.deletion.threads("default", ["old"])
    assert entries(store) == [("deleted", 1), ("derived", 5), ("raw", 2), ("thread", 4)]


def test_a_file_that_changed_unnoted_gets_another_name(store):
    outbox.begin(store.database)
    names = "select node_id, former_ids from x_lake_state"
    with store.database.cursor() as cursor:
        first = cursor.execute(names).fetchone()
    outbox.begin(store.database)
    with store.database.cursor() as cursor:
        assert cursor.execute(names).fetchone() == first
    outbox.stop(store.database)
    store.write([a_chat("t", "hi", "ho")])
    outbox.begin(store.database)
    with store.database.cursor() as cursor:
        name, former = cursor.execute(names).fetchone()
    assert (name != first[0], former) == (True, [first[0]])
    assert entries(store) == [("derived", 1), ("thread", 1)]


@pytest.mark.long
def test_the_lake_has_every_name_that_a_file_has():
    """A table that is added to a node's file has to be shipped, or be empty for readers."""
    known = native()
    made = {text.split()[4].strip('"') for text in views(known)}
    assert made == (known.tables.keys() - {"schema_version"}) | known.views.keys()


@pytest.mark.long
def test_the_outbox_is_bounded_while_the_lake_is_away(store, monkeypatch):
    monkeypatch.setattr(outbox, "ENTRIES_MAX", 20)
    outbox.begin(store.database)
    part = a_chat("a", "1", "2")
    for _ in range(15):
        part.end_time_unix_nano += 10**9
        store.write([part])
        outbox.shorten(store.database)
        assert sum(count for _, count in entries(store)) <= 20 + 3


def test_doctor_says_how_far_behind_the_lake_is():
    def found(behind_s, error=None):
        lake = LakeProgress(
            node_id="n", shipped_sequence=1, waiting_changes=2, behind_s=behind_s, error=error
        )
        every = doctor.findings([], [], [], otlp_http="x", lake=lake)
        return [one.summary for one in every if one.kind == "lake_behind"]

    assert found(59.0) == []
    assert found(61.0) == [
        "The lake lacks the last 61 s of this node: shipping is slower than what arrives."
    ]
    assert found(61.0, "the catalog does not answer")[0].endswith("the catalog does not answer.")


def test_the_compose_file_names_settings_that_there_are():
    """Docker is not on the machines that run the tests: what its services are given is."""
    folder = Path(__file__).parents[2] / "collector-config/deploy"
    services = yaml.safe_load((folder / "lake.yaml").read_text())["services"]
    for name in ("node-1", "node-2", "reader-1", "reader-2"):
        given = {
            key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
            for key, value in services[name]["environment"].items()
        }
        config = load(environ=given).config
        where = connection.place(config.lake_catalog, config.lake_data, given)
        assert (where.kind, where.s3["endpoint"]) == ("postgres", "storage:8333")
        assert services[name].get("command") == (
            ["serve", "--from-lake"] if name.startswith("reader") else None
        )
    assert {"catalog", "storage", "collector"} <= services.keys()
    shards = services["collector"]["environment"]
    assert {shards[f"SHARD_{n}"].split(":")[0] for n in (1, 2, 3)} <= services.keys()
    assert 'ARG EXTRAS=""' in (folder / "Dockerfile").read_text()


@pytest.mark.parametrize("given", ["support", "=3", "support=soon", "support=-1", "support=inf"])
def test_a_retention_of_a_project_is_days(given):
    with pytest.raises(ConfigError, match=f"'{given}' is not project=days"):
        Config(lake_retention_days=30, lake_retention_projects=(given,))
    with pytest.raises(ConfigError, match="needs lake_retention_days"):
        Config(lake_retention_projects=("support=3",))
    found = Config(lake_retention_days=30, lake_retention_projects=("a=b=3.5",))
    assert found.lake_retention_of_projects == {"a=b": 3.5}
