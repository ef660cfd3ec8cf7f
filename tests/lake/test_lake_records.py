"""Records of other products' SDKs are in the lake whole, and are folded once whoever took them."""

import contextlib
import random

import pytest
from lakes import needs_extra, reading, unlike
from sdk_records import RecordStore, a_change, a_step, a_trace, opik_records, recorded

from otel_threads.core.config import Config
from otel_threads.core.ids import new_uuid7
from otel_threads.engine import derive_again
from otel_threads.lake import owner, report
from otel_threads.lake.shipper import Shipper
from otel_threads.store import outbox

pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra
DERIVE = derive_again(Config())


class Node(RecordStore):
    def __init__(self, folder, where) -> None:
        folder.mkdir()
        super().__init__(str(folder))
        outbox.begin(self.database)
        self.shipper = Shipper(self.database, where)

    def ship(self) -> None:
        self.shipper.ship()

    def close(self) -> None:
        self.shipper.close()
        super().close()


@pytest.fixture
def nodes(tmp_path, where):
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(contextlib.closing(Node(tmp_path / f"node-{i}", where)))
            for i in range(3)
        ]


def shown(where) -> dict[str, list[tuple]]:
    """Return of the lake what `RecordStore.shown` returns of a file."""
    with reading(where) as lake:

        class Seen:
            def rows(self, query):
                return lake.execute(query).fetchall()

        return RecordStore.shown(Seen())


def test_records_are_shipped_whole_and_go_with_their_threads(nodes, where):
    node, *_ = nodes
    long = {"messages": [{"role": "user", "content": "the history of an agent " * 2000}]}
    ids = [new_uuid7() for _ in range(4)]
    for one in ids[:2]:
        node.write(a_trace(one, input=long, thread_id="stays" if one == ids[0] else "goes"))
        node.write(a_step(new_uuid7(), one, input=long, output={"content": "yes"}))
        node.ship()
        assert unlike(node.database, where) == []
    node.write(a_change(ids[0], output={"content": "later"}, end_time="2026-11-28T16:01:00Z"))
    node.ship()
    assert unlike(node.database, where) == []
    node.deletion.threads("Default Project", ["goes"])
    node.ship()
    assert unlike(node.database, where) == []
    owner.once(where, DERIVE, node_name="test")
    assert unlike(node.database, where) == []
    with reading(where) as lake:
        found = lake.execute("select distinct trace_record_id from x_sdk_records").fetchall()
    assert found == [(ids[0],)]
    assert report.look(where, verify=True).differences == []


@pytest.mark.parametrize("name", ["opik-o02_client_trace", "opik-o07_langchain"])
def test_a_run_whose_records_reached_two_nodes_is_folded_once(nodes, where, name):
    one, *others = nodes
    rng = random.Random(7)
    for record in opik_records(recorded(name)):
        one.write(record)
        rng.choice(others).write(record)
    for node in others:
        node.ship()
    owner.once(where, DERIVE, node_name="test")
    assert shown(where) == one.shown()
    assert all(node.rows("select 1 from x_sdk_records limit 1") for node in others)
    # What comes later of it is folded with what was there.
    trace_id = one.rows("select record_id from spans where parent_span_id is null limit 1")[0][0]
    change = a_change(trace_id, tags=["late"])
    for node in (one, others[0]):
        node.write(change)
    others[0].ship()
    owner.once(where, DERIVE, node_name="test")
    assert shown(where) == one.shown()
    assert report.look(where, verify=True).differences == []
