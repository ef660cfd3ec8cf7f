"""Spans whose content is cheap to send and dear to derive.

Each payload is stored within seconds; what is attacked is the deriver, which shares the process. The
bystander goes on until the deriver has caught up, `Report.settle_s` says how long that took.
"""

import json
import time

import pytest

from attack.kit import ATTACKS, Budget, Outcome, attack, check, names, run
from attack.target import Addresses
from attack.tools import attribute, export, field, request, span, varint

INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
CHAT = {"gen_ai.operation.name": "chat"}
ID = "gen_ai.conversation.id"
SECONDS = 30.0  # for sending; most is sent within three


def _trace() -> int:
    """Return a trace id that no other attack has."""
    return time.time_ns()


def _chat(trace: int, number: int, attributes: dict, **more) -> bytes:
    return span(trace, number, CHAT | attributes, start=more.pop("start", time.time_ns()), **more)


def _send(addresses: Addresses, budget: Budget, *requests: bytes) -> Outcome:
    return export(addresses, budget, list(requests))


def _text(role: str, text: str) -> dict:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


# JSON inside of attributes


@attack("derive", seconds=SECONDS)
def json_nested_a_million_deep(addresses: Addresses, budget: Budget) -> Outcome:
    """Messages of a million opening brackets, and of brackets that are closed."""
    trace = _trace()
    texts = (
        "[" * 1_000_000,
        "[" * 500_000 + "]" * 500_000,
        '{"a":' * 200_000 + "1" + "}" * 200_000,
    )
    spans = [
        _chat(trace, n + 1, {INPUT: text, OUTPUT: text, ID: "deep"}) for n, text in enumerate(texts)
    ]
    return _send(addresses, budget, request(spans * 1))


@attack("derive", seconds=SECONDS)
def json_strings_in_json_strings(addresses: Addresses, budget: Budget) -> Outcome:
    """JSON in a string in JSON in a string, as deep as escaping lets it grow to 8 MB."""
    text = "hello"
    while len(text) < 4_000_000:
        text = json.dumps([text]) if len(text) < 20_000 else json.dumps([text, text])
    call = {
        "role": "assistant",
        "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": text}}],
    }
    spans = [_chat(_trace(), 1, {INPUT: json.dumps([call]), OUTPUT: text, "input.value": text})]
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def an_attribute_of_sixty_megabytes_of_text(addresses: Addresses, budget: Budget) -> Outcome:
    """One message of sixty million characters."""
    text = json.dumps([_text("user", "x" * 60_000_000)])
    return _send(addresses, budget, request([_chat(_trace(), 1, {INPUT: text, ID: "long"})]))


@attack("derive", seconds=SECONDS)
def an_attribute_of_twenty_million_empty_objects(addresses: Addresses, budget: Budget) -> Outcome:
    """60 MB of `{},` where messages are expected: 1.4 GB once parsed."""
    text = "[" + "{}," * 20_000_000 + "{}]"
    return _send(addresses, budget, request([_chat(_trace(), 1, {INPUT: text, ID: "objects"})]))


@attack("derive", seconds=SECONDS)
def a_metadata_attribute_of_ten_million_values(addresses: Addresses, budget: Budget) -> Outcome:
    """JSON that is parsed for thread ids, for metadata and for tags."""
    text = '{"a":[' + "[]," * 10_000_000 + "[]]}"
    attributes = {"metadata": text, "tag.tags": text, "input.value": text, ID: "metadata"}
    return _send(
        addresses,
        budget,
        request(
            [
                _chat(
                    _trace(),
                    1,
                    {k: v[: 15 << 20] if k != "metadata" else v for k, v in attributes.items()},
                )
            ]
        ),
    )


