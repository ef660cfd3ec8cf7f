"""Kills every part of a lake in turn under load; compares the lake with what senders were told.

    PYTHONPATH=tests:. python tests/lake/chaos.py [--minutes 10] [--every-s 20] [--seed 1]

Three nodes behind a Collector that routes by conversation, two readers, PostgreSQL, and a server of
S3's protocol. A node without a lake gets all that was acknowledged. Needs the extra `[lake]`,
PostgreSQL, Go, and the Collector of `make collector`.
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import duckdb
import httpx
from builders import a_chat, a_request, a_span, new_trace_id
from collector.conftest import BINARY, Collector
from conftest import Server, wait_until
from lakes import Postgres, differences_of, reading
from ports import free_endpoint, free_port
from reader_server import Reader
from s3_server import S3Server, built

from otel_threads.lake.connection import Place, place

NODES, READERS, SENDERS = 3, 2, 3
KINDS = ("node 0", "storage", "collector", "catalog", "reader 0")
TRACES_A_REQUEST = 8
PAUSE_S = (
    0.2  # between two requests of a sender, and before what was not acknowledged is sent again
)
SETTLED_S = 600.0  # for all to be in the lake once nothing dies any more
DOWN_S_MAX = 4.0
AGAIN = (httpx.HTTPError, OSError)  # what a sender sees of a part that is away


class Part(Protocol):
    """Something that is killed and started again."""

    def kill(self) -> None: ...

    def start(self) -> object: ...


class KilledCollector(Collector):
    """A Collector that dies without a word."""

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True, slots=True)
class Lake:
    """All parts, running."""

    where: Place
    nodes: Sequence[Server]
    readers: Sequence[Reader]
    collector: KilledCollector
    reference: Server
    parts: dict[str, Part]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `otel-threads lake …`."""
        env = {
            "OTEL_THREADS_LAKE_CATALOG": self.where.catalog,
            "OTEL_THREADS_LAKE_DATA": self.where.data,
        }
        return subprocess.run(
            [sys.executable, "-m", "otel_threads", "lake", *words],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=SETTLED_S,
        )


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Lake]:
    """Start all parts; stop them at the end."""
    with contextlib.ExitStack() as stack:
        parts: dict[str, Part] = {}
        postgres = parts["catalog"] = Postgres()
        stack.callback(postgres.close)
        program = built()
        assert program, "a server of S3's protocol is not on this machine, and cannot be built"
        storage = parts["storage"] = S3Server(program, folder, free_port()).start()
        stack.callback(storage.kill)
        data = "s3://lake/chaos"
        stack.enter_context(_environment(storage.env))
        where = place(postgres.make("chaos"), data)
        settings = {"lake_catalog": where.catalog, "lake_data": where.data, "lake_ship_every_s": 1}
        nodes = [
            _started(
                stack,
                Server(
                    _made(folder / f"node-{n}"),
                    otlp_grpc_endpoint=free_endpoint(),
                    **settings,
                ),
            )
            for n in range(NODES)
        ]
        readers = [
            _started(stack, Reader(_made(folder / f"reader-{n}"), **settings))
            for n in range(READERS)
        ]
        shards = {f"SHARD_{n + 1}": node.grpc for n, node in enumerate(nodes)}
        collector = KilledCollector(BINARY, "sharded.yaml", folder / "collector", **shards).start()
        stack.callback(collector.kill)
        reference = _started(stack, Server(_made(folder / "reference")))
        parts |= {f"node {n}": node for n, node in enumerate(nodes)}
        parts |= {f"reader {n}": reader for n, reader in enumerate(readers)}
        parts["collector"] = collector
        yield Lake(where, nodes, readers, collector, reference, parts)


@contextlib.contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _started(stack: contextlib.ExitStack, server: Server) -> Server:
    server.start()
    stack.callback(server.stop)
    return server


