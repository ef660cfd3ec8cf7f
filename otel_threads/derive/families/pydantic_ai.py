"""Pydantic AI and Logfire, v1 to the newest: event lists, whole histories, tool spans.

Source: github.com/pydantic/pydantic-ai, InstrumentationSettings; github.com/pydantic/logfire.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import api_usage, messages
from otel_threads.derive.family import Family, Kind, Messages, Usage, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "assistant",
}


def kind(span: Span) -> Kind | None:
    if span.scope_name == "pydantic-ai" or span.scope_name.startswith("logfire"):
        if (
            "all_messages_events" in span.attributes
            or "pydantic_ai.all_messages" in span.attributes
        ):
            return "agent"
        if "tool_arguments" in span.attributes or span.name.startswith("running tool:"):
            return "tool"
    return None


def inputs(span: Span) -> Messages:
    events = _events(span, output=False)
    if events:
        return events
    if span.scope_name.startswith("logfire"):
        return messages.read(
            span.attributes.get("raw_input") or span.attributes.get("request_data"), role="user"
        )
    return []


def outputs(span: Span) -> Messages:
    events = _events(span, output=True)
    if events:
        return events
    if span.scope_name.startswith("logfire"):
        response = parse(span.attributes.get("response_data") or span.attributes.get("response"))
        return messages.read(response, role="assistant")
    return []


def _events(span: Span, *, output: bool) -> Messages:
    """Read the list of events that v1 and logfire write: requests first, choices last."""
    events = parse(span.attributes.get("events"))
    if not isinstance(events, list):
        return []
    found: Messages = []
    answered = _answer_starts(events)
    for position, event in enumerate(events):
        if not isinstance(event, dict) or (position >= answered) != output:
            continue
        name = event.get("event.name")
        role = EVENT_ROLES.get(name) if isinstance(name, str) else None
        if isinstance(event.get("message"), dict):
            found += messages.read({"role": "assistant", **event["message"]})
        elif role or event.get("role"):
            fields = dict(event)
            if role == "tool" and "id" in fields:
                fields["tool_call_id"] = fields["id"]
            found += messages.read({**fields, "role": event.get("role") or role})
    return found


def _answer_starts(events: list[Any]) -> int:
    """Return where the model's answer begins: its choices, else the trailing assistant events."""
    for position, event in enumerate(events):
        if isinstance(event, dict) and event.get("event.name") == "gen_ai.choice":
            return position
    last = len(events)
    while (
        last and isinstance(events[last - 1], dict) and events[last - 1].get("role") == "assistant"
    ):
        last -= 1
    return last


def usage(span: Span) -> Usage | None:
    details = parse(span.attributes.get("usage") or span.attributes.get("gen_ai.usage.raw"))
    return api_usage.read(details)


def values(span: Span) -> Mapping[str, Any]:
    metadata = parse(span.attributes.get("metadata"))
    if isinstance(metadata, dict) and isinstance(metadata.get("user_id"), str):
        return {"user_id": metadata["user_id"]}
    return {}


def _group(span: Span, is_root: bool) -> Sequence[object]:
    """Return the group that OpenAI Agents were given; Logfire writes it on a trace's root."""
    named = is_root and span.scope_name.startswith("logfire")
    return [span.attributes["group_id"]] if named else []


PYDANTIC_AI = Library(
    slug="pydantic-ai",
    title="Pydantic AI",
    scopes=("pydantic-ai*",),
    packages=("pydantic-ai", "pydantic-ai-slim"),
    language="python",
    thread_id="""\
result = await agent.run(question, conversation_id=chat_id, message_history=history)
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
Agent(..., instrument=InstrumentationSettings(include_content=True))   # the default
""",
    note=(
        "Without `conversation_id` the library makes one up and carries it in "
        "`message_history`: turns of one history stay together. Versions before 2 have "
        "none: open a span around the run and set `gen_ai.conversation.id` on it."
    ),
)

LOGFIRE = Library(
    slug="logfire",
    title="Logfire",
    scopes=("logfire*",),
    packages=("logfire",),
    language="python",
    thread_id="""\
with logfire.span("chat turn", **{"gen_ai.conversation.id": chat_id}):
    result = await Runner.run(agent, question)
""",
    arrives_as="gen_ai.conversation.id",
    content="on",
    note=(
        "Logfire scrubs every attribute with `session` in its name: the value arrives "
        "as `[Scrubbed due to 'session']` and is refused here. Use "
        "`gen_ai.conversation.id`, or `agents.trace(group_id=chat_id)` with OpenAI "
        "Agents."
    ),
)

FAMILY = Family(
    name="pydantic-ai",
    source="pydantic/pydantic-ai InstrumentationSettings 1 to 5; pydantic/logfire",
    marks=(
        "events",
        "raw_input",
        "request_data",
        "response",
        "usage",
        "gen_ai.usage.raw",
        "metadata",
    ),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={
        "cost_usd": ("operation.cost",),
        "tool_arguments": ("tool_arguments",),
        "tool_result": ("tool_response",),
    },
    thread_ids=(ThreadId("group_id", ThreadIdRank.GROUP, _group),),
    shown_inputs=(
        Text("all_messages_events", TextRank.STATE),
        Text("pydantic_ai.all_messages", TextRank.STATE),
        Text("tool_arguments", TextRank.STATE),
        Text("request_data", TextRank.STATE),
    ),
    shown_outputs=(
        Text("final_result", TextRank.STATE),
        Text("tool_response", TextRank.STATE),
        Text("response_data", TextRank.STATE),
    ),
    user_texts=(
        Text("pydantic_ai.all_messages", TextRank.RUN),
        Text("all_messages_events", TextRank.RUN),
    ),
    assistant_texts=(
        Text("final_result", TextRank.RUN),
        Text("pydantic_ai.all_messages", TextRank.STATE),
        Text("all_messages_events", TextRank.STATE),
    ),
    final_tools=("final_result",),
    scrubbed=("[Scrubbed due to ",),
    libraries=(
        PYDANTIC_AI,
        LOGFIRE,
    ),
)