@attack("derive", seconds=SECONDS)
def arguments_of_a_million_values_a_hundred_times(addresses: Addresses, budget: Budget) -> Outcome:
    """Tool calls whose arguments are kept as they were parsed."""
    requests = []
    for n in range(100):
        arguments = "[" + "{}," * 100_000 + "{}]"
        call = {
            "role": "assistant",
            "tool_calls": [{"id": str(n), "function": {"name": "f", "arguments": arguments}}],
        }
        requests.append(_chat(_trace() + n, 1, {OUTPUT: json.dumps([call]), ID: f"arguments-{n}"}))
    return _send(addresses, budget, *(request(requests[n : n + 20]) for n in range(0, 100, 20)))


@attack("derive", seconds=SECONDS)
def attributes_read_by_every_family(addresses: Addresses, budget: Budget) -> Outcome:
    """The same 2 MB of messages in every attribute that a family reads."""
    text = json.dumps([_text("user", "hello")] * 30_000)
    places = (
        INPUT,
        "input.value",
        "langfuse.observation.input",
        "mlflow.spanInputs",
        "ai.prompt.messages",
        "gen_ai.prompt",
        "traceloop.entity.input",
        "lmnr.span.input",
        "langwatch.input",
        "genkit:input",
        "pydantic_ai.all_messages",
        "all_messages_events",
        "gcp.vertex.agent.llm_request",
        "lk.chat_ctx",
        "haystack.component.input",
        "metadata",
        "events",
        "raw_input",
    )
    return _send(addresses, budget, request([_chat(_trace(), 1, dict.fromkeys(places, text))]))


@attack("derive", seconds=SECONDS)
def names_of_attributes_of_a_megabyte(addresses: Addresses, budget: Budget) -> Outcome:
    """Five hundred sets of names, each of a megabyte: they are remembered as cache keys."""
    requests = []
    for n in range(500):
        name = f"metadata.{n}." + "x" * 1_000_000
        requests.append(
            _chat(_trace() + n, 1, {name: "y", "input.value": "hello", ID: f"names-{n}"})
        )
    return _send(addresses, budget, *(request(requests[n : n + 25]) for n in range(0, 500, 25)))


@attack("derive", seconds=SECONDS)
def names_that_spell_out_a_hundred_thousand_messages(
    addresses: Addresses, budget: Budget
) -> Outcome:
    """Flattened messages with indices in the hundred thousands."""
    attributes = {}
    for n in range(50_000):
        attributes[f"llm.input_messages.{n}.message.role"] = "user"
        attributes[f"llm.input_messages.{n}.message.content"] = "x"
    attributes |= {"openinference.span.kind": "LLM", "session.id": "flattened"}
    return _send(addresses, budget, request([span(_trace(), 1, attributes, start=time.time_ns())]))


@attack("derive", seconds=SECONDS)
def names_with_ten_thousand_dots(addresses: Addresses, budget: Budget) -> Outcome:
    """Flattened names as deep as they may be long."""
    deep = {f"llm.input_messages.0.{n}." + "a." * 5_000 + "b": "x" for n in range(500)}
    deep["llm.input_messages." + "9" * 5_000 + ".message.role"] = "user"
    deep |= {"openinference.span.kind": "LLM", "session.id": "dots"}
    return _send(addresses, budget, request([span(_trace(), 1, deep, start=time.time_ns())]))


# Texts for regular expressions


