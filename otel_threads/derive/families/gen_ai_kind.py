"""OpenInference's shapes under OpenTelemetry's prefix: `gen_ai.span.kind`, flattened messages.

Source: traceAI (github.com/future-agi/traceAI), LoongSuite (github.com/alibaba/loongsuite-python).
"""

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import SPAN_KINDS, Family, KindBy, Messages
from otel_threads.derive.library import Library


def inputs(span: Span) -> Messages:
    return messages.read_flattened(span.attributes, "gen_ai.input.messages")


def outputs(span: Span) -> Messages:
    return messages.read_flattened(span.attributes, "gen_ai.output.messages")


LIBRARY = Library(
    slug="traceai",
    title="traceAI (Future AGI)",
    scopes=("traceai*",),
    packages=("traceAI-openai",),
    language="python",
    thread_id="""\
from fi_instrumentation import using_session

with using_session(chat_id):
    answer = client.chat.completions.create(model=model, messages=messages)
""",
    arrives_as="gen_ai.conversation.id",
    content="on",
)

FAMILY = Family(
    name="gen-ai-kind",
    source="future-agi/traceAI; alibaba/loongsuite-python",
    marks=("gen_ai.input.messages.", "gen_ai.output.messages."),
    kind=KindBy("gen_ai.span.kind", SPAN_KINDS),
    inputs=inputs,
    outputs=outputs,
    libraries=(LIBRARY,),
)
