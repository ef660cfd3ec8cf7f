"""SDKs' records whose long values share chains: killed anywhere, each acknowledged body is whole.

A process of its own stores, folds and deletes; it is killed, and the next goes on with the file.
"""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sdk_records import RecordStore

from otel_threads.store.records import record_rows

ROUNDS = 8
KILL_AFTER_MAX = 60  # lines that the process has written
CHILD = """
import random, sys
sys.path[:0] = [{tests!r}]
from sdk_records import RecordStore, a_trace
from otel_threads.vendors import ids
dice = random.Random({seed})
store = RecordStore({folder!r})
history = []
sent = []
while True:
    history.append(" ".join(str(dice.random()) for _ in range(60)))
    if dice.random() < 0.1:
        del history[dice.randrange(len(history)):]
    record = a_trace(ids.new_uuid(), project_name="p", input=list(history), thread_id="t")
    print("sent", record.record_id, record.body, flush=True)
    store.write(record, derive=False)
    sent.append(record.record_id)
    print("stored", record.record_id, flush=True)
    if dice.random() < 0.3:
        store.derive()
    if dice.random() < 0.1 and sent:
        gone = dice.choice(sent)
        store.derive()
        print("deleting", gone, flush=True)
        store.deletion.traces([ids.trace_id_of(gone)], project=None)
        print("deleted", gone, flush=True)
    if dice.random() < 0.1:
        store.database.checkpoint(whatever_size=True)
"""


def run_and_kill(folder: Path, seed: int) -> list[str]:
    """Return what a process said until it was killed at a moment that hangs on the seed."""
    tests = str(Path(__file__).parents[1])
    code = CHILD.format(tests=tests, folder=str(folder), seed=seed)
    last = random.Random(seed).randint(5, KILL_AFTER_MAX)
    said: list[str] = []
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            said.append(line.rstrip("\n"))
            if len(said) >= last:
                child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    return said


@pytest.mark.slow
def test_acknowledged_bodies_are_whole_and_what_was_deleted_is_gone(tmp_path):
    bodies: dict[str, str] = {}
    stored: set[str] = set()
    maybe_gone: set[str] = set()
    gone: set[str] = set()
    for seed in range(ROUNDS):
        for line in run_and_kill(tmp_path, seed):
            what, record_id, *body = line.split(" ", 2)
            if what == "sent":
                bodies[record_id] = body[0]
            {"stored": stored, "deleting": maybe_gone, "deleted": gone}.get(what, set()).add(
                record_id
            )
        store = RecordStore(str(tmp_path))
        try:
            with store.database.cursor() as cursor:
                found, _ = record_rows.read(cursor, sorted(bodies), upto=1 << 40)
            told = {row.record.record_id: row.record.body for row in found}
            assert stored - maybe_gone <= set(told)
            assert not gone & set(told)
            assert told == {record_id: bodies[record_id] for record_id in told}
            store.derive()
            folded = store.rows(
                "select s.record_id, c.value from span_content c join spans s using (trace_id, span_id)"
                " where c.key = 'otel_threads.record.field.input'"
            )
            long = {key for key, body in told.items() if len(body) > 2000}
            assert long <= {record_id for record_id, _ in folded}
            for record_id, value in folded:
                assert value == json.dumps(json.loads(bodies[record_id])["input"])
        finally:
            store.close()
    assert len(stored) > ROUNDS
