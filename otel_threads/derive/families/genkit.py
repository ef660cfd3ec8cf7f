"""Firebase Genkit: actions with JSON input and output under `genkit:` names.

Source: github.com/firebase/genkit, js/core/src/tracing.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import api_usage, messages
from otel_threads.derive.family import Family, Kind, Messages, Usage, count, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import (
    CAMEL_WORDS,
    SNAKE_WORDS,
    Text,
    TextRank,
    ThreadId,
    ThreadIdRank,
)

SUBTYPE = "genkit:metadata:subtype"
INPUT, OUTPUT = "genkit:input", "genkit:output"
KINDS: Mapping[str, Kind] = {
    "model": "llm",
    "background-model": "llm",
    "tool": "tool",
    "tool.v2": "tool",
    "flow": "chain",
    "agent": "agent",
    "prompt": "prompt",
    "embedder": "embedding",
    "retriever": "retriever",
    "reranker": "reranker",
    "evaluator": "evaluator",
}


def kind(span: Span) -> Kind | None:
    if "genkit:type" not in span.attributes:
        return None
    return KINDS.get(str(span.attributes.get(SUBTYPE)), "chain")


def inputs(span: Span) -> Messages:
    return messages.read(span.attributes.get(INPUT), role="user") if kind(span) == "llm" else []


def outputs(span: Span) -> Messages:
    if kind(span) != "llm":
        return []
    return messages.read(span.attributes.get(OUTPUT), role="assistant")


def usage(span: Span) -> Usage | None:
    answer = parse(span.attributes.get(OUTPUT)) if kind(span) == "llm" else None
    if not isinstance(answer, dict) or not isinstance(counts := answer.get("usage"), dict):
        return None
    found = Usage(
        input_tokens=count(counts.get("inputTokens")),
        output_tokens=count(counts.get("outputTokens")),
        total_tokens=count(counts.get("totalTokens")),
        cache_read_tokens=count(counts.get("cachedContentTokens")),
        reasoning_tokens=count(counts.get("thoughtsTokens")),
    )
    for key in ("raw", "custom"):  # the API's own answer tells what of it was cached
        whole = answer.get(key)
        if isinstance(whole, dict) and (told := api_usage.read(whole.get("usage"))) is not None:
            found = found.completed(told)
    return found


def values(span: Span) -> Mapping[str, Any]:
    """Return a model's name without its plugin (`openai/gpt-4o`), or what a tool did."""
    match kind(span), span.attributes.get("genkit:name"):
        case "llm", str() as name:
            plugin, slash, model = name.partition("/")
            return (
                {"request_model": model, "provider": plugin} if slash else {"request_model": name}
            )
        case "tool", name:
            return {
                "tool_name": name if isinstance(name, str) else span.name,
                "tool_arguments": parse(span.attributes.get(INPUT)),
                "tool_result": parse(span.attributes.get(OUTPUT)),
            }
        case _:
            return {}


LIBRARY = Library(
    slug="genkit",
    title="Genkit",
    scopes=("genkit-tracer",),
    packages=("genkit",),
    language="javascript",
    thread_id="""\
import { setCustomMetadataAttributes } from "genkit/tracing";

const turn = ai.defineFlow("turn", async ({ chatId, question }) => {
  setCustomMetadataAttributes({ threadId: chatId });
  return (await ai.generate({ prompt: question })).text;
});
""",
    arrives_as="genkit:metadata:threadId",
    content="on",
    note=(
        "Genkit begins a trace of its own at each flow and each `generate`, so an id "
        "on a span around it does not reach it."
    ),
)

FAMILY = Family(
    name="genkit",
    source="firebase/genkit, js/core/src/tracing",
    marks=("genkit:",),
    kind_marks=("genkit:",),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    thread_ids=tuple(
        ThreadId(f"genkit:metadata:{word}", ThreadIdRank.VENDOR)
        for word in (*CAMEL_WORDS, *SNAKE_WORDS, "agent:sessionId")
    ),
    user_texts=(Text(INPUT, TextRank.STEP),),
    assistant_texts=(Text(OUTPUT, TextRank.STEP),),
    libraries=(LIBRARY,),
)
