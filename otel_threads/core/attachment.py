"""A file beside a trace or a span."""

import datetime
from dataclasses import dataclass
from typing import Literal

Entity = Literal["trace", "span"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentTarget:
    """What a file is beside: `entity_id` is the UUID of a trace or a span."""

    project: str
    entity: Entity
    entity_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(AttachmentTarget):
    """A file that is stored. The server gave it its id; `media_type` is what its sender said."""

    id: str
    trace_id: str | None
    file_name: str
    media_type: str
    size_bytes: int
    created_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    """A file to store; `trace_id` None for a span's whose trace is found later."""

    target: AttachmentTarget
    file_name: str
    media_type: str
    trace_id: str | None
    data: bytes
