"""Retention: by age and size, per project, in slices; what hangs on a trace goes with it."""

import json
import subprocess
import sys
import time

import duckdb
import httpx
import pytest
from builders import a_chat, a_request
from conftest import wait_until

from otel_threads.core.config import Config
from otel_threads.core.errors import Unavailable
from otel_threads.core.model import Request, Signal
from otel_threads.engine import Engine
from otel_threads.store import retention

DAY_NS = 86_400 * 10**9
EVERYTHING = (
    "spans",
    "span_events",
    "span_links",
    "x_content_chunks",
    "log_records",
    "traces",
    "x_trace_slices",
    "calls",
    "x_turn_parts",
    "turns",
    "messages",
    "x_turn_chunks",
    "x_thread_facts",
    "x_score_records",
    "comments",
    "x_tag_changes",
)


def old(thread: str | None, days: float, **fields):
    return a_chat(
        thread,
        "question " * 50,
        "answer " * 50,
        start=time.time_ns() - int(days * DAY_NS),
        **fields,
    )


def sql(server, query: str) -> list[list]:
    answer = httpx.post(f"{server.api}/sql", json={"sql": query}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def prune(server, **body) -> dict:
    answer = httpx.post(f"{server.api}/prune", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_old_traces_go_with_all_that_hangs_on_them(make_server):
    server = make_server()
    server.post(a_request(*[old(f"old-{i}", 40) for i in range(5)], old(None, 50)))
    server.post(a_request(old("mixed", 40), old("mixed", 1), old("new", 1)))
    server.wait_derived()
    for target in ("old-1", "mixed", "new"):
        httpx.put(
            f"{server.api}/scores",
            json={"scores": [{"thread_id": target, "name": "q", "value": 1}]},
        )
        httpx.post(f"{server.api}/comments", json={"thread_id": target, "text": "x"})
        httpx.patch(f"{server.api}/threads/tags", json={"thread_ids": [target], "add": ["t"]})
    planned = prune(server, older_than_days=30, dry_run=True)
    assert (planned["trace_count"], planned["span_count"], planned["thread_count"]) == (7, 7, 5)
    assert server.get("/status")["spans"] == 9
    first = prune(server, older_than_days=30, traces_max=3)
    assert (first["trace_count"], first["remaining"]) == (3, 4)
    second = prune(server, older_than_days=30)
    assert (second["trace_count"], second["remaining"]) == (4, 0)
    assert first["thread_count"] + second["thread_count"] == 5
    listed = server.get("/threads")["items"]
    assert {t["thread_id"]: t["turn_count"] for t in listed} == {"mixed": 1, "new": 1}
    for table in EVERYTHING:
        rest = (
            sql(server, f"select count(*) from {table} where start_time < now() - interval 30 day")
            if table in ("spans", "traces", "calls", "turns")
            else []
        )
        assert rest in ([], [[0]]), table
    assert sql(server, "select thread_id from x_score_records order by 1") == [["mixed"], ["new"]]
    assert sql(server, "select thread_id from comments order by 1") == [["mixed"], ["new"]]
    assert sql(server, "select thread_id from x_tag_changes order by 1") == [["mixed"], ["new"]]
    # What was deleted may come again; and the rest is what a rebuild makes of it.
    server.post(a_request(old("old-1", 40)))
    server.wait_derived()
    before = json.dumps(server.get("/threads"))
    httpx.post(f"{server.api}/rebuild")
    server.wait_derived()
    assert json.dumps(server.get("/threads")) == before


def test_a_project_may_have_a_retention_of_its_own(make_server):
    server = make_server(retention_days=30)
    for project in ("short", "usual", "forever"):
        server.post(
            a_request(*[old(f"c-{days}", days) for days in (3, 10, 100)]),
            x_otel_threads_project=project,
        )
    server.wait_derived()
    for project, days in (("short", 5), ("forever", 0)):
        answer = httpx.patch(
            f"{server.api}/projects", json={"project": project, "retention_days": days}
        )
        assert answer.json()["retention_days"] == days
    kept = httpx.patch(
        f"{server.api}/projects", json={"project": "short", "thread_cooldown_s": 60}
    ).json()
    assert (kept["thread_cooldown_s"], kept["retention_days"]) == (60, 5)
    wait_until(lambda: server.get("/status")["spans"] == 6, "the retention of the settings", 90)
    found = sql(
        server,
        "select project, list(thread_id order by thread_id) from threads group by 1 order by 1",
    )
    assert found == [
        ["forever", ["c-10", "c-100", "c-3"]],
        ["short", ["c-3"]],
        ["usual", ["c-10", "c-3"]],
    ]


def test_the_same_trace_in_two_projects_goes_from_one(make_server):
    server = make_server()
    spans = [old("both", 40)]
    for project in ("a", "b"):
        server.post(a_request(*spans), x_otel_threads_project=project)
    server.wait_derived()
    assert prune(server, older_than_days=30, project="a")["trace_count"] == 1
    assert sql(server, "select project from spans") == [["b"]]
    assert sql(server, "select project, thread_id from threads") == [["b", "both"]]


def test_by_size_the_oldest_go_first(make_server):
    server = make_server()
    import random

    draw = random.Random(7)

    def fat(i: int, days: float):
        text = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=20_000))
        return a_chat(f"c-{i:03}", text, text, start=time.time_ns() - int(days * DAY_NS))

    for batch in range(10):
        server.post(a_request(*[fat(batch * 40 + i, 400 - batch * 40 - i) for i in range(40)]))
    server.wait_derived()
    used = prune(server, used_bytes_max=1 << 40, dry_run=True)["used_bytes"]
    target = used // 2
    while True:
        found = prune(server, used_bytes_max=target)
        if not found["remaining"]:
            break
    assert found["used_bytes"] <= target
    left = [row[0] for row in sql(server, "select thread_id from threads order by 1")]
    assert left == [f"c-{i:03}" for i in range(400)][-len(left) :]
    assert 100 < len(left) < 300