@dataclass
class Load:
    """Threads that send until they are told that it was taken; what they were told."""

    lake: Lake
    seed: int
    spans: set[str] = field(default_factory=set)
    scores: dict[tuple[str, str], float] = field(default_factory=dict)
    requests: int = 0
    again: int = 0  # times that something was sent again
    errors: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        jobs = [(self._send, n) for n in range(SENDERS)] + [(self._score, SENDERS)]
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._guarded, args=job, daemon=True) for job in jobs
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the load; what is under way is sent until it is taken."""
        self.done.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, job: Callable[[random.Random, int], None], number: int) -> None:
        try:
            job(random.Random(f"{self.seed} {number}"), number)
        except Exception as error:  # noqa: BLE001  # it is what is looked for
            self.errors.append("".join(traceback.format_exception(error)))

    def _until_taken(self, send: Callable[[], httpx.Response], *, refused: set[int]) -> None:
        """Send until it is acknowledged; `refused`: answers that ask for it again."""
        while True:
            with contextlib.suppress(*AGAIN):
                answer = send()
                if answer.is_success:
                    return
                assert answer.status_code in refused, answer.text
            assert self.errors == []
            self.again += 1
            threading.Event().wait(PAUSE_S)

    def _send(self, dice: random.Random, number: int) -> None:
        for n in itertools.count():
            if self.done.wait(PAUSE_S):
                return
            spans = [
                span
                for _ in range(TRACES_A_REQUEST)
                for span in a_trace(dice, f"chat-{number}-{n // 20}-{dice.randrange(12)}")
            ]
            payload = a_request(*spans)
            for server in (self.lake.collector, self.lake.reference):
                self._until_taken(partial(server.post, payload), refused={429, 503})
            with self._lock:
                self.spans |= {span.span_id.hex() for span in spans}
                self.requests += 1

    def _score(self, dice: random.Random, number: int) -> None:
        """Score threads at readers, as people there do; each score by an author of its own."""
        for n in itertools.count():
            if self.done.wait(PAUSE_S):
                return
            reader = dice.choice(self.lake.readers)
            with contextlib.suppress(*AGAIN):
                found = httpx.get(f"{reader.api}/threads?project=*&limit=50", timeout=60)
                items = found.json()["items"] if found.is_success else []
                if not items:
                    continue
                thread_id, value = dice.choice(items)["thread_id"], dice.randrange(100) / 100
                score = {"thread_id": thread_id, "name": "quality", "value": value}
                body = {"scores": [{**score, "author": f"author-{n}"}]}
                for server in (reader, self.lake.reference):
                    self._until_taken(partial(_put_scores, server, body), refused={404, 503})
                self.scores[thread_id, f"author-{n}"] = value


def _put_scores(server: Server, body: object) -> httpx.Response:
    return httpx.put(f"{server.api}/scores", json=body, timeout=60)


def a_trace(dice: random.Random, thread: str) -> list:
    """Return a chat; or an agent's run, of whose spans the first alone names its conversation."""
    named = {"otel_threads.thread_id": thread}  # by which the Collector routes, and adds nothing
    question = f"question {dice.random()} " + "of a long history " * dice.choice((0, 20, 200))
    if dice.random() < 0.8:
        return [a_chat(None, question, "an answer", attributes=named)]
    trace_id = new_trace_id()
    root = a_span(
        name="run",
        trace_id=trace_id,
        attributes=named | {"gen_ai.operation.name": "invoke_agent"},
    )
    inner = {"trace_id": trace_id, "parent_span_id": root.span_id}
    return [root, *(a_chat(None, f"{question} {n}", "an answer", **inner) for n in range(2))]


def kill_in_turn(lake: Lake, load: Load, dice: random.Random, names: Iterable[str]) -> int:
    """Kill parts by their names and start them again; return how many.

    Between two kills senders get on, which says that what was killed is back.
    """
    kills = 0
    for name in names:
        kills += 1
        print(f"{time.strftime('%H:%M:%S')} kill {name} after {load.requests} requests", flush=True)
        part = lake.parts[name]
        part.kill()
        load.done.wait(dice.random() * DOWN_S_MAX)
        part.start()
        taken = load.requests
        wait_until(
            lambda taken=taken: load.requests > taken + SENDERS or bool(load.errors),
            f"senders get on after {name} was killed",
            SETTLED_S,
        )
        assert load.errors == []
    return kills


def settle(lake: Lake, load: Load) -> None:
    """Return once all that was acknowledged is in the lake, joined, and at both readers."""

    def arrived() -> bool:
        with reading(lake.where) as cursor:
            row = cursor.execute("select count(distinct span_id) from spans").fetchone()
        return row[0] >= len(load.spans)

    wait_until(arrived, f"{len(load.spans)} spans are in the lake", SETTLED_S)
    for node in lake.nodes:
        wait_until(lambda node=node: _is_shipped(node), "all of a node is in the lake", SETTLED_S)
    with contextlib.suppress(Exception):  # what is missing is told by `compared`
        wait_until(lambda: not compared(lake, load), "what is split is joined", SETTLED_S / 5)