@attack("derive", seconds=SECONDS)
def texts_that_make_regular_expressions_backtrack(addresses: Addresses, budget: Budget) -> Outcome:
    """What almost is a repr, a traceback, a placeholder, an object: a megabyte each."""
    size = 1_000_000
    texts = (
        " " * size + "x",
        "a" * size,
        "A" * size + "(",
        "f(" + ")" * size + "x",
        "f(" + ") " * (size // 2) + "x",
        "<" + "a." * (size // 2),
        "[" + " " * size + "x",
        "{" + " " * size + "x",
        "*" * size + "x",
        "[scrubbed due to " + "\n" * size,
        "A" + "a" * size + "(" + "b" * size,
        "(" * size,
        "\n    a" * (size // 6),
        "\n" * size + "Traceback",
        "f(" + ")\n" * (size // 2) + "x",
        "9" * size,
        "1." * (size // 2),
    )
    trace = _trace()
    spans = []
    for n, text in enumerate(texts):
        listed = json.dumps([text] * 3)
        attributes = {
            "input.value": text,
            "output.value": listed,
            "session.id": text[:1000],
            "metadata": text,
            "exception.message": text,
            "error.message": text,
        }
        spans.append(
            _chat(trace + n, 1, attributes, more=field(15, field(2, text.encode()) + b"\x18\x02"))
        )
    return _send(addresses, budget, request(spans[:9]), request(spans[9:]))


# Many of one thing


@attack("derive", seconds=SECONDS)
def a_hundred_thousand_messages_in_one_span(addresses: Addresses, budget: Budget) -> Outcome:
    """A history of a hundred thousand messages, all different."""
    text = json.dumps([_text(("user", "assistant")[n % 2], f"message {n}") for n in range(100_000)])
    return _send(addresses, budget, request([_chat(_trace(), 1, {INPUT: text, ID: "messages"})]))


@attack("derive", seconds=SECONDS)
def histories_that_grow_in_one_trace(addresses: Addresses, budget: Budget) -> Outcome:
    """Four hundred requests of one trace, each repeats all messages before it."""
    history, spans, trace = [], [], _trace()
    for n in range(400):
        history += [_text("user", f"question {n}"), _text("assistant", f"answer {n}")]
        spans.append(
            _chat(
                trace,
                n + 1,
                {INPUT: json.dumps(history[:-1]), ID: "growing"},
                start=time.time_ns() + n,
            )
        )
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def a_million_tool_calls_in_one_message(addresses: Addresses, budget: Budget) -> Outcome:
    """One answer that asks for a million tools."""
    calls = ",".join(
        f'{{"id":"{n}","function":{{"name":"f","arguments":"{{}}"}}}}' for n in range(1_000_000)
    )
    text = f'[{{"role":"assistant","tool_calls":[{calls}]}}]'
    return _send(addresses, budget, request([_chat(_trace(), 1, {OUTPUT: text, ID: "million"})]))


@attack("derive", seconds=SECONDS)
def a_million_results_without_an_id(addresses: Addresses, budget: Budget) -> Outcome:
    """As many calls as results, none with an id: they are joined by their order."""
    parts = ",".join(['{"type":"tool_call","name":"f"}'] * 300_000)
    results = ",".join(['{"type":"tool_call_response","response":1}'] * 300_000)
    text = f'[{{"role":"user","content":"go"}},{{"role":"assistant","parts":[{parts}]}},{{"role":"tool","parts":[{results}]}}]'
    return _send(addresses, budget, request([_chat(_trace(), 1, {INPUT: text, ID: "loose"})]))


@attack("derive", seconds=SECONDS)
def tool_calls_of_many_traces_joined(addresses: Addresses, budget: Budget) -> Outcome:
    """Two traces of one turn with fifty thousand different calls each."""
    base, requests = time.time_ns(), []
    for t in range(2):
        parts = ",".join(
            f'{{"type":"tool_call","name":"f","arguments":{{"n":{t * 100_000 + n}}}}}'
            for n in range(50_000)
        )
        tail = ',{"role":"tool","parts":[{"type":"tool_call_response","response":1}]}'
        text = f'[{{"role":"user","content":"go"}},{{"role":"assistant","parts":[{parts}]}}{tail}]'
        requests.append(
            request(
                [_chat(_trace() + t, 1, {INPUT: text, ID: "joined"}, start=base + t * 1_000_000)]
            )
        )
    return _send(addresses, budget, *requests)


@attack("derive", seconds=SECONDS)
def one_turn_of_ten_thousand_traces(addresses: Addresses, budget: Budget) -> Outcome:
    """Every trace continues the turn before it with a tool's result and fifty messages."""
    base, spans = time.time_ns(), []
    first = _trace()
    for n in range(10_000):
        history = [{"role": "user", "content": "go"}]
        for m in range(10):
            history.append(
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": f"{n}-{m}", "function": {"name": "f", "arguments": "{}"}}
                    ],
                }
            )
            history.append({"role": "tool", "tool_call_id": f"{n}-{m}", "content": "done"})
        spans.append(
            _chat(
                first + n,
                1,
                {INPUT: json.dumps(history), ID: "one-turn"},
                start=base + n * 1_000_000,
            )
        )
    return _send(addresses, budget, *(request(spans[n : n + 2500]) for n in range(0, 10_000, 2500)))


@attack("derive", seconds=SECONDS)
def one_thread_trace_by_trace(addresses: Addresses, budget: Budget) -> Outcome:
    """A thread that gets a trace a request, as fast as answers come: each touches all of it."""
    outcome = Outcome()
    base = time.time_ns()
    for n in range(1500):
        if not budget.left() or time.time_ns() - base > 8e9:
            break
        chat = _chat(
            base + n,
            1,
            {INPUT: json.dumps([_text("user", f"question {n}")]), ID: "long-thread"},
            start=base - n * 1_000_000_000,
        )
        outcome.answers += _send(addresses, budget, request([chat])).answers
    return outcome


@attack("derive", seconds=SECONDS)
def one_trace_of_a_hundred_thousand_spans(addresses: Addresses, budget: Budget) -> Outcome:
    """A hundred thousand requests below one root."""
    trace, now = _trace(), time.time_ns()
    spans = [span(trace, 1, start=now)]
    spans += [
        _chat(trace, n, {INPUT: '[{"role":"user","content":"hi"}]'}, parent=1, start=now + n)
        for n in range(2, 100_001)
    ]
    return _send(
        addresses, budget, *(request(spans[n : n + 25_000]) for n in range(0, 100_000, 25_000))
    )


@attack("derive", seconds=SECONDS)
def a_trace_that_grows_span_by_span(addresses: Addresses, budget: Budget) -> Outcome:
    """A trace of twenty thousand spans gets one span a request: each touch reads all of it."""
    trace, now = _trace(), time.time_ns()
    outcome = _send(
        addresses,
        budget,
        request([_chat(trace, n, {}, parent=1, start=now + n) for n in range(1, 20_000)]),
    )
    for n in range(20_000, 20_400):
        if budget.left() and time.time_ns() - now < 8e9:
            outcome.answers += _send(
                addresses, budget, request([_chat(trace, n, {}, parent=1, start=now + n)])
            ).answers
    return outcome


@attack("derive", seconds=SECONDS)
def tools_in_models_in_agents(addresses: Addresses, budget: Budget) -> Outcome:
    """A chain of a hundred requests in one another over fifty thousand tool spans."""
    trace, now, spans = _trace(), time.time_ns(), []
    for n in range(1, 199):
        attributes = (
            {INPUT: json.dumps([_text("user", f"question {n}")])}
            if n % 2
            else {"gen_ai.operation.name": "invoke_agent"}
        )
        spans.append(_chat(trace, n, attributes, parent=n - 1 if n > 1 else None, start=now + n))
    tool = {"gen_ai.operation.name": "execute_tool"}
    spans += [_chat(trace, n, tool, parent=198, start=now + n) for n in range(199, 50_000)]
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def a_chain_of_a_hundred_thousand_tools(addresses: Addresses, budget: Budget) -> Outcome:
    """Every span is inside of the one before it."""
    trace, now = _trace(), time.time_ns()
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "f"}
    spans = [
        _chat(
            trace,
            n,
            tool | ({} if n > 1 else {"input.value": "hello", ID: "chain"}),
            parent=n - 1,
            start=now + n,
        )
        for n in range(1, 100_000)
    ]
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def fifty_thousand_cycles_of_parents(addresses: Addresses, budget: Budget) -> Outcome:
    """Pairs of spans that are each other's parent, and one circle of twenty thousand."""
    trace, now = _trace(), time.time_ns()
    pairs = [_chat(trace, n, {}, parent=n ^ 1, start=now + n) for n in range(2, 60_000)]
    circle = [
        _chat(trace + 1, n, {}, parent=n % 20_000 + 1, start=now + n) for n in range(1, 20_001)
    ]
    return _send(addresses, budget, request(pairs + circle))


@attack("derive", seconds=SECONDS)
def roots_with_a_group_id(addresses: Addresses, budget: Budget) -> Outcome:
    """Thirty thousand roots of one trace, each with the id that logfire writes on roots alone."""
    trace, now = _trace(), time.time_ns()
    spans = [_chat(trace, n, {"group_id": "g"}, start=now + n) for n in range(1, 30_000)]
    return _send(addresses, budget, request(spans, scope="logfire.openai_agents"))


@attack("derive", seconds=SECONDS)
def the_same_span_a_hundred_thousand_times(addresses: Addresses, budget: Budget) -> Outcome:
    """One span id with ever other content, in one request and in many."""
    trace, now = _trace(), time.time_ns()
    spans = [
        _chat(trace, 1, {"n": str(n), "input.value": "x" * 100}, start=now) for n in range(100_000)
    ]
    return _send(
        addresses, budget, request(spans), *(request(spans[n : n + 10]) for n in range(0, 300, 10))
    )


@attack("derive", seconds=SECONDS)
def fifty_thousand_threads_in_one_request(addresses: Addresses, budget: Budget) -> Outcome:
    """One trace, fifty thousand conversation ids; and as many traces with one each."""
    now, trace = time.time_ns(), _trace()
    hello = {INPUT: '[{"role":"user","content":"hi"}]'}
    one = [_chat(trace, n, hello | {ID: f"t{n}"}, start=now + n) for n in range(1, 50_000)]
    many = [_chat(trace + n, 1, hello | {ID: f"m{n}"}, start=now + n) for n in range(1, 50_000)]
    return _send(addresses, budget, request(one), request(many))


@attack("derive", seconds=SECONDS)
def ninety_nine_thousand_traces_in_one_request(addresses: Addresses, budget: Budget) -> Outcome:
    """As many traces as a request may have spans, each of a span."""
    trace, now = _trace(), time.time_ns()
    spans = [_chat(trace + n, 1, {ID: f"many-{n % 1000}"}, start=now + n) for n in range(99_000)]
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def arguments_just_under_the_bound(addresses: Addresses, budget: Budget) -> Outcome:
    """Arguments that are kept as objects, 1,990 in each: 6 kB become a hundred."""
    trace, now = _trace(), time.time_ns()
    arguments = "[" + "{}," * 1990 + "{}]"
    calls = [{"id": str(n), "function": {"name": "f", "arguments": arguments}} for n in range(50)]
    output = json.dumps([{"role": "assistant", "tool_calls": calls}])
    spans = [
        _chat(trace + n, 1, {OUTPUT: output, ID: f"under-{n}"}, start=now + n) for n in range(50)
    ]
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def thread_ids_of_a_megabyte(addresses: Addresses, budget: Budget) -> Outcome:
    """Ids that are texts, in every attribute that may hold one."""
    now, trace = time.time_ns(), _trace()
    places = (
        ID,
        "session.id",
        "langfuse.session.id",
        "metadata.thread_id",
        "langwatch.thread.id",
        "user.id",
    )
    spans = [
        _chat(trace + n, 1, dict.fromkeys(places, f"{n}" + "x" * 1_000_000), start=now)
        for n in range(8)
    ]
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def results_that_everybody_asked_for(addresses: Addresses, budget: Budget) -> Outcome:
    """Ten thousand traces of a thread ask for call_1, and ten thousand without one bring its result."""
    now, trace = time.time_ns() - 3_600_000_000_000, _trace()
    asked = json.dumps(
        [
            {
                "role": "assistant",
                "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": "{}"}}],
            }
        ]
    )
    brought = json.dumps(
        [{"role": "user", "content": "go"}]
        + [{"role": "tool", "tool_call_id": "call_1", "content": "x"}] * 20
    )
    question = json.dumps([_text("user", "go")])
    asking = [
        _chat(trace + n, 1, {INPUT: question, OUTPUT: asked, ID: f"asks-{n % 2}"}, start=now + n)
        for n in range(10_000)
    ]
    bringing = [
        _chat(trace + 50_000 + n, 1, {INPUT: brought}, start=now + 1_000_000 + n)
        for n in range(10_000)
    ]
    return _send(addresses, budget, request(asking), request(bringing))


