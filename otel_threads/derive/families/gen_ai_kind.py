"""OpenInference's shapes under OpenTelemetry's prefix: `gen_ai.span.kind`, flattened messages.

Source: traceAI (github.com/future-agi/traceAI), LoongSuite (github.com/alibaba/loongsuite-python).
"""

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import SPAN_KINDS, Family, KindBy, Messages


def inputs(span: Span) -> Messages:
    return messages.read_flattened(span.attributes, "gen_ai.input.messages")


def outputs(span: Span) -> Messages:
    return messages.read_flattened(span.attributes, "gen_ai.output.messages")


FAMILY = Family(
    name="gen-ai-kind",
    source="future-agi/traceAI; alibaba/loongsuite-python",
    marks=("gen_ai.input.messages.", "gen_ai.output.messages."),
    kind=KindBy("gen_ai.span.kind", SPAN_KINDS),
    inputs=inputs,
    outputs=outputs,
)
