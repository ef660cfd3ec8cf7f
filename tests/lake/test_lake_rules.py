"""A rule is of the whole lake, and a thread is judged once: where it is whole, whatever dies."""

import subprocess
import time

import httpx
import psutil
import pytest
from builders import a_chat, a_request, new_trace_id
from conftest import Server, wait_until
from lakes import needs_extra, reading

from otel_threads.lake import owner, report

pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra
RULE = {"name": "asks again", "kind": "builtin", "builtin": "repeated_question"}


@pytest.fixture
def nodes(make_server, postgres_lake, tmp_path):
    """Two nodes of one lake."""
    return [
        make_server(
            lake_catalog=postgres_lake.catalog,
            lake_data=postgres_lake.data,
            lake_ship_every_s=0.2,
            thread_cooldown_s=4.0,
            folder=tmp_path / f"node-{i}",
        )
        for i in range(2)
    ]


def ask(server: Server, thread_id: str, text: str) -> None:
    one = a_chat(thread_id, text, f"re: {text}", trace_id=new_trace_id(), start=time.time_ns())
    assert server.post(a_request(one)).status_code == 200


def judged(where) -> list[tuple[str, float]]:
    """Return each thread that was judged, as often as it was, with what was found."""
    with reading(where) as lake:
        found = lake.execute("select thread_id, message from x_rule_log order by all").fetchall()
    return [(thread_id, float(message.rsplit(" ", 1)[1])) for thread_id, message in found]


def decisions(where) -> list[tuple[str, str]]:
    """Return each thread with what was decided of it."""
    with reading(where) as lake:
        return lake.execute("select thread_id, state from rule_decisions order by 1").fetchall()


def values(server: Server, thread_id: str) -> list[float]:
    return [one["value"] for one in server.get("/scores", thread_id=thread_id)["items"]]


def rules_of(server: Server) -> list[str]:
    return [one["name"] for one in server.get("/rules", project="*")["items"]]


def owner_first(nodes: list[Server], where) -> list[Server]:
    """Return the node that holds the owner's sessions in the catalog, and then the other."""
    asked = f"select client_port from pg_stat_activity where application_name = '{owner.OWNER}'"
    found: list[Server] = []

    def is_found() -> bool:
        ran = subprocess.run(
            ["psql", "-At", where.catalog, "-c", asked], capture_output=True, text=True, check=True
        )
        ports = {int(line) for line in ran.stdout.split()}
        found[:] = [node for node in nodes if ports & ports_of(node)]
        return len(found) == 1

    wait_until(is_found, "one of them is the owner", 120)
    return found + [node for node in nodes if node not in found]


def ports_of(server: Server) -> set[int]:
    return {one.laddr.port for one in psutil.Process(server.pid).net_connections()}


@pytest.mark.slow
def test_a_thread_is_judged_once_wherever_its_parts_are(nodes, postgres_lake):
    where = postgres_lake
    first, second = nodes
    made = httpx.post(f"{first.api}/rules", json=RULE)
    assert made.is_success, made.text
    wait_until(lambda: rules_of(second) == ["asks again"], "the rule is on the other node", 120)
    ask(first, "a", "Which parcel arrives tomorrow?")
    ask(second, "b", "Which parcel arrives tomorrow?")
    for node in nodes:
        ask(node, "split", "Which parcel arrives tomorrow?")
    once = {("a", 0.0), ("b", 0.0), ("split", 1.0)}  # in the whole of which it was asked twice
    wait_until(lambda: once <= set(judged(where)), "each is judged", 240)
    for node in nodes:
        wait_until(lambda node=node: values(node, "split") == [1.0], "it is scored", 120)
    for node, thread_id in ((first, "a"), (second, "b")):  # scores come to a node one after another
        wait_until(
            lambda node=node, thread_id=thread_id: values(node, thread_id) == [0.0],
            "so are these",
            120,
        )
    # The owner dies; the other goes on from what stands in the lake.
    owning, other = owner_first(nodes, where)
    owning.kill()
    ask(other, "split", "Which parcel arrives tomorrow?")
    wait_until(lambda: ("split", 2.0) in judged(where), "it is judged again", 240)
    owning.start()
    ask(owning, "late", "Which parcel arrives tomorrow?")
    late = ("late", 0.0)
    wait_until(lambda: late in judged(where), "what comes after the start is judged", 240)
    # A machine so slow that one part came when the other was inactive: a trace that came later.
    alone = [one for one in judged(where) if one == ("split", 0.0)]
    assert len(alone) <= 1
    assert judged(where) == sorted([*once, late, ("split", 2.0), *alone])
    scored = [(one, "scored") for one in ("a", "b", "late", "split")]
    wait_until(lambda: decisions(where) == scored, "all are decided", 120)
    # Deleted on one node it is gone on the other.
    assert httpx.delete(f"{other.api}/rules/{made.json()['rule_id']}").is_success
    wait_until(lambda: rules_of(owning) == [], "the rule is gone", 120)
    assert report.look(where, verify=True).differences == []
