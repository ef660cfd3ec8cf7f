"""What the deriver knows of a span, and how a family of conventions says where it is written.

A `Family` is a table of attribute names and a few readers. Families do not know each other; the
assembly in conventions.py asks them in order, and the first that knows a thing wins.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from otel_threads import json_bounds
from otel_threads.core.model import LogRecord, Span
from otel_threads.core.trace_rows import UsageRow
from otel_threads.core.usage import USAGE
from otel_threads.derive.grown_json import CHARS_MIN, GrownJson
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, ThreadId
from otel_threads.json_repair import whole_letters

Kind = Literal[
    "llm",
    "agent",
    "chain",
    "tool",
    "retriever",
    "embedding",
    "reranker",
    "guardrail",
    "evaluator",
    "prompt",
    "event",
    "other",
]
# What several families call kinds, in lower case.
SPAN_KINDS: Mapping[str, Kind] = {
    "llm": "llm",
    "agent": "agent",
    "chain": "chain",
    "tool": "tool",
    "retriever": "retriever",
    "embedding": "embedding",
    "reranker": "reranker",
    "guardrail": "guardrail",
    "evaluator": "evaluator",
    "prompt": "prompt",
}
Role = Literal["system", "user", "assistant", "tool"]
Part = dict[str, Any]

# Beyond these a sender's number is a mistake, and the sum of many would not fit a column.
COUNT_MAX = 10**12
NUMBER_MAX = 1e12
JSON_DEPTH_MAX = 64  # deeper than any message; bounds the readers' recursion
# Of one attribute: a history of 20,000 messages, a hundred embeddings. Parsed they take 15 MB; 60
# MB of empty objects took 1.4 GB. A text with more stays a text.
JSON_VALUES_MAX = 200_000
# Of what a turn keeps as it was sent: a tool's arguments, its result, a part of unknown type.
KEPT_VALUES_MAX = 2_000


@dataclass(slots=True)
class Message:
    """One message of a conversation.

    `parts` are dictionaries with a `type`: `text` and `reasoning` hold `text`; `tool_call` holds
    `id`, `name`, `arguments`; `tool_result` holds `id`, `name`, `result`; every other type (an
    image, a file) keeps the fields that it came with. One with `is_transcribed` is the sound of
    the text before it.
    """

    role: Role
    parts: list[Part] = field(default_factory=list)
    is_cut: bool = False  # the JSON that tells of it ended within it: more may have come after it

    @property
    def text(self) -> str | None:
        """The words, with `[image]` and the like for what is none; None when there are neither."""
        if len(self.parts) == 1 and self.parts[0]["type"] == "text":  # nearly always
            return self.parts[0]["text"] or None
        pieces = []
        for part in self.parts:
            match part["type"]:
                case "text":
                    pieces.append(part["text"])
                case "reasoning" | "tool_call" | "tool_result" | "compaction":
                    continue
                case _ if part.get("is_transcribed"):  # its words are the text before it
                    continue
                case kind:
                    pieces.append(f"[{kind}]")
        return "\n".join(pieces) if any(pieces) else None

    @property
    def is_text(self) -> bool:
        """Whether it is one text and nothing else."""
        if len(self.parts) != 1:
            return False
        only = self.parts[0]
        return only["type"] == "text" and len(only) == 2 and bool(only["text"])

    @property
    def is_words(self) -> bool:
        """Whether it is one text and nothing else, but for the sound of it."""
        return self.is_text or [
            part["type"] for part in self.parts if not part.get("is_transcribed")
        ] == ["text"]

    def of_type(self, kind: str) -> list[Part]:
        """Return the parts of one type, in order."""
        return [part for part in self.parts if part["type"] == kind]


@dataclass(slots=True)
class Usage:
    """Tokens of one call; None is unknown and never 0. Input includes cached, output reasoning."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None

    def __bool__(self) -> bool:
        return self.input_tokens is not None or self.output_tokens is not None

    def completed(self, other: "Usage") -> "Usage":
        """Return these numbers, and the other's where these are unknown."""
        pairs = zip(_COUNTS(self), _COUNTS(other), strict=True)
        return Usage(*(mine if mine is not None else theirs for mine, theirs in pairs))

    def include_all(self) -> None:
        """Make input include cached tokens and output reasoning, where a sender counts them apart.

        So they are counted everywhere here (docs/conventions.md, "Usage and cost"). Anthropic's API
        and some who pass its numbers on count cached input apart: it is less than its cached part
        then. Gemini counts thoughts apart: only with them input and output make the total.
        """
        if self.input_tokens is None or self.output_tokens is None:
            return
        cached = (self.cache_read_tokens or 0) + (self.cache_write_tokens or 0)
        if self.input_tokens < cached:
            if self.total_tokens == self.input_tokens + self.output_tokens:
                self.total_tokens += cached
            self.input_tokens += cached
        apart = self.reasoning_tokens
        if apart and self.total_tokens == self.input_tokens + self.output_tokens + apart:
            self.output_tokens += apart

    @classmethod
    def of(cls, row: UsageRow) -> "Usage":
        """Return what a row counts."""
        return cls(*_COLUMNS(row))

    def put(self, row: UsageRow) -> None:
        """Write the numbers on a row."""
        row["input_tokens"] = self.input_tokens
        row["output_tokens"] = self.output_tokens
        row["total_tokens"] = self.total_tokens
        row["cache_read_tokens"] = self.cache_read_tokens
        row["cache_write_tokens"] = self.cache_write_tokens
        row["reasoning_tokens"] = self.reasoning_tokens
        row["input_audio_tokens"] = self.input_audio_tokens
        row["output_audio_tokens"] = self.output_audio_tokens

    def counts(self) -> UsageRow:
        """Return the numbers by their names in `USAGE`."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "input_audio_tokens": self.input_audio_tokens,
            "output_audio_tokens": self.output_audio_tokens,
        }


UNKNOWN = Usage()  # of all that counts nothing; never changed
_COUNTS = operator.attrgetter(*USAGE)
_COLUMNS = operator.itemgetter(*USAGE)


def total(usages: Iterable[Usage]) -> Usage:
    """Return the sum of some; what none of them knows stays unknown."""
    columns = zip(*map(_COUNTS, usages), strict=True)
    known = ([count for count in column if count is not None] for column in columns)
    return Usage(*(sum(counts) if counts else None for counts in known))


Messages = list[Message]
Reader = Callable[[Span], Messages]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All that is known of one family of conventions, in one file of families/.

    `name` is the family's, `source` where its conventions are written down.

    What a span is and says. `kind` tells what a span is, None when this family does not say.
    `names` maps a fact (see FACTS) to the attributes that hold it, the newest first;
    `resource_environments` are attributes of the resource that name the environment,
    `resource_projects` and `span_projects` attributes of resources and of spans that name the
    project, `project_headers` headers of an exporter that do. `inputs`, `outputs` and `system` read
    the messages of a model request; `usage` reads tokens that no single attribute holds; `values`
    computes facts that need more than a look-up. `marks` are beginnings of attribute names: on a
    span with none of them `values`, `inputs`, `outputs`, `system` and `usage` find nothing and are
    not asked; no marks: always asked. `kind_marks` are the same for `kind`, and `scopes` are
    beginnings of scopes' names for all six.

    Which conversation, and who said what. `thread_ids` may hold the conversation's id;
    `not_thread_ids` look as if, and are none: attribute → why. `user_texts` and `assistant_texts`
    are attributes of outer spans with plain words. `unwrap` returns a person's words out of a
    prompt that the family puts around them, None where it does not. `shown_inputs` and
    `shown_outputs` are what the page shows of a span as its input and output; a name that ends
    with a dot begins attributes that hold them in parts.

    Details. `final_tools` are tools whose arguments are the answer. `first_token_events` are span
    events that say when the first token came. `metadata_prefixes` begin attributes that are a
    thread's metadata, `metadata_bags` are attributes with JSON of many. `metadata_noise` and
    `tag_noise` begin keys and tags that a framework adds of its own. `elided` stands in place of
    words that were not captured; `scrubbed` begins what stands in place of any value. `log_events`
    are names of events whose log records the family reads, a trailing `*` for any ending: these are
    kept, and those of others that have messages. `record` returns the attributes that a record adds
    to its span. `alone_events` are events whose records, where they have no trace, are spans of
    their own, each with the attributes that may hold the conversation's id; `turn_events` begin a
    turn there. Where a request is told in several of them, `asking_events` come first and
    `answer_events` last: the last is the request, and the others are its log records. `fetches`
    says whether a request only fetches an answer that was asked for before. `libraries` is what
    people write to get ids and texts.

    Readers never raise for what a sender may write, and return nothing where they find nothing.
    """

    name: str
    source: str
    marks: tuple[str, ...] = ()
    kind_marks: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    kind: Callable[[Span], Kind | None] | None = None
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    resource_environments: tuple[str, ...] = ()
    resource_projects: tuple[str, ...] = ()
    span_projects: tuple[str, ...] = ()
    project_headers: tuple[str, ...] = ()
    inputs: Reader | None = None
    outputs: Reader | None = None
    system: Callable[[Span], str | None] | None = None
    usage: Callable[[Span], Usage | None] | None = None
    values: Callable[[Span], Mapping[str, Any]] | None = None
    thread_ids: tuple[ThreadId, ...] = ()
    not_thread_ids: Mapping[str, str] = field(default_factory=dict)
    user_texts: tuple[Text, ...] = ()
    assistant_texts: tuple[Text, ...] = ()
    shown_inputs: tuple[Text, ...] = ()
    shown_outputs: tuple[Text, ...] = ()
    unwrap: Callable[[Span, str], str | None] | None = None
    final_tools: tuple[str, ...] = ()
    first_token_events: tuple[str, ...] = ()
    metadata_prefixes: tuple[str, ...] = ()
    metadata_bags: tuple[str, ...] = ()
    metadata_noise: tuple[str, ...] = ()
    tag_noise: tuple[str, ...] = ()
    elided: tuple[str, ...] = ()
    scrubbed: tuple[str, ...] = ()
    log_events: tuple[str, ...] = ()
    record: Callable[[LogRecord], Mapping[str, Any]] | None = None
    alone_events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    turn_events: tuple[str, ...] = ()
    asking_events: tuple[str, ...] = ()
    answer_events: tuple[str, ...] = ()
    fetches: Callable[[Span], bool] | None = None
    libraries: tuple[Library, ...] = ()