def test_pruning_while_spans_arrive(make_server):
    server = make_server()
    for batch in range(10):
        server.post(a_request(*[old(f"old-{batch}-{i}", 40) for i in range(50)]))
    server.wait_derived()
    sent = 0
    while prune(server, older_than_days=30, traces_max=50)["remaining"]:
        assert server.post(a_request(old(f"new-{sent}", 0))).status_code == 200
        sent += 1
    server.wait_derived()
    assert sql(server, "select count(*) from spans") == [[sent]]
    assert sql(server, "select count(*) from threads") == [[sent]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"older_than_days": -1},
        {"older_than_days": 1, "used_bytes_max": 1},
        {"older_than_days": "x"},
        {"older_than_days": 1, "traces_max": 0},
        {"older_than_days": 1, "traces_max": 5001},
        {"used_bytes_max": 1, "project": "a"},
        {"older_than_days": 1e300},
        {"x": 1},
    ],
)
def test_what_cannot_be_pruned(server, body):
    assert httpx.post(f"{server.api}/prune", json=body).status_code == 400


@pytest.mark.parametrize("served", [True, False])
def test_the_command(make_server, served):
    server = make_server()
    server.post(a_request(*[old(f"old-{i}", 40) for i in range(3)], old("new", 1)))
    server.wait_derived()
    if not served:
        server.stop()

    def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "otel_threads",
                "prune",
                "--database",
                str(server.database),
                *arguments,
            ],
            capture_output=True,
            text=True,
            input=text,
            check=False,
            cwd=server.folder,
        )

    for wrong in (
        (),
        ("--older-than", "x"),
        ("--max-size", "x"),
        ("--older-than", "1d", "--max-size", "1GB"),
    ):
        assert run(*wrong).returncode == 2
    planned = json.loads(run("--older-than", "30d", "--dry-run", "--json").stdout)
    assert (planned["trace_count"], planned["dry_run"]) == (3, True)
    assert run("--older-than", "4w", text="n\n").returncode == 1
    done = json.loads(run("--older-than", "4w", "--yes", "--json").stdout)
    assert (done["trace_count"], done["thread_count"]) == (3, 3)
    assert json.loads(run("--older-than", "4w", "--dry-run", "--json").stdout)["trace_count"] == 0


