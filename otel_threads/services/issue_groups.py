"""Which failures are the same: by error, by tool and the shape of its arguments, by question. Pure.

Numbers, ids, addresses and quoted texts differ from one failure to the next and are left out.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from otel_threads.core.issue import FailedTurn, IssueKind
from otel_threads.evaluate.words import content_words, overlap

TITLE_CHARS_MAX = 200
ALIKE_MIN = 0.6  # share of the words of two questions that both have
QUESTIONS_MAX = 5_000  # each is compared with those that share a word
KEYS_MAX = 20  # of arguments
_VARIABLE = re.compile(
    r"""https?://\S+|"[^"]*"|'[^']*'|`[^`]*`|(?:/[\w.-]+){2,}"""
    r"""|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(?:0x)?[0-9a-f]{8,}\b|\d+(?:[.,:]\d+)*""",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Group:
    """Failures that are the same."""

    project: str
    kind: IssueKind
    signature: str
    title: str
    turns: list[FailedTurn] = field(default_factory=list)

    @property
    def issue_id(self) -> str:
        """What names it in every run: the same failure has the same id."""
        text = orjson.dumps([self.project, self.kind, self.signature])
        return hashlib.blake2b(text, digest_size=8).hexdigest()


def grouped(turns: Sequence[FailedTurn]) -> list[Group]:
    """Return failures by what they have in common, oldest turn first; a turn may be in several.

    Those of different projects have nothing in common.
    """
    by_project: dict[str, list[FailedTurn]] = {}
    for turn in sorted(turns, key=lambda turn: (turn.start_time, turn.thread_id, turn.turn_index)):
        by_project.setdefault(turn.project, []).append(turn)
    return [
        group
        for project, ordered in by_project.items()
        for group in (*_failures(project, ordered), *_questions(project, ordered))
    ]


def _failures(project: str, ordered: Iterable[FailedTurn]) -> Iterable[Group]:
    """Return errors and failed tool calls by what they have in common."""
    groups: dict[tuple[str, str], Group] = {}
    for turn in ordered:
        signatures: list[tuple[IssueKind, str]] = []
        if turn.error_type or turn.error_message:
            signatures.append(("error", error_signature(turn.error_type, turn.error_message)))
        signatures += [
            ("tool", one) for one in dict.fromkeys(map(tool_signature, turn.failed_tools))
        ]
        for kind, signature in signatures:
            new = Group(project, kind, signature, _title(signature))
            groups.setdefault((kind, signature), new).turns.append(turn)
    return groups.values()


def error_signature(kind: str | None, message: str | None) -> str:
    """Return an error without what differs from one time to the next."""
    return ": ".join(part for part in (kind, _constant(message or "")) if part)


def tool_signature(call: str) -> str:
    """Return a failed tool call (JSON) as its name, the shape of its arguments and its error."""
    try:
        found = orjson.loads(call)
    except ValueError:
        found = {}
    if not isinstance(found, dict):
        found = {}
    arguments, error = found.get("arguments"), found.get("error")
    error = error if isinstance(error, dict) else {"message": error}
    reason = error_signature(_text(error.get("type")), _text(error.get("message")))
    return f"{_text(found.get('name')) or 'tool'}({_shape(arguments)}): {reason}"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _shape(arguments: object) -> str:
    if isinstance(arguments, str):
        try:
            arguments = orjson.loads(arguments)
        except ValueError:
            return "text"
    if not isinstance(arguments, Mapping):
        return type(arguments).__name__ if arguments is not None else ""
    keys = sorted(map(str, arguments))[:KEYS_MAX]
    return ", ".join(f"{key}: {type(arguments[key]).__name__}" for key in keys)


def _constant(text: str) -> str:
    return " ".join(_VARIABLE.sub("…", text[: 10 * TITLE_CHARS_MAX]).split())[:TITLE_CHARS_MAX]


def _title(signature: str) -> str:
    return (
        signature if len(signature) <= TITLE_CHARS_MAX else signature[: TITLE_CHARS_MAX - 1] + "…"
    )


def _questions(project: str, ordered: Iterable[FailedTurn]) -> list[Group]:
    """Return questions without an answer or an error, those with like words together."""
    groups: list[Group] = []
    words_of: list[frozenset[str]] = []
    by_word: dict[str, list[int]] = {}
    asked = [
        turn
        for turn in ordered
        if turn.user and not (turn.has_answer or turn.error_type or turn.error_message)
    ]
    for turn in asked[-QUESTIONS_MAX:]:
        words = content_words(turn.user or "")
        if not words:
            continue
        near = {i for word in words for i in by_word.get(word, ())}
        best = max(near, key=lambda i: (overlap(words, words_of[i]), -i), default=None)
        if best is not None and overlap(words, words_of[best]) >= ALIKE_MIN:
            groups[best].turns.append(turn)
            continue
        for word in words:
            by_word.setdefault(word, []).append(len(groups))
        words_of.append(words)
        signature = " ".join(sorted(words))
        title = _title(" ".join((turn.user or "").split()))
        groups.append(Group(project, "unanswered", signature, title, [turn]))
    return groups