NAME_LENGTH_MAX = 1000  # of a model, a user, a tool and the like

# The facts that `Family.names` may name, and how a value is read.
FACTS: Mapping[str, str] = {
    "request_model": "name",
    "response_model": "name",
    "provider": "name",
    "response_id": "name",
    "request_id": "name",
    "previous_response_id": "name",  # of the answer that a request goes on from
    "finish_reasons": "texts",
    "input_tokens": "count",
    "output_tokens": "count",
    "total_tokens": "count",
    "cache_read_tokens": "count",
    "cache_write_tokens": "count",
    "reasoning_tokens": "count",
    "input_audio_tokens": "count",
    "output_audio_tokens": "count",
    "cost_usd": "number",
    "ttft_s": "number",
    "ttft_ms": "number",
    "first_token_at": "text",  # in ISO 8601
    "tool_name": "name",
    "tool_call_id": "name",
    "tool_arguments": "any",
    "tool_result": "any",
    "span_input": "any",  # a tool's arguments where it tells no others
    "span_output": "any",  # a tool's result likewise
    "user_id": "name",
    "environment": "name",
    "tags": "texts",
    "error_type": "name",
    "error_message": "text",
    "agent_name": "name",
    "metadata": "any",  # of a thread, as an object
    "turn_user": "text",  # where a span tells a whole turn, whatever runs below it
    "turn_assistant": "text",
}
TELLS_TURN = "tells_turn"  # a fact of its own: such a span is a turn, and is not analysed
# Likewise: a request that the program makes for itself, such as a title of the conversation. It
# costs, and tells neither what was asked nor answered, nor that the turn failed.
IS_ASIDE = "is_aside"


