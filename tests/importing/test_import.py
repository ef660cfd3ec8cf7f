"""Exports of other products, brought in by the command; interrupted, gone on with."""

import datetime
import json
import subprocess
import sys
import uuid

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from langsmith_requests import a_run

from otel_threads.importing import export_files
from otel_threads.importing.importer import Importer, ImportFailed, Marker
from otel_threads.vendors.langsmith import exports as langsmith
from otel_threads.vendors.opik import exports as opik


def importing(server, product: str, *files, **options) -> subprocess.CompletedProcess:
    named = [part for name, value in options.items() for part in (f"--{name}", value)]
    return subprocess.run(
        [
            *(sys.executable, "-m", "otel_threads", "import", product, *map(str, files)),
            *("--database", str(server.database), *named),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )


def turns(server, project: str, thread_id: str) -> list[tuple[str, str]]:
    server.wait_derived()
    page = server.get("/threads/turns", project=project, thread_id=thread_id)
    return [(turn["user"], turn["assistant"]) for turn in page["items"]]


def test_runs_as_json_lines(server, tmp_path):
    runs = [a_run("t", project="lines", inputs={"question": f"q{i}"}) for i in range(3)]
    exported = [
        run | {"session_id": str(uuid.uuid4()), "total_tokens": 5, "feedback_stats": {}}
        for run in runs
    ]
    feedback = {"id": str(uuid.uuid4()), "run_id": runs[0]["id"], "key": "k", "score": 1}
    lines = [*map(json.dumps, exported), "{no json", "[1]", json.dumps({"id": "x"}), ""]
    file = tmp_path / "runs.jsonl"
    file.write_text("\n".join([*lines, json.dumps(feedback)]))

    done = importing(server, "langsmith", file)

    assert done.returncode == 0, done.stderr
    assert "4 items" in done.stdout
    assert "line 4 is not JSON" in done.stderr
    assert "line 5 is not a JSON object" in done.stderr
    assert "6: a run has an id that is a UUID" in done.stderr
    assert turns(server, "lines", "t") == [(f"q{i}", "ho") for i in range(3)]
    assert list(tmp_path.iterdir()) == [file]


def test_runs_of_a_bulk_export(server, tmp_path):
    runs = [a_run("t", project="x", inputs={"question": f"q{i}"}) for i in range(300)]
    rows = [
        {
            **{name: run[name] for name in ("id", "trace_id", "dotted_order", "name", "run_type")},
            "start_time": datetime.datetime.fromisoformat(run["start_time"]),
            "end_time": datetime.datetime.fromisoformat(run["end_time"]),
            "inputs": json.dumps(run["inputs"]),
            "outputs": json.dumps(run["outputs"]),
            "extra": json.dumps(run["extra"]),
            "tags": ["a"],
            "error": None,
            "session_id": str(uuid.uuid4()),
        }
        for run in runs
    ]
    file = tmp_path / "runs.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)

    done = importing(server, "langsmith", file, project="parquet")

    assert done.returncode == 0, done.stderr
    assert "300 items" in done.stdout
    assert len(turns(server, "parquet", "t")) == 50
    assert server.get("/threads/get", project="parquet", thread_id="t")["trace_count"] == 300


def test_traces_and_spans_of_opik(server, tmp_path):
    trace, span = str(uuid.uuid4()), str(uuid.uuid4())
    start = "2026-11-28T12:00:00Z"
    items = [
        {
            "id": trace,
            "project_name": "opik lines",
            "project_id": str(uuid.uuid4()),
            "name": "turn",
            "start_time": start,
            "end_time": start,
            "input": {"question": "hi"},
            "output": {"output": "ho"},
            "thread_id": "t",
            "created_by": "admin",
            "feedback_scores": [{"name": "quality", "value": 0.5, "source": "ui"}],
        },
        {
            "id": span,
            "trace_id": trace,
            "project_name": "opik lines",
            "name": "call",
            "type": "llm",
            "start_time": start,
            "end_time": start,
            "duration": 0.0,
        },
        {"id": str(uuid.uuid4()), "name": "no start"},
    ]
    file = tmp_path / "traces.json"
    file.write_text(json.dumps(items))

    done = importing(server, "opik", file)

    assert done.returncode == 0, done.stderr
    assert "has no start_time" in done.stderr
    server.wait_derived()
    assert server.get("/threads/get", project="opik lines", thread_id="t")["trace_count"] == 1
    found = server.get(f"/traces/{trace.replace('-', '')}")
    assert len(found["spans"]) == 2
    assert [(score["name"], score["value"]) for score in found["scores"]] == [("quality", 0.5)]


def test_without_a_server_nothing_is_imported(tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_text("{}")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "otel_threads", "import", "opik", str(file)),
            *("--database", str(tmp_path / "x.duckdb"), "--http-endpoint", "127.0.0.1:1"),
        ],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "no server answers" in done.stderr


class Sending:
    """A client that fails at some calls, as a server that goes away; it keeps what it took."""

    def __init__(self, answers):
        self.answers = iter(answers)
        self.taken: list[str] = []

    def handler(self, request: httpx.Request) -> httpx.Response:
        status = next(self.answers, 202)
        if status == 0:
            raise httpx.ConnectError("gone", request=request)
        body = json.loads(request.content)
        if status == 202:
            self.taken += [run["id"] for run in body["post"]]
        return httpx.Response(status, text="why")

    def importer(self) -> Importer:
        http = httpx.Client(transport=httpx.MockTransport(self.handler), base_url="http://x")
        return Importer(http, langsmith.calls, project=None, pause=lambda seconds: None)


@pytest.fixture
def lines(tmp_path):
    runs = [a_run(project="x") for _ in range(250)]
    file = tmp_path / "runs.jsonl"
    file.write_text("\n".join(map(json.dumps, runs)))
    return file, [run["id"] for run in runs]


def test_an_import_goes_on_where_it_stopped(lines):
    file, ids = lines
    first = Sending([202, 202, *[0] * 20])
    with pytest.raises(ImportFailed, match="ConnectError"):
        first.importer().run(file)

    second = Sending([])
    found = second.importer().run(file)

    assert first.taken == ids[:200]
    assert second.taken == ids[200:]
    assert found.item_count == 50
    assert Marker(file).place() == 0


def test_a_file_that_changed_is_begun_anew(lines):
    file, ids = lines
    with pytest.raises(ImportFailed):
        Sending([202, *[0] * 20]).importer().run(file)
    file.write_text(file.read_text() + "\n")

    again = Sending([])
    again.importer().run(file)

    assert again.taken == ids


def test_what_is_busy_is_asked_again_and_what_is_refused_is_sent_one_by_one(lines):
    file, ids = lines
    sending = Sending([429, 503, 0, 202, 422, *[202] * 30, 422])

    found = sending.importer().run(file)

    assert found.left_out_count == 1
    assert found.faults[0].startswith("131: 422")
    assert set(sending.taken) == {*ids} - {ids[130]}


def test_a_key_that_is_refused_ends_it(lines):
    with pytest.raises(ImportFailed, match="401"):
        Sending([401]).importer().run(lines[0])


def test_a_file_that_is_none_says_so(tmp_path):
    for name, content in (("a", b"[1, 2"), ("b", b"PAR1 no parquet")):
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(export_files.UnreadableFile):
            list(export_files.items(file))


def test_an_item_of_opik_without_an_id_is_named():
    from otel_threads.vendors.exported import NotImportable

    with pytest.raises(NotImportable):
        list(opik.calls([{"name": "x"}], None))
