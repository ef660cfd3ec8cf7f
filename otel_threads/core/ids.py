"""Ids that the server makes."""

import secrets
import time
import uuid


def new_uuid7() -> str:
    """Return a new UUID of version 7 as text: ids sort by the time of their making."""
    millis = time.time_ns() // 1_000_000
    high = millis << 16 | 0x7000 | secrets.randbits(12)
    low = 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=high << 64 | low))