@dataclass(frozen=True, slots=True)
class KindBy:
    """A `Family.kind` that looks one attribute's lower-case value up."""

    attribute: str
    kinds: Mapping[str, Kind]

    def __call__(self, span: Span) -> Kind | None:
        """Return the kind of a span; None when it lacks the attribute, or has another value."""
        value = span.attributes.get(self.attribute)
        return self.kinds.get(value.strip('"').lower()) if isinstance(value, str) else None


def name(value: Any) -> str | None:
    """Return a text as `text` does; of one that is too long for a name, the beginning."""
    found = text(value)
    return found[:NAME_LENGTH_MAX] if found else None


def text(value: Any) -> str | None:
    """Return a non-empty string, without the quotes of a JSON-quoted one; else None."""
    if not isinstance(value, str):
        return None
    if len(value) >= 2 and value[0] == value[-1] == '"':
        unquoted = parse(value)
        if isinstance(unquoted, str):
            value = unquoted
    return value if value.strip() else None


def count(value: Any) -> int | None:
    """Return a count, reading `"12"` and `12.0` as 12; None for anything else."""
    if type(value) is int:  # nearly always
        return value if 0 <= value <= COUNT_MAX else None
    match value:
        case float() if 0 <= value <= COUNT_MAX and value.is_integer():
            return int(value)
        case str() if value.isascii() and value.isdecimal() and len(value) <= 12:
            return int(value)
        case _:
            return None


