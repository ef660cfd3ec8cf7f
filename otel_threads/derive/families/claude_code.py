"""Claude Code's own spans: prompts, answers and tokens under plain names.

Source: Claude Code monitoring documentation, scope com.anthropic.claude_code.tracing.
"""

from otel_threads.derive import messages
from otel_threads.derive.facts import Family, Kind, Messages, Usage, count
from otel_threads.model import Span

SCOPE = "com.anthropic.claude_code"


def kind(span: Span) -> Kind | None:
    if not span.scope_name.startswith(SCOPE):
        return None
    if "input_tokens" in span.attributes or "response.model_output" in span.attributes:
        return "llm"
    return "tool" if "tool" in span.name else "chain"


def inputs(span: Span) -> Messages:
    return _text(span, "user_prompt", "user")


def outputs(span: Span) -> Messages:
    return _text(span, "response.model_output", "assistant")


def _text(span: Span, key: str, role: str) -> Messages:
    value = span.attributes.get(key) if span.scope_name.startswith(SCOPE) else None
    return messages.read({"role": role, "content": value}) if isinstance(value, str) else []


def usage(span: Span) -> Usage | None:
    if not span.scope_name.startswith(SCOPE):
        return None
    cached, written = (
        count(span.attributes.get(key)) for key in ("cache_read_tokens", "cache_creation_tokens")
    )
    plain = count(span.attributes.get("input_tokens"))
    return Usage(
        # Anthropic counts cached input apart; everywhere else here input includes it.
        input_tokens=None if plain is None else plain + (cached or 0) + (written or 0),
        output_tokens=count(span.attributes.get("output_tokens")),
        cache_read_tokens=cached,
        cache_write_tokens=written,
    )


FAMILY = Family(
    name="claude-code",
    source="Claude Code monitoring documentation",
    marks=("user_prompt", "response.model_output", "input_tokens", "output_tokens", "cache_"),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    names={"request_model": ("model",)},
)
