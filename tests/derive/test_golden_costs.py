"""Tokens and cost of every recording, worked out by hand from the recording and the price list.

The golden files say what comes out (test_captures.py); here stands what should. `cached` and
`written` tokens are part of a provider's input, and cost something else than the rest of it.
"""

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from conftest import HERE, scenarios
from genai_prices import Usage, calc_price

# US dollars for a million tokens: plain input, cached input, input written to a cache, output.
PRICES = {
    "gpt-4o-mini": (0.15, 0.075, None, 0.6),
    "gpt-4o": (2.5, 1.25, None, 10),
    "gpt-4.1": (2, 0.5, None, 8),
    "gpt-5.1-codex": (1.25, 0.125, None, 10),
    "o4-mini": (1.1, 0.275, None, 4.4),
    "gpt-audio": (2.5, None, None, 10),
    "gpt-realtime": (4, 0.4, None, 16),
    "claude-3-5-haiku-20241022": (0.8, 0.08, 1, 4),
    "claude-haiku-4-5": (1, 0.1, 1.25, 5),
    "anthropic.claude-haiku-4-5-20251001-v1:0": (1.1, 0.11, 1.375, 5.5),
    "claude-sonnet-4-5": (3, 0.3, 3.75, 15),
    "claude-opus-4-5": (5, 0.5, 6.25, 25),
    "gemini-2.0-flash": (0.1, 0.025, None, 0.4),
    "gemini-2.5-flash": (0.3, 0.03, None, 2.5),
    "gemini-2.5-pro": (1.25, 0.125, None, 10),
    "mistral-medium-2604": (1.5, 0.15, None, 7.5),
    "deepseek-reasoner": (0.135, 0.035, None, 0.55),
    "amazon.nova-sonic-v1:0": (0.06, None, None, 0.24),
}
SOLD_BY = {
    "amazon.nova-sonic-v1:0": "aws",
    "anthropic.claude-haiku-4-5-20251001-v1:0": "aws",
}  # else the list would not find it
AUDIO = {"gpt-realtime": (32, 64), "amazon.nova-sonic-v1:0": (3.4, 13.6)}  # into it, out of it


@dataclass(frozen=True)
class Spent:
    """What the requests of one model took. `output` holds thoughts; none of these holds another."""

    model: str
    plain: int
    output: int
    cached: int = 0
    written: int = 0
    audio_in: int = 0
    audio_out: int = 0

    @property
    def input(self) -> int:
        return self.plain + self.cached + self.written + self.audio_in

    @property
    def usd(self) -> float:
        plain, cached, written, output = PRICES[self.model]
        audio_in, audio_out = AUDIO.get(self.model, (0, 0))
        return (
            self.plain * plain
            + self.cached * (cached or 0)
            + self.written * (written or 0)
            + self.output * output
            + self.audio_in * audio_in
            + self.audio_out * audio_out
        ) / 1e6


def mini(plain: int, output: int, cached: int = 0) -> list[Spent]:
    return [Spent("gpt-4o-mini", plain, output, cached)]


