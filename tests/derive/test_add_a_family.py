"""A family is added with nothing but its file: conversation, doctor's advice, log records, docs."""

import importlib.util
from pathlib import Path

import pytest
from builders import a_request, a_span, new_trace_id
from deriving import a_record, derive

from otel_threads.core.model import Request, Signal
from otel_threads.core.status import Instrumentation
from otel_threads.decode import columns
from otel_threads.decode.project_names import ProjectNames
from otel_threads.derive.conventions import CONVENTIONS, Conventions
from otel_threads.derive.families import in_order
from otel_threads.services.doctor import findings

FILE = Path(__file__).parent / "fixtures" / "acme.py"


def family():
    spec = importlib.util.spec_from_file_location("acme", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FAMILY


ACME = family()
WITH_ACME = Conventions(in_order((*CONVENTIONS.families, ACME)))


def a_model(**fields):
    attributes = {
        "acme.kind": "model",
        "acme.model": "gpt-4o-mini",
        "acme.prompt": '[{"role": "user", "content": "The customer asks: Rome?"}]',
        "acme.answer": "Sunny.",
        "acme.usage": '{"in": 9, "out": 2}',
        "acme.dialog": "chat-1@2",
    } | fields.pop("attributes", {})
    return a_span(attributes=attributes, **fields)


def acme(*spans, **fields):
    return derive(*spans, scope="acme.sdk.v1", conventions=WITH_ACME, **fields)


def test_a_request_becomes_a_turn_of_its_thread():
    found = acme(a_model())

    assert found.thread == ("chat-1", "acme.dialog")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.tokens == {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
    assert found.call["cost_source"] == "estimated"


def test_without_its_file_none_of_it_is_known():
    found = derive(a_model(), scope="acme.sdk.v1")

    assert (found.thread, found.said) == ((None, None), [])


@pytest.mark.parametrize(
    ("resource", "attributes", "project"),
    [
        ({"acme.team": "ours"}, {"acme.board": "mine"}, "ours"),
        ({}, {"acme.board": "mine"}, "mine"),
        ({"set": "chosen", "acme.team": "ours"}, {}, "chosen"),
        ({}, {}, "default"),
    ],
)
def test_its_attributes_name_the_project(resource, attributes, project):
    known = ProjectNames(
        configured="set",
        of_resources=WITH_ACME.resource_projects,
        of_spans=WITH_ACME.span_projects,
    )
    sent = Request(
        signal=Signal.TRACES,
        payload=a_request(a_span(attributes=attributes), resource=resource),
        received_unix_nano=1,
    )

    found = columns.decode([sent], default_project="default", project_names=known)

    assert found.tables["spans"]["project"].to_pylist() == [project]


def test_the_page_shows_its_inputs_and_outputs():
    assert "acme.question" in [one.attribute for one in WITH_ACME.shown_inputs]
    assert "acme.reply" in [one.attribute for one in WITH_ACME.shown_outputs]


def test_a_run_with_a_tool():
    trace = new_trace_id()
    run = a_span(
        trace_id=trace,
        attributes={"acme.kind": "run", "acme.question": "Rome?", "acme.reply": "Sunny."},
    )
    tool = a_span(
        name="weather",
        trace_id=trace,
        parent_span_id=run.span_id,
        attributes={"acme.kind": "tool", "acme.result": "sunny"},
    )
    found = acme(run, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", None, "sunny")]


def test_its_tool_for_the_answer_ends_a_turn():
    answer = '{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "acme_done", "arguments": "{\\"text\\": \\"Sunny.\\"}"}}]}'
    found = acme(a_model(attributes={"acme.answer": answer}))

    assert (found.said, found.tools) == ([("Rome?", "Sunny.")], [])


def test_its_log_event_is_kept_and_read():
    span = a_model()
    kept = [pair for pair in span.attributes if pair.key != "acme.prompt"]
    del span.attributes[:]
    span.attributes.extend(kept)
    record = a_record(span, "acme.prompt", body='[{"role": "user", "content": "Oslo?"}]')

    assert acme(span, records=[record]).said == [("Oslo?", "Sunny.")]


def test_metadata_without_its_noise():
    labels = {"acme.label.plan": "pro", "acme.label._acme_build": "7", "tags": ["acme:x", "beta"]}
    found = acme(a_model(attributes=labels)).trace

    assert (found["metadata"], found["tags"]) == ({"plan": "pro"}, ["beta"])


def test_what_it_writes_in_place_of_values_is_none():
    scrubbed = acme(a_model(attributes={"acme.dialog": "acme#1234", "thread_id": "t"}))
    elided = acme(a_span(attributes={"acme.kind": "run", "acme.question": "<acme hides this>"}))

    assert scrubbed.thread == ("t", "thread_id")
    assert elided.said == [(None, None)]


def test_its_event_tells_the_first_token():
    span = a_model()
    span.events.add(name="acme.first", time_unix_nano=span.start_time_unix_nano + 500_000)

    assert acme(span).call["time_to_first_token_ms"] == 0.5


def test_doctor_says_what_its_users_write():
    seen = Instrumentation(
        scope_name="acme.sdk.v1",
        scope_version="1",
        span_count=9,
        trace_count=3,
        traces_with_thread=1,
        thread_id_sources=None,
        traces_with_calls=3,
        calls_without_thread=2,
        examples_without_thread=["a"],
        traces_without_content=0,
        examples_without_content=[],
        traces_truncated=0,
        examples_truncated=None,
        spans_from_the_future=0,
        spans_ending_before_start=0,
        spans_a_day_late=0,
        spans_scrubbed=0,
    )
    (found,) = findings([seen], [], [], otlp_http="x", libraries=WITH_ACME.libraries)

    assert (found.kind, found.library) == ("no_thread_id", "acme")
    assert found.fix == "acme.dialog(chat_id)"


def test_it_is_asked_before_the_common_conventions():
    names = [one.name for one in WITH_ACME.families]

    assert names.index("claude-code") < names.index("acme") < names.index("otel-genai")


def test_contributing_shows_this_file_and_names_every_field():
    """Whoever follows the page finds what there is."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    section = text.partition("## Add a family")[2].partition("\n## ")[0]

    assert "tests/derive/fixtures/acme.py" in section
    missing = [name for name in ACME.__dataclass_fields__ if f"`{name}`" not in section]
    assert missing == []


def test_two_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two families or libraries are named acme"):
        Conventions((*WITH_ACME.families, ACME))