@attack("derive", seconds=SECONDS)
def a_chain_of_results_over_traces(addresses: Addresses, budget: Budget) -> Outcome:
    """Each trace brings the result that the one before asked for, back to one with a thread; the first comes last."""
    now, trace, spans = time.time_ns() - 3_600_000_000_000, _trace(), []
    for n in range(300):
        asks = json.dumps(
            [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": f"{trace}-{n}", "function": {"name": "f", "arguments": "{}"}}
                    ],
                }
            ]
        )
        brings = json.dumps(
            [
                {"role": "user", "content": "go"},
                {"role": "tool", "tool_call_id": f"{trace}-{n - 1}", "content": "x"},
            ]
        )
        attributes = (
            {INPUT: brings, OUTPUT: asks}
            if n
            else {INPUT: '[{"role":"user","content":"go"}]', OUTPUT: asks, ID: "chain-of-results"}
        )
        spans.append(_chat(trace + n, 1, attributes, start=now + n * 1000))
    return _send(addresses, budget, *(request([one]) for one in reversed(spans)))


@attack("derive", seconds=SECONDS)
def evaluations_by_the_hundred_thousand(addresses: Addresses, budget: Budget) -> Outcome:
    """One span with a hundred thousand scores as events."""
    now = time.time_ns()
    result = field(2, b"gen_ai.evaluation.result")
    events = b"".join(
        field(
            11,
            b"\x09"
            + (now + n).to_bytes(8, "little")
            + result
            + field(3, attribute("gen_ai.evaluation.name", f"n{n}"))
            + field(3, attribute("gen_ai.evaluation.score.label", "x"))
            + field(3, attribute("gen_ai.evaluation.explanation", "y" * 100)),
        )
        for n in range(50_000)
    )
    return _send(addresses, budget, request([_chat(_trace(), 1, {ID: "evaluated"}, more=events)]))