# Six answers and a failure: 4 tokens of each answer's input came from the cache, where a recording
# says so. Their sums are the model server's own.
SEVEN = mini(288, 78, 24)
SEVEN_UNTOLD = mini(312, 78)  # no span tells of a cache
HAIKU = [Spent("claude-3-5-haiku-20241022", 312, 78, 24, 12)]
SPENT: dict[str, Sequence[Spent]] = {
    **dict.fromkeys(
        (
            "ag2-native",
            "double-instrumented-openai",
            "haystack-native",
            "haystack3-native",
            "java-agent-openai",
            "langfuse-js-openai",
            "langfuse-openai",
            "langsmith-otel-traceable",
            "livekit-agents-text",
            "logfire-openai-agents",
            "mastra-otel",
            "mlflow-openai",
            "mlflow-openai-lost-root",
            "openinference-langgraph",
            "openinference-openai-agents",
            "openinference-openai-agents-group-only",
            "openinference-openai-chat",
            "openinference-openai-responses-root",
            "otel-genai-openai-agents",
            "otel-genai-openai-nocontent",
            "otel-genai-openai-responses-conversation",
            "otel-genai-openai-span-and-event",
            "otel-genai-openai-span-stream",
            "pipecat-native",
            "strands-openai",
            "traceloop-langgraph-raw",
            "traceloop-old-openai-assoc",
            "traceloop-openai-agents",
            "traceloop-openai-assoc",
            "vercel-ai-generate-json",
            "vercel-ai-openinference",
            "vercel-ai7-context",
        ),
        SEVEN,
    ),
    **dict.fromkeys(
        (
            "langchainjs-traceloop",
            "openinference-haystack",
            "otel-openai-v2-latest-span",
            "otel-openai-v2-legacy-logs",
            "plain-conversation-id-llm-only",
            "plain-long-truncated",
            "plain-many-in-one-trace",
            "plain-no-ids",
            "plain-one-trace-per-session",
            "plain-os-thread-id",
            "plain-os-thread-id-only",
            "plain-resource-session",
            "plain-session-id-child",
            "plain-thread-id-root",
        ),
        SEVEN_UNTOLD,
    ),
    **dict.fromkeys(("anthropic-sdk-native", "openinference-anthropic"), HAIKU),
    # One output token too many a request, as the library reports it.
    "traceloop-anthropic-raw": [Spent("claude-3-5-haiku-20241022", 312, 84, 24, 12)],
    **dict.fromkeys(
        ("botocore-bedrock-stream", "openinference-bedrock-converse"),
        (Spent("claude-3-5-haiku-20241022", 302, 78),),
    ),
    **dict.fromkeys(
        ("google-adk-gemini", "google-adk-gemini-legacy-schema"),
        (Spent("gemini-2.0-flash", 288, 96, 24),),
    ),
    # Thoughts and cached input are in log records without a trace alone.
    "gemini-cli": [Spent("gemini-2.5-flash", 278, 111, 24)],
    "claude-code-traces": [Spent("claude-haiku-4-5", 302, 86, 24, 12)],
    **dict.fromkeys(
        (
            "agent-framework-openai",
            "genkit-js",
            "pydantic-ai-old-v1-events",
            "pydantic-ai-v2-noconv",
            "pydantic-ai-v5",
        ),
        mini(278, 78, 24),
    ),
    **dict.fromkeys(("agno-openinference", "genkit"), mini(278, 66, 24)),
    **dict.fromkeys(
        (
            "langfuse-langgraph",
            "langsmith-langgraph",
            "langtrace-openai",
            "openinference-langchain-js",
        ),
        mini(288, 66, 24),
    ),
    **dict.fromkeys(("langwatch-openai", "semantic-kernel-agent", "traceai-openai"), mini(312, 66)),
    "strands-openai-latest": mini(302, 66),
    "otel-genai-langchain": mini(288, 66, 24),
    "otel-genai-dspy": mini(165, 55, 20),
    "otel-genai-anthropic": [Spent("claude-haiku-4-5", 302, 66, 24, 12)],
    "otel-genai-bedrock": [Spent("anthropic.claude-haiku-4-5-20251001-v1:0", 302, 66)],
    "mastra": mini(268, 66, 24),
    "openinference-smolagents": mini(302, 83),
    "openinference-openai-agents-handoff": mini(434, 99, 32),
    **dict.fromkeys(("handmade-resend-out-of-order", "handmade-structured-pb"), mini(148, 55)),
    "report-01-codex-cli-turn-ids": [Spent("gpt-5.1-codex", 2260, 180, 40)],
    "report-06a-agenttool-own-session-id": [Spent("gemini-2.5-flash", 115, 25)],
    "report-09-cached-tokens-names": [
        *[Spent("claude-sonnet-4-5", 5, 300, 128955, 1253)] * 3,
        Spent("gemini-2.5-flash", 4459, 120, 9216),
    ],
    "report-10-azure-event-content": mini(54, 7),
    "report-10b-azure-agents-thread-run": [Spent("gpt-4o", 240, 30)],
    "report-11-agentcore-adot-logs": [Spent("claude-sonnet-4-5", 100, 16)],
    "report-12-pipecat": mini(80, 18),
    "report-13-json-cut-at-1028": mini(600, 10),
    "report-15-thoughts-in-other-shapes": [
        Spent("mistral-medium-2604", 10, 8),
        *[Spent("gemini-2.5-pro", 10, 8)] * 2,
        Spent("deepseek-reasoner", 10, 8),
        Spent("claude-sonnet-4-5", 10, 8),
        Spent("o4-mini", 10, 8),
    ],
    "report-16-refusals": [Spent("gpt-4o", 40, 32)],
    "report-18b-attribute-limit-oldest-evicted": mini(1000, 10),
    "report-19-session-id-unknown": mini(20, 8),
    "report-20-browser-session-over-conversation": mini(30, 12),
    "report-23-koog-kotlin": [Spent("gpt-4o", 230, 39)],
    "report-25-response-id-as-conversation-id": [Spent("gpt-4.1", 20, 8)],
    "report-26-langfuse-trace-input-output": mini(40, 4),
    "report-27-lone-surrogate-in-messages": mini(30, 8),
    "report-29-span-sent-again-complete": mini(9, 5),
    "report-31-guardrail-calls-in-a-turn": mini(270, 12),
    "report-33-livekit-realtime": [
        Spent("amazon.nova-sonic-v1:0", 20, 10, audio_in=80, audio_out=30)
    ],
    "report-34-audio-with-transcript": [
        Spent("gpt-realtime", 10, 5, audio_in=50, audio_out=15),
        Spent("gpt-audio", 60, 20),
    ],
    "report-41-quarkus-langchain4j": mini(45, 12),
    "report-42-claude-code-answer-as-log": [Spent("claude-opus-4-5", 20, 80, 1000, 200)],
    "report-43-history-compacted-in-a-turn": mini(85, 20),
}
# The sender's own sum is shown, whatever the list says: in US dollars.
REPORTED = {
    "langfuse-manual-cost": 56.7e-6,  # the program's: 158 in and 55 out, no cache
    "litellm-otel": 91.8e-6,  # LiteLLM takes the cache into account, its spans do not tell of it
    "openlit-openai-attrs": 93.6e-6,  # OpenLIT's price list knows no cache
    "openlit-openai-stream": 93.6e-6,
    "report-02-claude-code-logs-without-trace": 0.0076,
}
UNKNOWN = {
    "autogen-agentchat": "no tokens are told",
    "llama-index-otel": "no tokens are told",
    "openinference-dspy": "no tokens are told",
    **dict.fromkeys(
        ("otel-genai-agno", "otel-genai-llama-index", "otel-genai-smolagents"),
        "no tokens are told: the library leaves its requests to the SDK's instrumentation",
    ),
    "openinference-llama-index": "no tokens are told",
    "report-36-gen-ai-session-id": "no price of qwen-max",
}


