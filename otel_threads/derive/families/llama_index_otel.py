"""LlamaIndex's own OpenTelemetry: what it prints of Python objects, in attributes and events.

These texts are cut at 200 letters. Literals in them are read as literals; nothing is evaluated.

Source: github.com/run-llama/llama_index, llama-index-observability-otel.
"""

import ast
import re
from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, name, parse
from otel_threads.derive.library import Library

SCOPE = "llamaindex.opentelemetry"
SUMMARY = "llamaindex.step.input_summary"
STARTS = ("LLMChatStartEvent", "LLMCompletionStartEvent")
KINDS: Mapping[str, Kind] = {"run_agent_step": "llm", "call_tool": "tool", "run": "agent"}
_TEXT = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""  # a whole Python literal
# How what is printed begins, and the rest of it. Only the first is looked at: a search that begins
# anew at each of a million would never end.
_ANSWER = (
    "AgentOutput(response=ChatMessage(role=<MessageRole.ASSISTANT",
    re.compile(rf".*?text={_TEXT}"),
)
_TOOL = (
    "ToolCall(tool_name=",
    re.compile(rf"{_TEXT}, tool_kwargs=(\{{.*?\}}), tool_id={_TEXT}\)"),
)
_RESULT = (
    "tool_output=ToolOutput(blocks=[TextBlock(block_type='text', text=",
    re.compile(_TEXT),
)


def kind(span: Span) -> Kind | None:
    if _start(span) is not None:
        return "llm"
    return KINDS.get(span.name.rpartition(".")[2], "chain")


def _start(span: Span) -> Mapping[str, Any] | None:
    return next((event.attributes for event in span.events if event.name in STARTS), None)


def inputs(span: Span) -> Messages:
    start = _start(span)
    history = parse(start.get("messages", start.get("prompt"))) if start else None
    if isinstance(history, str):
        return messages.read_text(history, "user")
    found: Messages = []
    for one in history if isinstance(history, list) else ():
        if isinstance(one, dict) and isinstance(one.get("blocks"), list):
            blocks = [block for block in one["blocks"] if isinstance(block, dict)]
            content = [{**block, "type": block.get("block_type", "text")} for block in blocks]
            found += messages.read(
                {**one.get("additional_kwargs", {}), "role": one.get("role"), "content": content}
            )
    return found


def outputs(span: Span) -> Messages:
    if kind(span) != "llm":
        return []
    for printed in _printed(span):
        if (answer := _first(_ANSWER, printed)) and (text := _literal(answer[1])):
            return messages.read_text(text, "assistant")
    return []


def _first(what: tuple[str, re.Pattern[str]], printed: str) -> re.Match[str] | None:
    """Return what follows the first text that begins so, None where it is something else."""
    beginning, rest = what
    place = printed.find(beginning)
    return rest.match(printed, place + len(beginning)) if place >= 0 else None


def _printed(span: Span) -> list[str]:
    told = (event.attributes.get("output") for event in span.events)
    return [text for text in told if isinstance(text, str)]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def values(span: Span) -> Mapping[str, Any]:
    start = _start(span)
    if start is not None:
        return {"request_model": name(start.get("model_dict.model_name"))}
    if kind(span) != "tool":
        return {}
    asked = _first(_TOOL, str(span.attributes.get(SUMMARY, "")))
    results = (_first(_RESULT, printed) for printed in _printed(span))
    result = next((found[1] for found in results if found), None)
    found: dict[str, Any] = {"tool_result": _literal(result) if result else None}
    if asked:
        found |= {
            "tool_name": _literal(asked[1]),
            "tool_arguments": _literal(asked[2]),
            "tool_call_id": _literal(asked[3]),
        }
    return found


LIBRARY = Library(
    slug="llama-index-otel",
    title="LlamaIndex's own OpenTelemetry",
    scopes=("llamaindex.opentelemetry*",),
    packages=("llama-index-observability-otel",),
    language="python",
    thread_id="""\
with trace.get_tracer("my-app").start_as_current_span("chat turn") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
    await agent.run(question)
""",
    arrives_as="gen_ai.conversation.id",
    content="on",
    note="It tells no tokens, and cuts texts at 200 letters: OpenInference's package tells more.",
)

FAMILY = Family(
    name="llama-index-otel",
    source="run-llama/llama_index, llama-index-observability-otel",
    scopes=(SCOPE,),  # no marks: what it tells is in events, whatever the attributes are
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    values=values,
    libraries=(LIBRARY,),
)