@attack("derive", seconds=SECONDS)
def links_by_the_hundred_thousand(addresses: Addresses, budget: Budget) -> Outcome:
    """One span with ninety thousand links."""
    trace = _trace()
    one = field(1, trace.to_bytes(16, "big")) + field(2, (7).to_bytes(8, "big"))
    return _send(
        addresses, budget, request([_chat(trace, 1, {ID: "linked"}, more=field(13, one) * 90_000)])
    )


@attack("derive", seconds=SECONDS)
def times_at_the_ends_of_time(addresses: Addresses, budget: Budget) -> Outcome:
    """Starts at zero, at the years 2262 and 2554; ends before starts; durations of centuries."""
    trace, last = _trace(), (1 << 63) - 1
    pairs = (
        (0, 0),
        (1, last),
        (last, 1),
        (last, last),
        (last - 1, 0),
        ((1 << 64) - 2, 5),  # the year 9999 does not fit
        ((1 << 64) - 1, (1 << 64) - 1),
        (-62135596800 * 10**9 & ((1 << 64) - 1), 1),
    )
    hello = {INPUT: '[{"role":"user","content":"hi"}]'}
    spans = [
        _chat(trace + t, n + 1, hello | ({ID: f"times-{t}"} if t else {}), start=start, end=end)
        for t in range(20)
        for n, (start, end) in enumerate(pairs)
    ]
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def numbers_that_overflow_sums(addresses: Addresses, budget: Budget) -> Outcome:
    """Tokens and costs at and beyond what is counted, negative, not a number, as texts."""
    trace, now, spans = _trace(), time.time_ns(), []
    values = ("9" * 12, "9" * 5000, "-1", "1e308", "nan", "inf", "0x10", "１２", "1_000")
    for n, value in enumerate(values * 500):
        usage = dict.fromkeys(
            (
                "gen_ai.usage.input_tokens",
                "gen_ai.usage.output_tokens",
                "gen_ai.usage.cost",
                "llm.token_count.total",
            ),
            value,
        )
        spans.append(_chat(trace, n + 1, usage | {ID: "sums", INPUT: "[]"}, start=now))
    return _send(addresses, budget, request(spans))


