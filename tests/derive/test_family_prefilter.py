"""Families: what they leave out for speed changes nothing of what they find."""

import dataclasses

import pytest
from conftest import request_files, scenarios
from databases import a_database
from hypothesis import given
from hypothesis import strategies as st

from otel_threads.core.model import Request, Signal, Span
from otel_threads.core.ports import Batch
from otel_threads.core.usage import USAGE
from otel_threads.decode import columns, logs, otlp_json
from otel_threads.derive.families import FAMILIES
from otel_threads.derive.family import Usage
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter

READERS = ("values", "inputs", "outputs", "system", "usage")


def recorded_spans(tmp_path) -> list[Span]:
    """Return the spans of every recording, as the deriver gets them."""
    database = a_database(tmp_path / "x.duckdb")
    writer = BatchWriter(database)
    for folder in scenarios():
        for file in request_files(folder):
            if file.name.endswith(".logs.pb"):
                continue
            body = file.read_bytes()
            if file.suffix == ".json":
                body = otlp_json.to_wire(Signal.TRACES, body)
            request = Request(signal=Signal.TRACES, payload=body, project=folder.name)
            decoded = columns.decode([request], default_project="default")
            writer.write(Batch(decoded.tables, logs.LOGS.empty_table()), lambda _: None)
    writer.close()
    store = DuckDBDerivedStore(database)
    spans, position = [], 0
    while position < writer.committed_sequence:
        work = store.pending(after=position, upto=writer.committed_sequence)
        spans += [one for some in store.spans(work, after=position) for one in some]
        position = work.upto
    database.close()
    return spans


def found_without_marks(span: Span) -> list[str]:
    """Return the readers that find something on a span which has none of their family's marks."""
    found = []
    for family in FAMILIES:
        if not family.marks or any(name.startswith(family.marks) for name in span.attributes):
            continue
        for name in READERS:
            reader = getattr(family, name)
            answer = reader(span) if reader else None
            if isinstance(answer, dict):
                answer = {key: value for key, value in answer.items() if value is not None}
            if answer:
                found.append(f"{family.name}.{name}")
    return found


@pytest.mark.long
def test_a_family_finds_nothing_on_a_span_without_its_marks(tmp_path):
    """Marks save asking: on every recorded span, and on spans mixed of all of their attributes."""
    spans = recorded_spans(tmp_path)
    assert {name for span in spans for name in found_without_marks(span)} == set()
    bare = [dataclasses.replace(span, attributes={}) for span in spans]  # events and logs alone
    assert {name for span in bare for name in found_without_marks(span)} == set()
    pool = sorted({(k, repr(v)): (k, v) for s in spans for k, v in s.attributes.items()}.items())
    scopes = sorted({span.scope_name for span in spans})

    @given(
        st.lists(st.sampled_from([pair for _, pair in pool]), max_size=8),
        st.sampled_from(scopes),
        st.sampled_from(spans),
    )
    def mixed(pairs, scope, base):
        assert (
            found_without_marks(dataclasses.replace(base, attributes=dict(pairs), scope_name=scope))
            == []
        )

    mixed()


def test_usage_has_the_columns_of_the_store_in_their_order():
    assert tuple(field.name for field in dataclasses.fields(Usage)) == USAGE
