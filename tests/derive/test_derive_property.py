"""The derived tables depend on which spans arrived: not on order, batching, repetition or timing."""

import dataclasses
import json
import random
import tempfile
from itertools import chain, zip_longest
from pathlib import Path

import pytest
from conftest import request_files, scenarios
from databases import a_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Batch
from otel_threads.database.database import Database
from otel_threads.decode import columns, logs, otlp_json
from otel_threads.derive.deriver import derive_all
from otel_threads.store.derived.derived_store import TABLES, DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter

OUTSIDE_SQL = """
    select t.thread_id, t.start_time, f.first_activity_time, f.last_activity_time
    from turns t join x_thread_facts f using (project, thread_id)
    where t.start_time not between f.first_activity_time and f.last_activity_time
"""
GROUPS = 4
RECEIVED = 1_795_400_000_000_000_000


def single_spans(folder: Path) -> list[Request]:
    """Return the recording cut as small as it goes: a request a span, a request a log request."""
    found = []
    for file in request_files(folder):
        body = file.read_bytes()
        if file.name.endswith(".logs.pb"):
            found.append(
                Request(
                    signal=Signal.LOGS,
                    payload=body,
                    project=folder.name,
                    received_unix_nano=RECEIVED,
                )
            )
            continue
        if file.suffix == ".json":
            body = otlp_json.to_wire(Signal.TRACES, body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    one = ExportTraceServiceRequest()
                    target = one.resource_spans.add(resource=resource.resource)
                    target.scope_spans.add(scope=scope.scope, spans=[span])
                    found.append(
                        Request(
                            signal=Signal.TRACES,
                            payload=one.SerializeToString(),
                            project=folder.name,
                            received_unix_nano=RECEIVED,
                        )
                    )
    return found


def dumped(database: Database) -> dict[str, list[str]]:
    """Return the rows of the derived tables, in an order of their own."""
    with database.cursor() as cursor:
        # Who reads a thread's turns, and derives them again, looks nowhere else.
        assert cursor.execute(OUTSIDE_SQL).fetchall() == []
        return {
            table: sorted(
                json.dumps(row, default=str)
                # In which commit a span came is of the delivery, not of the conversation.
                for row in cursor.execute(
                    f"select columns(c -> not c like '%_sequence') from {table}"
                ).fetchall()
            )
            for table in TABLES
        }


def derive(commits: list[list[Request]], *, at_once: bool) -> dict[str, list[str]]:
    """Return the derived tables after some commits, derived after each or after all of them."""
    with tempfile.TemporaryDirectory() as name:
        database = a_database(f"{name}/x.duckdb")
        writer, store = BatchWriter(database), DuckDBDerivedStore(database)
        for commit in commits:
            spans = [r for r in commit if r.signal is Signal.TRACES]
            records = [r for r in commit if r.signal is Signal.LOGS]
            decoded = columns.decode(spans, default_project="default")
            rows, _ = logs.decode(records, event_names=("gen_ai.*",), default_project="default")
            writer._commit([Batch(decoded.tables, rows)])
            if not at_once:
                derive_all(store, writer.committed_sequence)
        derive_all(store, writer.committed_sequence)
        found = dumped(database)
        writer.close()
        database.close()
    return found


EXPECTED: dict[str, dict[str, list[str]]] = {}


def expected(folder: Path) -> dict[str, list[str]]:
    if folder.name not in EXPECTED:
        EXPECTED[folder.name] = derive([single_spans(folder)], at_once=True)
    return EXPECTED[folder.name]


@pytest.mark.long
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_permutation_split_and_repetition_gives_the_same_tables(data):
    folder = data.draw(st.sampled_from(scenarios()))
    pieces = single_spans(folder)
    dice = random.Random(data.draw(st.integers(0, 2**32)))
    shuffled = dice.sample(pieces, len(pieces))
    shuffled += dice.sample(pieces, dice.randrange(len(pieces)))
    commits = []
    while shuffled:
        size = dice.randrange(1, 1 + max(1, len(shuffled)))
        commits.append(shuffled[:size])
        shuffled = shuffled[size:]

    assert derive(commits, at_once=data.draw(st.booleans())) == expected(folder)


@pytest.mark.long
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_conversations_within_one_another_keep_their_turns(data):
    """Ids on any spans of a recording, whatever is inside of what."""
    dice = random.Random(data.draw(st.integers(0, 2**32)))
    pieces, ids = [], {}
    for piece in single_spans(data.draw(st.sampled_from(scenarios()))):
        if piece.signal is Signal.TRACES:
            request = ExportTraceServiceRequest.FromString(piece.payload)
            span = request.resource_spans[0].scope_spans[0].spans[0]
            # Recordings send some spans twice: with the same id.
            one = ids.setdefault(span.span_id, dice.choice(("one", "two", "three", "", "", "")))
            if one:
                span.attributes.add(key="gen_ai.conversation.id").value.string_value = one
            piece = dataclasses.replace(piece, payload=request.SerializeToString())
        pieces.append(piece)
    halves = dice.sample(pieces, len(pieces))
    halves = [half for half in (halves[::2], halves[1::2]) if half]
    assert derive(halves, at_once=False) == derive([pieces], at_once=True)


@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_children_first_one_commit_a_span_gives_the_same_tables(group):
    """The normal case in the wild: the root comes last. Several recordings arrive side by side."""
    pieces = [single_spans(folder) for folder in scenarios()[group::GROUPS]]
    turns = zip_longest(*(reversed(one) for one in pieces))
    commits = [[piece for piece in turn if piece] for turn in turns]
    assert derive(commits, at_once=False) == derive([list(chain(*pieces))], at_once=True)