@attack("derive", seconds=SECONDS)
def markdown_that_never_ends(addresses: Addresses, budget: Budget) -> Outcome:
    """Nested quotes, emphasis, links and tables of a megabyte, then shown as transcripts."""
    bombs = (
        ">" * 500_000,
        "*a " * 300_000,
        "[" * 500_000,
        "![](" * 200_000,
        "|a" * 400_000 + "\n|-" * 1000,
        "`" * 999_999,
        "- " * 500_000,
        "<a " * 300_000,
        "&amp;" * 200_000,
    )
    trace, now = _trace(), time.time_ns()
    spans = [
        _chat(
            trace + n, 1, {INPUT: json.dumps([_text("user", text)]), ID: f"markdown-{n}"}, start=now
        )
        for n, text in enumerate(bombs)
    ]
    outcome = _send(addresses, budget, request(spans))
    from attack.tools import API, Client

    client = Client(addresses.http, outcome, budget)
    for n in range(len(bombs) * 4):
        for shape in ("markdown", "openai", "text", "messages"):
            client.ask(
                "GET",
                f"{API}/threads/transcript?thread_id=markdown-{n % len(bombs)}&format={shape}",
            )
    outcome.answers.pop("404", None)  # not derived yet
    return outcome


@attack("derive", seconds=SECONDS)
def log_records_with_messages_by_the_hundred_thousand(
    addresses: Addresses, budget: Budget
) -> Outcome:
    """Events of the old conventions, eighty thousand on one span."""
    from attack.tools import PROTOBUF, Client

    trace, now = _trace(), time.time_ns()
    outcome = _send(
        addresses, budget, request([_chat(trace, 1, {ID: "logs", "gen_ai.system": "openai"})])
    )
    record = (
        b"\x09"
        + now.to_bytes(8, "little")
        + field(5, field(1, b'{"content":"hello"}'))
        + field(6, attribute("event.name", "gen_ai.user.message"))
        + field(9, trace.to_bytes(16, "big"))
        + field(10, (1).to_bytes(8, "big"))
        + field(12, b"gen_ai.user.message")
    )
    payload = field(1, field(2, field(2, record) * 80_000))
    Client(addresses.otlp_http, outcome, budget).ask("POST", "/v1/logs", payload, PROTOBUF)
    return outcome


