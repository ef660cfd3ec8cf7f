"""Spans that applications write by hand, with the names that people choose.

Also the last resort for a model request that no other family recognises: it names a model and
counts tokens, and is no agent.
"""

from collections.abc import Sequence

from otel_threads.core.model import Span
from otel_threads.derive.family import Family, Kind, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import PLAIN_WORDS, Text, TextRank, ThreadId, ThreadIdRank

METADATA = "metadata"  # a JSON text of many


def kind(span: Span) -> Kind | None:
    attributes = span.attributes
    if "gen_ai.request.model" in attributes and "gen_ai.agent.name" not in attributes:
        named = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "error.type")
        if span.status_code == "error" or any(key in attributes for key in named):
            return "llm"
    return None


def _of_metadata(span: Span, is_root: bool) -> Sequence[object]:
    bag = parse(span.attributes[METADATA])
    return [bag.get(word) for word in PLAIN_WORDS] if isinstance(bag, dict) else []


LIBRARY = Library(
    slug="plain",
    title="Plain OpenTelemetry",
    scopes=(),
    packages=("opentelemetry-sdk",),
    language="python",
    thread_id="""\
with trace.get_tracer("my-app").start_as_current_span("chat turn") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
span.set_attribute("gen_ai.input.messages", json.dumps(messages))
span.set_attribute("gen_ai.output.messages", json.dumps(answers))
""",
    note=(
        "On any span of the trace. Agno, smolagents, CrewAI, DSPy, Instructor and "
        "LlamaIndex have no id of their own either: through OpenInference use "
        "`using_session`, else this. `thread.id` is the operating system's thread and "
        "is never read."
    ),
)

FAMILY = Family(
    name="plain",
    source="hand-written spans",
    kind_marks=("gen_ai.request.model",),
    kind=kind,
    names={
        "user_id": ("user.id", "user_id", "userId"),
        "tags": ("otel_threads.tags", "tags"),
    },
    thread_ids=(
        ThreadId("otel_threads.thread_id", ThreadIdRank.OWN),
        *(ThreadId(word, ThreadIdRank.PLAIN) for word in PLAIN_WORDS),
        ThreadId(METADATA, ThreadIdRank.METADATA, _of_metadata),
        *(ThreadId(f"{METADATA}.{word}", ThreadIdRank.METADATA) for word in PLAIN_WORDS),
    ),
    user_texts=(Text("input", TextRank.PLAIN),),
    assistant_texts=(Text("output", TextRank.PLAIN),),
    shown_inputs=(
        Text("input", TextRank.PLAIN),
        Text("inputs", TextRank.PLAIN),
    ),
    shown_outputs=(
        Text("output", TextRank.PLAIN),
        Text("outputs", TextRank.PLAIN),
    ),
    final_tools=(
        "final_output",
        "submit_answer",
    ),
    metadata_prefixes=(
        "otel_threads.metadata.",
        "metadata.",
    ),
    metadata_bags=(METADATA,),
    libraries=(LIBRARY,),
)