def _is_shipped(node: Server) -> bool:
    answer = httpx.get(f"{node.api}/status", timeout=60)
    if not answer.is_success:
        return False
    found, lake = answer.json(), answer.json()["lake"]
    return (
        found["derived_sequence"] >= found["committed_sequence"]
        and lake["shipped_sequence"] >= found["derived_sequence"]
        and lake["waiting_changes"] == 0
    )


def compared(lake: Lake, load: Load) -> list[str]:
    """Return what is missing, twice or otherwise than on one node, in sentences; none is wanted."""
    wrong = []
    with reading(lake.where) as cursor:
        found = Counter(row[0] for row in cursor.execute("select span_id from spans").fetchall())
        wrong += _unlike("spans", Counter(load.spans), found)
        said = cursor.execute(  # one that was sent again after a new trace is there twice
            "select distinct thread_id, author, value from x_score_records"
        ).fetchall()
        wrong += _unlike("scores", _scores(load), Counter(said))
    expected = _threads(lake.reference)
    for number, reader in enumerate(lake.readers):
        wrong += _unlike(f"threads at reader {number}", expected, _threads(reader))
    return wrong


def _scores(load: Load) -> Counter:
    return Counter((thread, author, value) for (thread, author), value in load.scores.items())


def _unlike(what: str, expected: Counter, found: Counter) -> list[str]:
    missing, extra = list((expected - found).elements()), list((found - expected).elements())
    if not missing and not extra:
        return []
    return [
        f"{what}: {expected.total()} expected, {len(missing)} of them are missing, such as"
        f" {missing[:2]}; {len(extra)} are too many, such as {extra[:2]}"
    ]


# Of the node that took it, and which of several scores counts: that hangs on what came first.
OF_A_NODE = {"created_at", "updated_at", "received_at", "ingest_seq", "scores"}


def _without(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without(one) for key, one in value.items() if key not in OF_A_NODE}
    return [_without(one) for one in value] if isinstance(value, list) else value


def _threads(server: Server) -> Counter:
    answer = httpx.get(f"{server.api}/export/threads?project=*", timeout=120)
    if not answer.is_success:
        return Counter()
    lines = map(json.loads, answer.text.splitlines())
    return Counter(json.dumps(_without(one), sort_keys=True) for one in lines)


def run(folder: Path, *, seed: int, names: Iterable[str]) -> dict[str, int]:
    """Kill these parts, one after the other, while senders send; return counts.

    Raises:
        AssertionError: something is missing, twice, or otherwise than on one node.
    """
    with running(folder) as lake:
        load = Load(lake, seed)
        try:
            wait_until(lambda: load.requests > SENDERS or bool(load.errors), "the first are taken")
            kills = kill_in_turn(lake, load, random.Random(seed), names)
        finally:
            load.stop()
        assert load.errors == []
        settle(lake, load)
        _verify(lake, load)
        compacted = lake.command("compact")
        assert compacted.returncode == 0, compacted.stdout + compacted.stderr
        _verify(lake, load)
        assert lake.reference.stop() == 0
        with (
            reading(lake.where) as there,
            duckdb.connect(str(lake.reference.database), read_only=True) as here,
        ):
            here.execute("set TimeZone = 'UTC'")
            assert differences_of(here, there) == []
    return {
        "kills": kills,
        "requests": load.requests,
        "spans": len(load.spans),
        "scores": len(load.scores),
        "sent_again": load.again,
    }


def _verify(lake: Lake, load: Load) -> None:
    assert compared(lake, load) == []
    verified = lake.command("status", "--verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def in_turn(dice: random.Random, *, minutes: float, every_s: float) -> Iterator[str]:
    """Yield all parts' names again and again, each after its pause, for so long."""
    names = [f"node {n}" for n in range(NODES)] + [f"reader {n}" for n in range(READERS)]
    names += ["storage", "collector", "catalog"]
    begun = time.monotonic()
    for kills in itertools.count(1):
        threading.Event().wait(max(0.0, begun + kills * every_s - time.monotonic()))
        if time.monotonic() - begun >= minutes * 60:
            return
        if kills % len(names) == 1:
            dice.shuffle(names)
        yield names[kills % len(names)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every-s", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all parts end
    names = in_turn(random.Random(given.seed), minutes=given.minutes, every_s=given.every_s)
    with tempfile.TemporaryDirectory(prefix="otel-threads-chaos-") as folder:
        print(json.dumps(run(Path(folder), seed=given.seed, names=names), indent=2))


if __name__ == "__main__":
    main()