@attack("derive", seconds=SECONDS)
def tags_and_users_by_the_hundred_thousand(addresses: Addresses, budget: Budget) -> Outcome:
    """What a thread collects of its spans: tags, users, models, services, metadata keys."""
    trace, now, spans = _trace(), time.time_ns(), []
    for n in range(30_000):
        attributes = {
            "langfuse.trace.tags": json.dumps([f"tag-{n}-{m}" for m in range(10)]),
            "user.id": f"user-{n}" * 50,
            "gen_ai.request.model": f"model-{n}" * 50,
            f"metadata.key-{n}": "v",
            ID: "collector",
            INPUT: "[]",
        }
        spans.append(_chat(trace + n % 100, n + 1, attributes, start=now + n))
    return _send(
        addresses, budget, *(request(spans[n : n + 10_000]) for n in range(0, 30_000, 10_000))
    )


@attack("derive", seconds=SECONDS)
def a_prefix_of_a_varint_everywhere(addresses: Addresses, budget: Budget) -> Outcome:
    """Real spans cut at every place, so that each reader meets its field half."""
    whole = request(
        [_chat(_trace(), n + 1, {INPUT: json.dumps([_text("user", "x" * 50)])}) for n in range(20)]
    )
    return _send(
        addresses, budget, *(whole[:n] for n in range(0, len(whole), 7)), varint(1 << 62) * 1000
    )


@pytest.mark.parametrize("name", names("derive"))
def test_the_server_goes_on(target, name):
    check(run(target, ATTACKS[name]))
