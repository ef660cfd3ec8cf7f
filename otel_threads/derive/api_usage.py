"""Token counts as the APIs of models return them: one reader of what families pass on.

Source: the usage objects of OpenAI's chat completions and Responses, Anthropic's messages,
Bedrock's converse and Gemini's generateContent.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.derive.family import Usage, count

INPUT = ("input_tokens", "prompt_tokens", "promptTokenCount", "prompt_token_count", "inputTokens")
OUTPUT = (
    "output_tokens",
    "completion_tokens",
    "candidatesTokenCount",
    "candidates_token_count",
    "outputTokens",
)
TOTAL = ("total_tokens", "totalTokenCount", "total_token_count", "totalTokens")
# Anthropic and Bedrock count these beside the input; the others within it.
READ_APART = ("cache_read_input_tokens", "cacheReadInputTokens")
WRITTEN_APART = ("cache_creation_input_tokens", "cacheWriteInputTokens")
READ = ("cachedContentTokenCount", "cached_content_token_count")
THOUGHTS = ("thoughtsTokenCount", "thoughts_token_count")
INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details")
OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details")


def read(counts: Any) -> Usage | None:
    """Return the tokens of a usage object, cached ones within the input; None for what is none."""
    if not isinstance(counts, dict):
        return None
    into, out = _inner(counts, INPUT_DETAILS), _inner(counts, OUTPUT_DETAILS)
    read_apart, written = _first(counts, READ_APART), _first(counts, WRITTEN_APART)
    input_tokens = _first(counts, INPUT)
    if input_tokens is not None:
        input_tokens += (read_apart or 0) + (written or 0)
    cached = read_apart if read_apart is not None else _first(counts, READ)
    thoughts = _first(counts, THOUGHTS)
    return Usage(
        input_tokens=input_tokens,
        output_tokens=_first(counts, OUTPUT),
        total_tokens=_first(counts, TOTAL),
        cache_read_tokens=cached if cached is not None else count(into.get("cached_tokens")),
        cache_write_tokens=written
        if written is not None
        else count(into.get("cache_write_tokens")),
        reasoning_tokens=thoughts if thoughts is not None else count(out.get("reasoning_tokens")),
        input_audio_tokens=count(into.get("audio_tokens")),
        output_audio_tokens=count(out.get("audio_tokens")),
    )


def _first(counts: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return next((n for name in names if (n := count(counts.get(name))) is not None), None)


def _inner(counts: Mapping[str, Any], names: tuple[str, ...]) -> Mapping[str, Any]:
    return next((inner for name in names if isinstance(inner := counts.get(name), dict)), {})
