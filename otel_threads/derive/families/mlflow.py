"""MLflow tracing over OTLP: JSON-quoted attributes, whole requests and responses.

Source: github.com/mlflow/mlflow, mlflow/tracing/constant.py.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, KindBy, Messages, Usage, count, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

MODEL_KINDS = ('"CHAT_MODEL"', '"LLM"', "CHAT_MODEL", "LLM")


def inputs(span: Span) -> Messages:
    if span.attributes.get("mlflow.spanType") not in MODEL_KINDS:
        return []
    return messages.read(span.attributes.get("mlflow.spanInputs"), role="user")


def outputs(span: Span) -> Messages:
    if span.attributes.get("mlflow.spanType") not in MODEL_KINDS:
        return []
    return messages.read(span.attributes.get("mlflow.spanOutputs"), role="assistant")


def usage(span: Span) -> Usage | None:
    details = parse(span.attributes.get("mlflow.chat.tokenUsage"))
    if not isinstance(details, dict):
        return None
    return Usage(
        input_tokens=count(details.get("input_tokens")),
        output_tokens=count(details.get("output_tokens")),
        total_tokens=count(details.get("total_tokens")),
        cache_read_tokens=count(details.get("cache_read_input_tokens")),
        cache_write_tokens=count(details.get("cache_creation_input_tokens")),
    )


def values(span: Span) -> Mapping[str, Any]:
    if span.attributes.get("mlflow.spanType") not in ('"TOOL"', "TOOL"):
        return {}
    return {
        "tool_name": span.name,
        "tool_arguments": parse(span.attributes.get("mlflow.spanInputs")),
        "tool_result": parse(span.attributes.get("mlflow.spanOutputs")),
    }


LIBRARY = Library(
    slug="mlflow",
    title="MLflow tracing over OTLP",
    scopes=("mlflow*",),
    packages=("mlflow",),
    language="python",
    thread_id="""\
with mlflow.start_span("chat turn") as span:
    span.set_attribute("session.id", chat_id)
    answer = client.chat.completions.create(model=model, messages=messages)
""",
    arrives_as="session.id",
    content="on",
    note="`mlflow.trace.session` is trace metadata and does not leave MLflow over OTLP.",
)

FAMILY = Family(
    name="mlflow",
    source="mlflow/mlflow, mlflow/tracing/constant.py",
    marks=("mlflow.",),
    kind=KindBy(
        "mlflow.spanType",
        {
            "chat_model": "llm",
            "llm": "llm",
            "agent": "agent",
            "tool": "tool",
            "chain": "chain",
            "retriever": "retriever",
            "embedding": "embedding",
            "reranker": "reranker",
            "parser": "other",
            "evaluator": "evaluator",
            "guardrail": "guardrail",
        },
    ),
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={
        "response_model": ("mlflow.llm.model",),
        "user_id": ("mlflow.trace.user",),
    },
    thread_ids=(ThreadId("mlflow.trace.session", ThreadIdRank.VENDOR),),
    user_texts=(Text("mlflow.spanInputs", TextRank.SPAN),),
    assistant_texts=(Text("mlflow.spanOutputs", TextRank.SPAN),),
    shown_inputs=(Text("mlflow.spanInputs", TextRank.SPAN),),
    shown_outputs=(Text("mlflow.spanOutputs", TextRank.SPAN),),
    libraries=(LIBRARY,),
)
