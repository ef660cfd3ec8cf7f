"""Lists of spans across traces: pages, long values, trees."""

import dataclasses
import time
from pathlib import Path

import pytest
from builders import a_chat, a_request, a_span, new_trace_id

from otel_threads.core.config import Config
from otel_threads.core.model import Request, Signal
from otel_threads.core.span import SpanPlace, SpanSelection
from otel_threads.engine import Engine

LONG = "x" * 20_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("spans")
    engine = Engine(Config(database=str(folder / "x.duckdb"), tune_process=False))
    yield engine
    engine.close()


def store(engine: Engine, project: str, *spans) -> None:
    request = Request(
        signal=Signal.TRACES,
        payload=a_request(*spans),
        project=project,
        received_unix_nano=time.time_ns(),
    )
    engine.intake.submit(request).result(30)
    engine.deriver.wait(engine.writer.committed_sequence, 30)


def place_of(span) -> SpanPlace:
    return SpanPlace(
        start_time_unix_nano=span.start_time_unix_nano,
        trace_id=span.trace_id,
        is_root=span.parent_span_id is None,
        span_id=span.span_id,
    )


def read_all(engine: Engine, selection: SpanSelection, *, limit: int, newest_first: bool = True):
    found, after = [], None
    while page := engine.services.spans.page(
        selection, limit=limit, after=after, newest_first=newest_first
    ):
        found += page
        after = place_of(page[-1])
    return found


@pytest.mark.long
@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_have_each_span_once_while_spans_arrive(engine, newest_first):
    project = f"pages-{newest_first}"
    start = time.time_ns()
    spans = [a_chat(None, "q", "a", start=start + i // 3) for i in range(30)]  # equal starts
    store(engine, project, *spans)
    selection = SpanSelection(projects=[project])
    service = engine.services.spans

    first = service.page(selection, limit=7, newest_first=newest_first)
    ahead = start + 10_000 if newest_first else start - 10_000
    store(engine, project, a_chat(None, "late", "a", start=ahead))
    rest = []
    after = place_of(first[-1])
    while page := service.page(selection, limit=7, after=after, newest_first=newest_first):
        rest += page
        after = place_of(page[-1])

    found = [one.span_id for one in (*first, *rest)]
    assert sorted(found) == sorted(span.span_id.hex() for span in spans)
    starts = [one.start_time_unix_nano for one in (*first, *rest)]
    assert starts == sorted(starts, reverse=newest_first)


def test_conditions_select(engine):
    start = time.time_ns()
    trace = new_trace_id()
    root = a_span(trace_id=trace, name="root", start=start)
    child = a_chat("chosen", "q", "a", trace_id=trace, parent_span_id=root.span_id, start=start + 5)
    other = a_chat("other", "q", "a", start=start + 9)
    store(engine, "select", root, child, other)
    every = SpanSelection(projects=["select"])
    ids = {name: span.span_id.hex() for name, span in (("r", root), ("c", child), ("o", other))}

    def found(**changes) -> set[str]:
        selection = dataclasses.replace(every, **changes)
        return {one.span_id for one in engine.services.spans.page(selection, limit=10)}

    assert found() == set(ids.values())
    assert found(trace_ids=[trace.hex()]) == {ids["r"], ids["c"]}
    assert found(named_threads=["chosen"]) == {ids["r"], ids["c"]}
    assert found(named_threads=["nobody"]) == set()
    assert found(named_threads=["chosen"], trace_ids=[other.trace_id.hex()]) == set()
    assert found(span_ids=[ids["o"]]) == {ids["o"]}
    assert found(is_root=True) == {ids["r"], ids["o"]}
    assert found(from_unix_nano=start + 5) == {ids["c"], ids["o"]}
    assert found(to_unix_nano=start + 5) == {ids["r"]}
    assert found(projects=["nobody"]) == set()


def test_a_trace_is_found_by_its_metadata_too(engine):
    bag = {"langfuse.trace.metadata.session": "by-metadata"}
    span = a_chat("its-own", "q", "a", attributes=bag)
    store(engine, "metadata", span)

    found = engine.services.spans.page(
        SpanSelection(projects=["metadata"], named_threads=["by-metadata"]), limit=10
    )

    assert [one.span_id for one in found] == [span.span_id.hex()]


def test_long_values_come_when_they_are_asked_for(engine):
    span = a_span(attributes={"short": "s", "number": 7, "long": LONG, "longer": LONG + "y"})
    store(engine, "long", span)
    service = engine.services.spans
    (listed,) = service.page(SpanSelection(projects=["long"]), limit=10)

    (one,) = service.with_attributes([listed], ["long"])
    (whole,) = service.with_attributes([listed])

    assert listed.attributes == {"short": "s", "number": 7}
    assert listed.long_names == {"long", "longer"}
    assert one.attributes["long"] == LONG
    assert one.long_names == {"longer"}
    assert whole.attributes["longer"] == LONG + "y"
    assert whole.long_names == frozenset()


def test_trees_tell_parents_and_requests(engine):
    trace = new_trace_id()
    root = a_span(trace_id=trace, name="root")
    child = a_chat("tree", "q", "a", trace_id=trace, parent_span_id=root.span_id)
    store(engine, "trees", root, child)
    traces = engine.services.spans.traces([trace.hex()])

    (tree,) = engine.services.spans.trees(traces.values()).values()

    by_id = {span.span_id: span for span in tree}
    assert traces["trees", trace.hex()].thread_id == "tree"
    assert by_id[root.span_id.hex()].usage is None
    assert by_id[child.span_id.hex()].parent_span_id == root.span_id.hex()
    assert by_id[child.span_id.hex()].usage.total_tokens == 15
