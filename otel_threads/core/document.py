"""What an interface of another product keeps as it was given: JSON under an id."""

import datetime
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """JSON text of one kind under an id that the server gave."""

    kind: str
    id: str
    body: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
