"""The recordings, sent to a real server: the true conversations, and golden files of all of it.

`--rewrite-golden` writes tests/golden/ anew; read the diff before you commit it.
"""

import json

import pytest
from conftest import HERE, request_files, scenarios

GOLDEN = HERE / "golden"
NO_IDS = "no conversation id anywhere"
# What no reading can get out of the data, by facet; the reasons are in each scenario's `limits`.
# Without an id no later history can show the question either.
ERROR_TURN_WITHOUT_INPUT = {
    "gemini-cli",
    "openinference-bedrock-converse",
    "openinference-openai-agents-group-only",
    "openlit-openai-stream",
    "traceloop-openai-agents",
}
NO_TEXTS = {"anthropic-sdk-native", "autogen-agentchat", "otel-genai-openai-nocontent"}
SPLIT_WITHOUT_ID = {"litellm-otel"}  # every request its own trace, and nothing to join them by
# The result is in no span, in another trace, or in a Python repr.
NO_TOOLS = NO_TEXTS | {"openlit-openai-stream", "litellm-otel", "openinference-haystack"}
# Claude Code's records name its tools; the scenario was written without them.
NO_TOOLS |= {"report-02-claude-code-logs-without-trace"}
NO_TOOLS |= {"gemini-cli"}  # the result has a frame around it
# Two attributes hold the same text, cut in different places: the longer one is shown.
CUT = {"report-13-json-cut-at-1028"}


@pytest.fixture(scope="module")
def replayed(server):
    """The server after every recorded request was sent, each scenario to a project of its own."""
    for folder in scenarios():
        for file in request_files(folder):
            answer = server.post(
                file.read_bytes(),
                "logs" if file.stem.endswith(".logs") else "traces",
                content_type="application/json"
                if file.suffix == ".json"
                else "application/x-protobuf",
                x_otel_threads_project=folder.name,
            )
            assert (answer.status_code, b"ejected" in answer.content) == (200, False), file
    server.wait_derived()
    return server


def conversations(server, scenario: dict, project: str) -> list[dict]:
    """Return `{thread_id, turns, usage}` per thread; per trace where nothing names a thread."""
    if any(limit.startswith(NO_IDS) for limit in scenario["limits"]):
        assert server.get("/threads", project=project)["items"] == []
        traces = server.get("/traces", project=project, sort="start_time", limit=1000)["items"]
        found = [server.get(f"/traces/{trace['trace_id']}", project=project) for trace in traces]
        return [{"thread_id": None, "turns": t["turns"], "usage": t["usage"]} for t in found]
    threads = server.get("/threads", project=project, sort="thread_id")["items"]
    return [
        {
            "thread_id": thread["thread_id"],
            "usage": thread["usage"],
            "turns": server.get(
                "/threads/turns", project=project, thread_id=thread["thread_id"], limit=1000
            )["items"],
        }
        for thread in threads
    ]


def plain(value):
    """Return what a JSON text holds: results are shown parsed."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def words(text: str | None) -> str | None:
    return text.strip() or None if text else None


def said(turns: list[dict]) -> list[tuple]:
    return [(words(t["user"]), words(t.get("assistant")), bool(t.get("error"))) for t in turns]


@pytest.mark.parametrize("folder", scenarios(), ids=lambda folder: folder.name)
def test_the_conversation_is_the_one_that_took_place(replayed, folder):
    scenario = json.loads((folder / "scenario.json").read_text())
    expected, name = scenario["expected"], folder.name
    found = conversations(replayed, scenario, name)
    ids = {one["thread_id"] for one in found if one["thread_id"] is not None}
    if any("labels only" in limit for limit in scenario["limits"]):  # made up by the framework
        assert len(ids) == len(expected["threads"])
    elif ids:
        assert ids == {thread["thread_id"] for thread in expected["threads"]}

    if name not in NO_TEXTS | SPLIT_WITHOUT_ID | CUT:
        got = [turn for one in found for turn in said(one["turns"])]
        want = [turn for thread in expected["threads"] for turn in said(thread["turns"])]
        if name in ERROR_TURN_WITHOUT_INPUT:
            got, want = ([t for t in some if not t[2]] for some in (got, want))
        if name == "openlit-openai-stream":  # the tool's answer is a trace of its own
            got = [turn for turn in got if turn[1] is not None]
        assert sorted(got, key=str) == sorted(want, key=str)

    if name in NO_TEXTS:
        assert [[bool(t.get("error")) for t in one["turns"]] for one in found] == [
            [bool(t.get("error")) for t in thread["turns"]] for thread in expected["threads"]
        ]

    reads_usage = scenario["reference_reading"]["usage_ok"] or name == "haystack-native"
    if reads_usage:
        sums = [
            sum(one["usage"][k] or 0 for one in found) for k in ("input_tokens", "output_tokens")
        ]
        assert sums == [
            expected["total_input_tokens_including_cache"],
            expected["total_output_tokens"],
        ]

    if name not in NO_TOOLS:
        got = [t["tool_calls"] for one in found for t in one["turns"] if t["tool_calls"]]
        want = [
            t["tool_calls"]
            for th in expected["threads"]
            for t in th["turns"]
            if t.get("tool_calls")
        ]
        keys = ("name", "arguments", "result")
        assert [[[c[k] for k in keys] for c in calls] for calls in got] == [
            [[plain(c.get(k)) for k in keys] for c in calls] for calls in want
        ]


@pytest.mark.parametrize("folder", scenarios(), ids=lambda folder: folder.name)
def test_everything_derived_is_as_the_golden_file_says(replayed, folder, request):
    scenario = json.loads((folder / "scenario.json").read_text())
    project = folder.name
    threads = replayed.get("/threads", project=project, sort="thread_id")["items"]
    for thread in threads:
        for name in ("created_at", "updated_at", "status"):
            del thread[name]
    traces = replayed.get("/traces", project=project, sort="start_time", limit=1000)["items"]
    for trace in traces:
        for name in ("created_at", "updated_at"):
            del trace[name]
    found = {
        "threads": threads,
        "conversations": conversations(replayed, scenario, project),
        "traces": traces,
    }
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    file = GOLDEN / f"{folder.name}.json"
    if request.config.getoption("--rewrite-golden"):
        file.write_text(text)
    assert json.loads(file.read_text()) == json.loads(text)


def test_the_source_of_the_id_is_told(replayed):
    def source(project: str) -> set[str]:
        threads = replayed.get("/threads", project=project)["items"]
        return {thread["thread_id_source"] for thread in threads}

    assert source("pydantic-ai-v5") == {"gen_ai.conversation.id"}
    assert source("openinference-openai-chat") == {"session.id"}
    assert source("traceloop-openai-assoc") == {"traceloop.association.properties.session_id"}
    assert source("logfire-openai-agents") == {"group_id"}
    assert source("langsmith-otel-traceable") == {"langsmith.metadata.session_id"}


def test_reported_cost_wins_and_estimates_say_so(replayed):
    manual = replayed.get("/threads", project="langfuse-manual-cost")["items"]
    assert {thread["cost_source"] for thread in manual} == {"reported"}
    plain = replayed.get("/threads", project="openinference-openai-chat")["items"]
    assert {thread["cost_source"] for thread in plain} == {"estimated"}
    dspy = replayed.get("/threads", project="openinference-dspy")["items"]
    assert {thread["cost_usd"] for thread in dspy} == {None}
    assert {thread["usage"]["input_tokens"] for thread in dspy} == {None}