def number(value: Any) -> float | None:
    """Return a finite number that is not negative; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and 0 <= found <= NUMBER_MAX else None


def texts(value: Any) -> list[str]:
    """Return the strings of a list, of a JSON list, or of one comma-separated string."""
    if isinstance(value, str):
        parsed = parse(value)
        value = parsed if isinstance(parsed, list) else value.split(",")
    if not isinstance(value, list):
        return []
    return [item.strip() for item in value if isinstance(item, str) and item.strip()]


def kept(value: Any) -> Any:
    """Return a parsed value as a turn keeps it: as its JSON text when it has too many values."""
    if not isinstance(value, dict | list):
        return value
    count = 0
    stack = [value]
    while stack:
        inner = stack.pop()
        count += len(inner)
        if count > KEPT_VALUES_MAX:
            return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        items = inner.values() if isinstance(inner, dict) else inner
        stack.extend(item for item in items if isinstance(item, dict | list))
    return value


_OPENING = frozenset({"{", "[", '"'})
_GROWN = GrownJson(JSON_VALUES_MAX)


def parse(value: Any) -> Any:
    """Return what a JSON text holds, unwrapped twice at most; the value itself if it is none.

    A text that does not parse (cut by a length limit, a Python repr) stays the text that it is, and
    so does one of more than JSON_VALUES_MAX values. Nobody may change what comes back: another text
    may hold it, too.
    """
    for _ in range(2):
        if not isinstance(value, str):
            return value
        first = value[:1]
        if first.isspace():
            first = value.lstrip()[:1]
        if first not in _OPENING:
            return value
        if len(value) >= CHARS_MIN and first != '"':
            return _GROWN.parse(value, _loaded)
        text = value
        value = _loaded(text)
        if value is text:
            return value
    return value


def parsed_values() -> int:
    """Return at most how many values `parse` has made of long texts since the process began."""
    return _GROWN.value_count


def _loaded(text: str) -> Any:
    """Return what a JSON text holds; the text itself where it is none, or holds too much."""
    if json_bounds.holds_more(text, JSON_VALUES_MAX):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _with_half_an_emoji(text)


def _with_half_an_emoji(text: str) -> Any:
    """Return what a JSON text holds whose only fault is half of a surrogate pair, else the text."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    try:
        return orjson.loads(whole_letters(text))
    except orjson.JSONDecodeError:
        return text


READERS: Mapping[str, Callable[[Any], Any]] = {
    "name": name,
    "text": text,
    "texts": lambda value: texts(value) or None,
    "count": count,
    "number": number,
    "any": lambda value: value,
}
