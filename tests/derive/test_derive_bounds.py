"""What bounds the deriver's time and memory, whatever a sender writes; each bound is reached."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_threads.core.model import Span
from otel_threads.derive import attribute_cache
from otel_threads.derive.family import JSON_VALUES_MAX, KEPT_VALUES_MAX, kept, parse
from otel_threads.derive.merge import _Known, merge
from otel_threads.derive.messages import read
from otel_threads.derive.parts import PARTS_MAX
from otel_threads.derive.thread_id import Identity
from otel_threads.derive.tool_result_links import ASKERS_MAX, SOURCE, WAIT_MAX_NS, join
from otel_threads.derive.trace import derive_traces
from otel_threads.derive.tree import Tree
from otel_threads.derive.turns import MESSAGES_MAX, TOOL_CALLS_MAX
from otel_threads.json_bounds import holds_more

INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"


def a_span(
    n: int, parent: int | None = None, *, trace: int = 1, start: int | None = None, **fields
) -> Span:
    scope = fields.pop("scope", "s")
    return Span(
        project="p",
        trace_id=f"{trace:032x}",
        span_id=f"{n:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        name="chat",
        start_unix_nano=n if start is None else start,
        end_unix_nano=n + 1,
        status_code="unset",
        status_message="",
        service_name=None,
        scope_name=scope,
        scope_version="",
        attributes=fields,
        resource={},
    )


def a_chat(n: int, parent: int | None = None, **fields) -> Span:
    return a_span(n, parent, **({"gen_ai.operation.name": "chat"} | fields))


def derived(*spans: Span):
    return derive_traces(list(spans), Identity())[0]


def calls_of(names) -> str:
    parts = [{"type": "tool_call", "name": name, "arguments": {}} for name in names]
    return json.dumps([{"role": "assistant", "parts": parts}])


# JSON


def test_a_text_of_too_many_values_stays_a_text():
    most = "[" + ",".join(["1"] * (JSON_VALUES_MAX)) + "]"
    more = "[" + ",".join(["1"] * (JSON_VALUES_MAX + 1)) + "]"

    assert len(parse(most)) == JSON_VALUES_MAX
    assert parse(more) == more


def test_prose_is_not_counted_as_values():
    text = json.dumps([{"role": "user", "content": 'one, two: [three] {"four"}, \\ ' * 40_000}])

    assert text.count(",") > 2 * JSON_VALUES_MAX / 5
    assert read(text)[0].text == json.loads(text)[0]["content"]


@given(
    st.recursive(
        st.none() | st.text(alphabet='",:[]{}\\a', max_size=9),
        lambda inner: (
            st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        ),
        max_leaves=30,
    )
)
def test_what_is_built_is_never_more_than_the_scan_counts(value):
    text = json.dumps(value)

    def built(node) -> int:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return 1 + sum(map(built, inner))

    # The value itself stands behind no sign; an empty list or object has one of its own.
    assert holds_more(text, built(value) - 2) or built(value) <= 2


@pytest.mark.parametrize("wrap", [lambda v: v, json.dumps])
def test_arguments_and_results_with_many_values_are_kept_as_text(wrap):
    many = [{}] * (KEPT_VALUES_MAX + 1)
    asks = {"type": "tool_call", "id": "1", "name": "f", "arguments": wrap(many)}
    brings = {"type": "tool_call_response", "id": "1", "response": wrap({"deep": {"er": many}})}
    said = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "parts": [asks]},
        {"role": "tool", "parts": [brings]},
    ]

    [call] = derived(a_chat(1, **{INPUT: json.dumps(said)})).parts[0]["tool_calls"]

    assert json.loads(call["arguments"]) == many
    assert json.loads(call["result"]) == {"deep": {"er": many}}


def test_few_values_are_kept_as_they_are():
    few = {"a": [1] * (KEPT_VALUES_MAX - 1)}

    assert kept(few) is few
    assert kept("text") == "text"


def test_a_part_of_unknown_type_with_many_values_is_kept_as_text():
    part = {"type": "blob", "data": [0] * (KEPT_VALUES_MAX + 1)}

    [message] = read([{"role": "user", "parts": [part, {"type": "blob", "data": [0]}]}])

    assert json.loads(message.parts[0]["json"]) == part
    assert message.parts[1] == {"type": "blob", "data": [0]}


# Many of one thing


def test_a_message_has_a_bounded_number_of_parts_and_a_turn_of_tool_calls():
    names = [f"f{n}" for n in range(PARTS_MAX + 10)]
    spans = [
        a_chat(n, 0, **{INPUT: '[{"role":"user","content":"go"}]', OUTPUT: calls_of(names)})
        for n in (1, 2)
    ]

    [message] = read(calls_of(names))
    [part] = derived(a_span(0), *spans).parts

    assert len(message.parts) == PARTS_MAX
    assert len(part["tool_calls"]) == TOOL_CALLS_MAX


@pytest.mark.parametrize("key", ["tool_calls", "content"])
def test_calls_beside_a_text_and_parts_in_a_text_are_bounded(key):
    listed = [{"type": "text", "text": f"{n}"} for n in range(PARTS_MAX + 10)]
    calls = [{"id": f"{n}", "function": {"name": "f"}} for n in range(PARTS_MAX + 10)]
    value = calls if key == "tool_calls" else json.dumps(listed)

    [message] = read([{"role": "assistant", key: value}])

    assert len(message.parts) == PARTS_MAX


def test_tool_spans_alone_are_bounded_too():
    tools = [
        a_span(n, 1, **{"gen_ai.operation.name": "execute_tool"})
        for n in range(2, TOOL_CALLS_MAX + 20)
    ]
    root = a_span(1, **{"gen_ai.operation.name": "invoke_agent", "input.value": "go"})

    [part] = derived(root, *tools).parts

    assert len(part["tool_calls"]) == TOOL_CALLS_MAX
    assert part["span_count"] == len(tools) + 1


def test_results_without_an_id_are_joined_by_their_order():
    asks = [{"type": "tool_call", "name": "f", "arguments": n} for n in range(TOOL_CALLS_MAX)]
    brings = [{"type": "tool_call_response", "response": f"r{n}"} for n in range(TOOL_CALLS_MAX)]
    said = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "parts": asks},
        {"role": "tool", "parts": brings},
    ]

    [part] = derived(a_chat(1, **{INPUT: json.dumps(said)})).parts

    assert [call["result"] for call in part["tool_calls"]] == [
        f"r{n}" for n in range(TOOL_CALLS_MAX)
    ]


def test_each_span_is_compared_with_no_other_to_know_whether_it_is_a_root(monkeypatch):
    spans = [a_chat(n, scope="logfire.openai", group_id="g") for n in range(500)]
    below = a_chat(1000, 1, scope="logfire.openai", group_id="other")
    monkeypatch.setattr(Span, "__eq__", lambda *_: pytest.fail("compared"))

    found = Identity().threads(Tree([*spans, below]))

    assert {one.thread_id for one in found.values()} == {"g"}


def test_tools_below_nested_models_climb_the_tree_once(monkeypatch):
    models = [
        a_chat(
            n,
            n - 1 if n > 1 else None,
            **(
                {INPUT: json.dumps([{"role": "user", "content": f"q{n}"}])}
                if n % 2
                else {"gen_ai.operation.name": "invoke_agent"}
            ),
        )
        for n in range(1, 41)
    ]
    tools = [a_span(n, 40, **{"gen_ai.operation.name": "execute_tool"}) for n in range(41, 541)]
    climbed = []
    ancestors = Tree.ancestors
    monkeypatch.setattr(
        Tree,
        "ancestors",
        lambda tree, span_id: (climbed.append(span_id), ancestors(tree, span_id))[1],
    )

    rows = derived(*models, *tools)

    assert len(rows.parts) == 20
    assert len(climbed) < 1000  # 10,000 when each of 20 turns climbed from each of 500 tools


def test_of_two_nested_spans_of_one_run_the_outer_one_counts():
    outer = a_span(
        2,
        1,
        **{
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "f",
            "gen_ai.tool.call.result": "r",
        },
    )
    between = a_span(3, 2)
    inner = a_span(4, 3, **{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"})

    [part] = derived(
        a_span(1, **{"gen_ai.operation.name": "invoke_agent", "input.value": "go"}),
        outer,
        between,
        inner,
    ).parts

    assert [call["result"] for call in part["tool_calls"]] == ["r"]


def test_names_of_a_megabyte_are_not_remembered():
    @attribute_cache.remembered
    def count(names: attribute_cache.Names) -> int:
        return len(names)

    assert attribute_cache.by_shape(count, {"x" * (attribute_cache.NAMES_LENGTH_MAX + 1): 1}) == 1
    assert not count.known
    assert attribute_cache.by_shape(count, {"x" * attribute_cache.NAMES_LENGTH_MAX: 1}) == 1
    assert len(count.known) == 1


# Turns over many traces


def a_step(n: int, messages: list[dict], *, thread: str = "t") -> list[dict]:
    return derived(
        a_chat(
            1,
            trace=n,
            start=n * 1000,
            **{INPUT: json.dumps(messages), "gen_ai.conversation.id": thread},
        )
    ).parts


def history(n: int, count: int) -> list[dict]:
    found = [{"role": "user", "content": "go"}]
    for m in range(count):
        call = {"id": f"{n}-{m}", "function": {"name": "f", "arguments": f'{{"n": "{n}-{m}"}}'}}
        found.append({"role": "assistant", "tool_calls": [call]})
        found.append({"role": "tool", "tool_call_id": f"{n}-{m}", "content": f"r{n}-{m}"})
    return found


@pytest.mark.long
def test_a_turn_over_many_traces_is_bounded_as_one_of_one_trace():
    parts = [part for n in range(1, 8) for part in a_step(n, history(n, 400))]

    [turn] = merge(parts)

    assert len(turn["tool_calls"]) == TOOL_CALLS_MAX
    assert len(turn["messages"]) == MESSAGES_MAX
    assert len(turn["trace_ids"]) == 7


def _first_same(have: list[dict], call: dict) -> int | None:
    """As one looks for it who compares with each."""

    def same(one: dict) -> bool:
        if one.get("id") and call.get("id"):
            return one["id"] == call["id"]
        return (one["name"], one["arguments"]) == (call["name"], call["arguments"])

    return next((i for i, one in enumerate(have) if same(one)), None)


_calls = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from([None, "", "a", "b", "c"]),
            "name": st.sampled_from(["f", "g"]),
            "arguments": st.sampled_from([None, 1, {"x": 1}]),
        }
    ),
    max_size=12,
)


@given(_calls, _calls)
def test_a_call_is_found_where_comparing_with_each_finds_it(have, new):
    have = [dict(call) for call in have]
    known = _Known({"tool_calls": have, "messages": [], "trace_ids": []})

    for call in new:
        place = known.place_of(call)
        assert place == _first_same(have, call)
        if place is None:
            known.add_call(call, len(have))
            have.append(call)


# Results that many asked for


def _asking(n: int) -> Span:
    asks = [
        {
            "role": "assistant",
            "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": "{}"}}],
        }
    ]
    return a_chat(
        1,
        trace=n,
        start=n,
        **{
            INPUT: '[{"role":"user","content":"go"}]',
            OUTPUT: json.dumps(asks),
            "gen_ai.conversation.id": "t",
        },
    )


@pytest.mark.long
@pytest.mark.parametrize(("askers", "source"), [(ASKERS_MAX, SOURCE), (ASKERS_MAX + 1, None)])
def test_a_result_that_too_many_asked_for_tells_no_thread(askers, source):
    brings = [{"role": "user", "content": "go"}] + [
        {"role": "tool", "tool_call_id": "call_1", "content": "x"}
    ] * 3
    rows = [derived(_asking(n)) for n in range(1, askers + 1)]
    rows.append(
        derived(a_chat(1, trace=askers + 5, start=askers + 5, **{INPUT: json.dumps(brings)}))
    )

    join(rows, lambda *_: [])

    assert rows[-1].trace["thread_id_source"] == source


def test_only_askers_of_the_last_day_count():
    brings = [
        {"role": "user", "content": "go"},
        {"role": "tool", "tool_call_id": "call_1", "content": "x"},
    ]
    old = [derived(_asking(n)) for n in range(1, ASKERS_MAX + 2)]
    late = WAIT_MAX_NS + ASKERS_MAX - 5
    answer = derived(a_chat(1, trace=9_999_999, start=late, **{INPUT: json.dumps(brings)}))

    join([*old, answer], lambda *_: [])

    assert answer.trace["thread_id_source"] == SOURCE
