"""DSPy: a person's words and the answer are fields of a signature, told between marks.

Its prompts read `[[ ## question ## ]]`, a value, and what to respond with; its answers likewise.

Source: stanfordnlp/dspy, dspy/adapters/chat_adapter.py.
"""

import re
from dataclasses import replace

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Messages, Part

SCOPE = "opentelemetry.instrumentation.genai.dspy"
FIELD = re.compile(r"\[\[ ## (\w+) ## \]\]\n?")
INSTRUCTION = re.compile(r"(?<!\n)\n+Respond with the corresponding output fields?.*\Z", re.DOTALL)
COMPLETED = "completed"


def unwrap(span: Span, prompt: str) -> str | None:
    """Return the only field of a prompt; of several nobody can tell whose words are which."""
    fields = _fields(INSTRUCTION.sub("", prompt))
    return next(iter(fields.values())) if len(fields) == 1 else None


def outputs(span: Span) -> Messages:
    """Return the only field of an answer as its text."""
    found = messages.read(span.attributes.get("gen_ai.output.messages"), role="assistant")
    return [replace(one, parts=[_plain(part) for part in one.parts]) for one in found]


def _plain(part: Part) -> Part:
    fields = _fields(part["text"]) if part["type"] == "text" else {}
    return {**part, "text": next(iter(fields.values()))} if len(fields) == 1 else part


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a text, by name; none of one that does not begin with a field."""
    if not text.startswith("[[ ## "):
        return {}
    _, *parts = FIELD.split(text)
    named = dict(zip(parts[::2], parts[1::2], strict=False))
    return {name: value.strip() for name, value in named.items() if name != COMPLETED}


FAMILY = Family(
    name="dspy",
    source="stanfordnlp/dspy, adapters/chat_adapter.py",
    marks=("gen_ai.output.messages",),
    scopes=(SCOPE,),
    outputs=outputs,
    unwrap=unwrap,
)
