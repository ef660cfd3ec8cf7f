"""What the deriver makes of Opik's traces: one turn each, whatever their input and output are."""

import json

import pytest
from sdk_records import RecordStore, a_change, a_step, a_trace, opik_records, recorded

from otel_threads.vendors import ids

END = "2026-11-28T16:00:01Z"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = RecordStore(str(tmp_path_factory.mktemp("opik-turns")))
    yield made
    made.close()


def said(store, trace_uuid):
    """Return user and assistant texts, and the messages' roles and texts."""
    turns = store.rows(
        "select turns.user, assistant, error_message from turns where trace_id = ?",
        ids.trace_id_of(trace_uuid),
    )
    messages = store.rows(
        "select role, text from messages where trace_id = ? order by message_index",
        ids.trace_id_of(trace_uuid),
    )
    return turns, messages


USER = [
    ("What is Opik?", "What is Opik?"),
    ({"question": "q", "thread_id": "t"}, "q"),
    ({"input": "in"}, "in"),
    ({"input": [{"role": "user", "content": "resp"}]}, "resp"),
    ({"user": "seed"}, "seed"),
    ({"prompt": "vercel"}, "vercel"),
    ({"contents": "genai"}, "genai"),
    ({"contents": [{"role": "user", "parts": [{"text": "genai"}]}]}, "genai"),
    ({"parts": [{"text": "adk"}], "role": "user"}, "adk"),
    (
        {
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "one"},
                {"role": "assistant", "content": "two"},
                {"role": "user", "content": "three"},
            ]
        },
        "three",
    ),
    ({"messages": [{"type": "human", "content": "graph", "id": "x"}]}, "graph"),
    ([{"role": "user", "content": [{"type": "text", "text": "list"}]}], "list"),
    ({"topic": "only"}, "only"),
    ({"a": "x", "b": 2}, '{"a":"x","b":2}'),
    ({"q": 1.0, "big": 12345678901234567890123}, '{"q":1.0,"big":12345678901234567890123}'),
    ([1, 2], "[1,2]"),
    ("[not json", "[not json"),
    ('{"a": "json in a string"}', '{"a": "json in a string"}'),
    ({"input": {"x": {"y": [1]}}}, '{"input":{"x":{"y":[1]}}}'),
]
ASSISTANT = [
    ("plain", "plain"),
    ({"output": "decorated"}, "decorated"),
    ({"output": {"content": "chain", "type": "ai"}}, "chain"),
    ({"assistant": "seed"}, "seed"),
    ({"text": "vercel"}, "vercel"),
    ({"answer": "a", "sources": ["s"]}, "a"),
    ({"choices": [{"message": {"role": "assistant", "content": "openai"}}]}, "openai"),
    (
        {
            "output": [
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "responses", "annotations": []}],
                }
            ]
        },
        "responses",
    ),
    ({"candidates": [{"content": {"role": "model", "parts": [{"text": "gemini"}]}}]}, "gemini"),
    ({"content": {"parts": [{"text": "adk"}], "role": "model"}}, "adk"),
    (
        {
            "messages": [
                {"type": "human", "content": "q"},
                {"type": "ai", "content": "graph"},
            ]
        },
        "graph",
    ),
    ({"x": 1}, '{"x":1}'),
    (7, "7"),
]


@pytest.mark.parametrize(("value", "text"), USER)
def test_the_input_is_what_was_asked(store, value, text):
    trace = ids.new_uuid()
    store.write(a_trace(trace, input=value))
    assert said(store, trace) == ([(text, None, None)], [("user", text)])


@pytest.mark.parametrize(("value", "text"), ASSISTANT)
def test_the_output_is_what_was_answered(store, value, text):
    trace = ids.new_uuid()
    store.write(a_trace(trace, input="q", output=value, end_time=END))
    assert said(store, trace) == ([("q", text, None)], [("user", "q"), ("assistant", text)])


def test_an_older_answer_is_not_shown_for_a_new_question(store):
    trace = ids.new_uuid()
    history = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "old"},
        {"role": "user", "content": "two"},
    ]
    error = {"exception_type": "E", "message": "no answer", "traceback": "Traceback: here"}
    store.write(
        a_trace(trace, input={"messages": history}, output={"messages": history}, error_info=error)
    )
    ((user, assistant, failure),), messages = said(store, trace)
    assert (user, failure) == ("two", "no answer")
    assert assistant != "old"
    assert ("assistant", "old") not in messages


def test_a_trace_that_failed_without_words_is_a_turn(store):
    trace = ids.new_uuid()
    error = {"exception_type": "ValueError", "message": "broke", "traceback": ""}
    store.write(a_trace(trace, error_info=error, thread_id="failed"))
    assert said(store, trace)[0] == [(None, None, "broke")]


def test_a_trace_without_input_and_output_is_no_turn(store):
    trace = ids.new_uuid()
    store.write(a_trace(trace, input={}, output=None, end_time=END))
    assert said(store, trace) == ([], [])


