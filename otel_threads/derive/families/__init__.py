"""Every family of conventions, in the order in which they are asked; the first that knows wins.

The order is that of docs/conventions.md, section "Span kind": the most specific marks first.
"""

from otel_threads.derive.families import (
    claude_code,
    gen_ai_kind,
    genkit,
    google_adk,
    haystack,
    laminar,
    langfuse,
    langsmith,
    langwatch,
    litellm,
    livekit,
    mastra,
    mlflow,
    openinference,
    openlit,
    otel_genai,
    plain,
    pydantic_ai,
    strands,
    traceloop,
    vercel_ai,
)
from otel_threads.derive.family import Family

FAMILIES: tuple[Family, ...] = (
    openinference.FAMILY,
    langfuse.FAMILY,
    langsmith.FAMILY,
    mlflow.FAMILY,
    laminar.FAMILY,
    langwatch.FAMILY,
    mastra.FAMILY,
    gen_ai_kind.FAMILY,
    genkit.FAMILY,
    vercel_ai.FAMILY,
    litellm.FAMILY,
    livekit.FAMILY,
    strands.FAMILY,
    claude_code.FAMILY,
    otel_genai.FAMILY,
    openlit.FAMILY,
    pydantic_ai.FAMILY,
    traceloop.FAMILY,
    google_adk.FAMILY,
    haystack.FAMILY,
    plain.FAMILY,
)
