"""kill -9 and full disks: nothing that was acknowledged is lost, derived tables agree with a rebuild."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import grpc
import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until

pytestmark = pytest.mark.slow  # starts programs

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
ROUNDS = 10  # any moment; tests/crash kills at each kind of moment
DERIVED = ("threads", "turns", "messages", "traces", "calls")


class Load:
    """Sends chats from some threads and remembers which spans were acknowledged."""

    def __init__(self, address: str, dice: random.Random, senders: int = 4) -> None:
        self.acknowledged: set[str] = set()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._address = address
        self._threads = [
            threading.Thread(target=self._send, args=(dice.randrange(1, 40),))
            for _ in range(senders)
        ]
        for thread in self._threads:
            thread.start()

    def _send(self, size: int) -> None:
        with grpc.insecure_channel(self._address) as channel:
            call = channel.unary_unary(TRACES)
            while not self._stop.is_set():
                spans = [a_chat(f"t-{n % 7}", f"question {n}", "answer " * 30) for n in range(size)]
                try:
                    call(a_request(*spans), timeout=30)
                except grpc.RpcError:
                    return
                with self._lock:
                    self.acknowledged.update(span.span_id.hex() for span in spans)

    def stop(self) -> set[str]:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.acknowledged


def rows(database: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def derived(database: Path) -> dict[str, list[str]]:
    """Return what the derived tables hold, in an order that does not depend on how it came."""
    return {
        table: sorted(
            str(row)
            for row in rows(
                database,
                f"select * exclude (status) from {table}"
                if table == "threads"
                else f"select * from {table}",
            )
        )
        for table in DERIVED
    }


def rebuild(database: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "otel_threads", "rebuild", "--database", str(database)],
        check=True,
        cwd=database.parent,
    )


def test_kills_under_load_lose_nothing_that_was_acknowledged(tmp_path):
    dice = random.Random(1122)
    server = Server(tmp_path)
    acknowledged: set[str] = set()
    for _ in range(ROUNDS):
        server.start()
        load = Load(server.grpc, dice)
        wait_until(lambda load=load: len(load.acknowledged) > 0, "the first acknowledgement")
        threading.Event().wait(dice.random() * 0.6)  # the moment of the kill is what is random
        server.kill()
        acknowledged |= load.stop()
    server.start()
    server.wait_derived()
    assert server.stop() == 0

    stored = {span_id for (span_id,) in rows(server.database, "select span_id from spans")}
    assert len(acknowledged) > ROUNDS
    assert acknowledged <= stored
    # None half: every span has its long values, and every value its span.
    halves = rows(
        server.database,
        "select count(*) from spans s full join"
        " (select distinct trace_id, span_id from span_content) c using (trace_id, span_id)"
        " where s.name is null or (c.span_id is null and s.attributes['gen_ai.output.messages'] is null"
        " and map_contains(s.attributes, 'gen_ai.output.messages'))",
    )
    assert halves == [(0,)]
    assert (
        rows(server.database, "select count(*), count(distinct span_id) from spans")[0]
        == (len(stored),) * 2
    )
    before = derived(server.database)
    rebuild(server.database)
    assert derived(server.database) == before


def test_a_kill_in_the_middle_of_a_rebuild_is_made_up_for(tmp_path):
    server = Server(tmp_path).start()
    spans = [a_chat(f"t-{n}", f"question {n}", "answer") for n in range(6000)]
    for at in range(0, len(spans), 500):
        assert server.post(a_request(*spans[at : at + 500])).status_code == 200
    server.wait_derived()
    server.stop()
    before = derived(server.database)

    command = [sys.executable, "-m", "otel_threads", "rebuild", "--database", str(server.database)]
    rebuilding = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    wal = Path(f"{server.database}.wal")
    wait_until(lambda: wal.exists() and wal.stat().st_size > 50_000, "the rebuild has begun")
    rebuilding.kill()
    rebuilding.wait()

    server.start()
    server.wait_derived()
    server.stop()
    assert derived(server.database) == before


def test_a_full_disk_is_told_to_senders_and_got_over(tmp_path):
    """A limit on the size of files stands for the disk: writes fail in the middle of a commit."""
    limit = ["prlimit", "--fsize=25000000:unlimited"]
    server = Server(tmp_path, prefix=limit).start()
    acknowledged: list[str] = []
    refused: list[httpx.Response] = []
    text = random.Random(5).randbytes(40_000).hex()
    for n in range(600):
        span = a_chat(f"t-{n}", f"{n} {text[n : n + 60_000]}", text)
        answer = server.post(a_request(span))
        if answer.status_code == 200:
            acknowledged.append(span.span_id.hex())
        else:
            refused.append(answer)
            if len(refused) == 3:
                break
    assert acknowledged
    assert [answer.status_code for answer in refused] == [503] * 3
    assert "retry-after" in refused[0].headers
    base = f"http://{server.addresses['http']}"
    assert httpx.get(f"{base}/healthz").status_code == 200
    assert httpx.get(f"{base}/readyz").status_code == 503
    wait_until(lambda: "a pass" in server.stderr(), "the deriver finds the disk full, too")

    subprocess.run(["prlimit", f"--pid={server.pid}", "--fsize=unlimited:unlimited"], check=True)
    span = a_chat("t", "room again", "good")
    wait_until(lambda: server.post(a_request(span)).status_code == 200, "the server recovers")
    acknowledged.append(span.span_id.hex())
    assert httpx.get(f"{base}/readyz").status_code == 200
    server.wait_derived()
    assert server.stop() == 0
    stored = {span_id for (span_id,) in rows(server.database, "select span_id from spans")}
    assert set(acknowledged) <= stored
    before = derived(server.database)
    assert len(before["traces"]) == len(stored)
    rebuild(server.database)
    assert derived(server.database) == before


def test_a_stop_finishes_what_was_taken(make_server):
    server = make_server()
    load = Load(server.grpc, random.Random(3))
    wait_until(lambda: len(load.acknowledged) > 100, "a hundred acknowledgements")
    assert server.stop() == 0
    acknowledged = load.stop()
    stored = {span_id for (span_id,) in rows(server.database, "select span_id from spans")}
    assert acknowledged <= stored
    assert not Path(f"{server.database}.wal").exists()
    assert not Path(f"{server.database}.server.json").exists()