def test_a_decorated_function_is_one_turn_with_its_steps(store):
    """Trace and root span have the same input and output; requests below count once."""
    trace, outer, tool, model = (ids.new_uuid() for _ in range(4))
    words = {"input": {"question": "q"}, "output": {"output": "a"}, "end_time": END}
    asked = [{"role": "system", "content": "be"}, {"role": "user", "content": "Q: q"}]
    store.write(
        a_trace(trace, thread_id="decorated", metadata={"channel": "web"}, tags=["t"], **words),
        a_step(outer, trace, type="general", name="answer", **words),
        a_step(
            tool,
            trace,
            type="tool",
            name="search",
            parent_span_id=outer,
            input={"query": "x"},
            output={"hits": 3},
            metadata={"inner": "no"},
            tags=["inner"],
        ),
        a_step(
            model,
            trace,
            type="llm",
            name="model",
            model="gpt-4o-mini",
            provider="openai",
            parent_span_id=outer,
            input={"messages": asked},
            output={"choices": [{"message": {"role": "assistant", "content": "raw"}}]},
            usage={
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "original_usage.prompt_tokens": 10,
                "original_usage.completion_tokens": 5,
                "original_usage.total_tokens": 15,
                "original_usage.prompt_tokens_details.cached_tokens": 4,
                "original_usage.completion_tokens_details.reasoning_tokens": 2,
            },
            total_estimated_cost=0.002,
        ),
    )
    assert said(store, trace) == ([("q", "a", None)], [("user", "q"), ("assistant", "a")])
    ((calls, cost, source, system, tools),) = store.rows(
        "select call_count, cost_usd, cost_source, system, tool_calls from turns where trace_id = ?",
        ids.trace_id_of(trace),
    )
    assert (calls, cost, source, system) == (1, 0.002, "reported", "be")
    (only,) = json.loads(tools)
    assert (only["name"], only["arguments"], only["result"]) == (
        "search",
        {"query": "x"},
        {"hits": 3},
    )
    ((*counts, tags, metadata, thread_source),) = store.rows(
        "select input_tokens, output_tokens, total_tokens, cache_read_tokens, reasoning_tokens,"
        " tags, metadata, thread_id_source from threads where thread_id = 'decorated'"
    )
    assert counts == [10, 5, 15, 4, 2]
    assert (tags, metadata, thread_source) == (["t"], {"channel": "web"}, "opik.thread_id")


def test_a_thread_belongs_to_its_project(store):
    store.write(
        a_trace(ids.new_uuid(), thread_id="same", project_name="one", input="a"),
        a_trace(ids.new_uuid(), thread_id="same", project_name="two", input="b"),
        a_trace(ids.new_uuid(), thread_id="same", input="c"),
    )
    found = store.rows(
        "select project, first_message from threads where thread_id = 'same' order by 1"
    )
    assert found == [("Default Project", "c"), ("one", "a"), ("two", "b")]


@pytest.mark.long
def test_a_trace_joins_a_thread_once_whatever_comes_later(store):
    """A new trace supersedes scores of its thread; a second record of a known one does not."""
    trace = ids.new_uuid()
    sequence = "select last_trace_sequence from x_thread_facts where thread_id = 'joining'"
    store.write(a_trace(trace, input="a"))
    store.write(a_change(trace, thread_id="joining"))
    joined = store.writer.committed_sequence
    assert store.rows(sequence) == [(joined,)]
    store.write(a_change(trace, output="later"))
    store.write(a_step(ids.new_uuid(), trace))
    assert store.rows(sequence) == [(joined,)]
    store.write(a_trace(ids.new_uuid(), thread_id="joining", input="b"))
    assert store.rows(sequence) == [(store.writer.committed_sequence,)]


def test_a_trace_that_moves_leaves_its_thread(store):
    trace = ids.new_uuid()
    store.write(a_trace(trace, thread_id="from", input="a"))
    store.write(a_change(trace, thread_id="to"))
    assert store.rows("select thread_id from threads where thread_id in ('from', 'to')") == [
        ("to",)
    ]


def test_a_running_trace_has_no_duration_and_is_a_turn(store):
    trace = ids.new_uuid()
    store.write(a_trace(trace, thread_id="running", input="q"))
    assert store.rows("select duration_ms from spans where record_id = ?", trace) == [(None,)]
    assert said(store, trace)[0] == [("q", None, None)]


@pytest.mark.long
def test_the_recorded_programs_make_the_threads_that_their_users_see(store):
    for name, threads in {
        "opik-o07_langchain": 3,
        "opik-o08_openai": 1,
        "opik-o09_genai": 1,
        "opik-o10_adk": 1,
        "opik-o11_openai_agents": 1,
        "js-j01_opik_trace": 1,
        "js-j03_opik_vercel": 1,
    }.items():
        records = opik_records(recorded(name))
        store.write(*records)
        projects = sorted({record.project for record in records if record.project})
        rows = store.rows(
            "select t.user, t.assistant, t.total_tokens from turns t where list_contains(?, project)",
            projects,
        )
        assert all(user and assistant for user, assistant, _ in rows), (name, rows)
        found = store.rows("select count(*) from threads where list_contains(?, project)", projects)
        assert found == [(threads,)], name