def told(name: str) -> list[dict]:
    """The threads of a recording, else its traces, as its golden file has them."""
    found = json.loads((HERE / "golden" / f"{name}.json").read_text())
    return found["threads"] or found["traces"]


def summed(name: str, count: str) -> int:
    return sum(one["usage"][count] or 0 for one in told(name))


def test_every_recording_is_worked_out():
    names = {folder.name for folder in scenarios()}
    assert names == {*SPENT, *REPORTED, *UNKNOWN}


@pytest.mark.parametrize("name", SPENT)
def test_tokens_and_cost_are_those_worked_out_by_hand(name):
    spent = SPENT[name]

    assert {
        "input_tokens": summed(name, "input_tokens"),
        "output_tokens": summed(name, "output_tokens"),
        "cache_read_tokens": summed(name, "cache_read_tokens"),
        "cache_write_tokens": summed(name, "cache_write_tokens"),
        "input_audio_tokens": summed(name, "input_audio_tokens"),
        "output_audio_tokens": summed(name, "output_audio_tokens"),
    } == {
        "input_tokens": sum(one.input for one in spent),
        "output_tokens": sum(one.output + one.audio_out for one in spent),
        "cache_read_tokens": sum(one.cached for one in spent),
        "cache_write_tokens": sum(one.written for one in spent),
        "input_audio_tokens": sum(one.audio_in for one in spent),
        "output_audio_tokens": sum(one.audio_out for one in spent),
    }
    cost = sum(one["cost_usd"] or 0 for one in told(name))
    assert cost == pytest.approx(sum(one.usd for one in spent), abs=1e-12)


@pytest.mark.parametrize("name", REPORTED)
def test_a_reported_cost_is_shown_as_it_is(name):
    assert {one["cost_source"] for one in told(name)} - {None} == {"reported"}
    cost = sum(one["cost_usd"] or 0 for one in told(name))
    assert cost == pytest.approx(REPORTED[name], abs=1e-12)


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_cost_is_unknown(name):
    assert {one["cost_usd"] for one in told(name)} == {None}


@pytest.mark.parametrize("model", PRICES)
def test_the_price_list_still_says_so(model):
    """When it changes, so do the estimates, and this table. One model costs less at night."""
    at = datetime.datetime(2026, 9, 10, 0, 27, tzinfo=datetime.UTC)
    known = calc_price(
        Usage(input_tokens=1, output_tokens=1),
        model_ref=model,
        provider_id=SOLD_BY.get(model),
        genai_request_timestamp=at,
    ).model_price
    names = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")
    listed = [getattr(known, name) for name in names]
    own = [None if one is None else float(getattr(one, "base", one)) for one in listed]
    assert own == [None if one is None else float(one) for one in PRICES[model]]
    if model in AUDIO:
        audio = (known.input_audio_mtok, known.output_audio_mtok)
        assert tuple(map(float, audio)) == AUDIO[model]