def test_a_clock_that_jumps_forward_deletes_nothing(make_server, tmp_path):
    """A machine that believes for a while that it is next year must not take all of this one's."""
    from otel_threads.core.config import Config
    from otel_threads.core.model import Request, Signal
    from otel_threads.engine import Engine

    engine = Engine(Config(database=str(tmp_path / "x.duckdb"), retention_days=30))
    try:
        request = Request(signal=Signal.TRACES, payload=a_request(old("c", 40)))
        assert engine.intake.submit(request).result(30).accepted == 1
        assert engine.deriver.wait(1, 30)
        engine._clock._on_step(-7_200_000.0)  # backwards harms nothing
        engine._clock._on_step(7_200_000.0)
        assert engine.services.pruning.keep_to_settings() == 0
        with engine.database.transaction() as cursor:
            cursor.execute("update x_clock_steps set noticed_at = noticed_at - interval 25 hour")
        assert engine.services.pruning.keep_to_settings() == 1
    finally:
        engine.close()


@pytest.mark.long
def test_a_slice_that_finds_no_memory_is_made_smaller(tmp_path, monkeypatch):
    """Real traces and a real database; only the lack of memory is made, past two traces."""
    engine = Engine(Config(database=str(tmp_path / "x.duckdb"), retention_days=0))
    real, refused = retention.put_what_stays, []

    def narrow(database, cursor, work, *rest, **named):
        if len(work.trace_ids) > 2:
            refused.append(len(work.trace_ids))
            raise duckdb.OutOfMemoryException("no memory")
        return real(database, cursor, work, *rest, **named)

    monkeypatch.setattr(retention, "put_what_stays", narrow)
    try:
        payload = a_request(*[old(f"t{i}", 40) for i in range(5)])
        request = Request(signal=Signal.TRACES, payload=payload, received_unix_nano=time.time_ns())
        engine.intake.submit(request).result(60)
        wait_until(lambda: engine.services.threads.status().turns == 5, "five turns")
        slices = [engine.services.pruning.prune(older_than_days=30) for _ in range(3)]
        assert [(one.trace_count, one.remaining) for one in slices] == [
            (2, 3),
            (1, 2),
            (2, 0),
        ]
        assert refused == [5, 3]
        assert engine.services.threads.status().spans == 0
    finally:
        engine.close()


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("OLD_TRACES_SQL", {"older_than_days": 30}),
        ("OLD_COUNT_SQL", {"older_than_days": 30}),
        ("OLD_TOTALS_SQL", {"older_than_days": 30, "dry_run": True}),
    ],
)
def test_a_question_that_finds_no_memory_may_be_asked_again(tmp_path, monkeypatch, name, body):
    config = Config(database=str(tmp_path / "x.duckdb"), memory_limit_bytes=128 << 20)
    engine = Engine(config)
    hungry = "select array_agg(i) from range(1000000000) t(i) where $before is not null"
    hungry += " and ($project is null or len($others::varchar[]) >= 0)"
    if name == "OLD_TRACES_SQL":
        hungry += " and $most > 0"
    monkeypatch.setattr(retention, name, hungry)
    try:
        with pytest.raises(Unavailable, match="no memory left"):
            engine.services.pruning.prune(**body)
    finally:
        engine.close()


def test_pieces_of_what_is_old_go_too(make_server):
    server = make_server()
    text = "long " * 10_000
    server.post(a_request(a_chat("long", text, "x", start=time.time_ns() - 40 * DAY_NS)))
    server.wait_derived()
    counts = (
        "select (select count(*) from x_content_chunks), (select count(*) from x_part_payloads)"
    )
    [[content, payloads]] = sql(server, counts)
    assert content > 2
    assert payloads > 2
    assert prune(server, older_than_days=30)["trace_count"] == 1
    assert sql(server, counts) == [[0, 0]]
