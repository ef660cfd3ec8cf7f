"""A whole conversation, each message once."""

from dataclasses import dataclass

from otel_threads.core.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptMessage(Message):
    """A message and the turn that it belongs to."""

    turn_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A whole conversation, each message once."""

    project: str
    thread_id: str
    messages: list[TranscriptMessage]
