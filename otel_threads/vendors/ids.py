"""UUIDs, which SDKs have as ids, and OTLP's ids, projects and threads, each made of the other.

All of it is a pure function of its input, so that an id is the same after a rebuild, and in
whatever order things came.
"""

import hashlib
import re
import secrets
import time
import uuid

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid_text(value: object) -> str | None:
    """Return a UUID as text in lower case, with dashes; None for what is none, or all zero."""
    if not isinstance(value, str) or len(value) > 45:
        return None
    text = value.strip().lower()
    if not _UUID.fullmatch(text):
        try:
            text = str(uuid.UUID(text))
        except ValueError:
            return None
    return None if text == "00000000-0000-0000-0000-000000000000" else text


def trace_id_of(trace_uuid: str) -> str:
    """Return the trace id, 32 hex digits, of a trace's UUID."""
    return trace_uuid.replace("-", "")


def trace_uuid_of(trace_id: str) -> str:
    """Return the UUID of a trace id; the opposite of `trace_id_of`."""
    return _dashed(trace_id)


def span_id_of(span_uuid: str, trace_uuid: str) -> str:
    """Return the span id, 16 hex digits, of a record in a trace: the low half of its UUID.

    The span of the trace itself has its trace's UUID. Another one with the same low half, or one
    that is all zero, has a hash of the whole UUID.
    """
    low = span_uuid.replace("-", "")[16:]
    clashes = span_uuid != trace_uuid and low == trace_uuid.replace("-", "")[16:]
    if clashes or low == "0" * 16:
        return hashlib.blake2b(span_uuid.encode(), digest_size=8).hexdigest()
    return low


def span_uuid_of(span_id: str) -> str:
    """Return the UUID that a span of OTLP has: its id after zeros."""
    return _dashed("0" * 16 + span_id)


def span_id_of_uuid(span_uuid: str) -> str:
    """Return the span id of a UUID alone, whose trace is not known."""
    return span_uuid.replace("-", "")[16:]


def project_uuid_of(project: str) -> str:
    """Return the UUID of a project's name; the way back is to compare the known names."""
    return _hashed("project", project)


def thread_uuid_of(project: str, thread_id: str) -> str:
    """Return the UUID of a thread (Opik's thread_model_id), whatever traces it has."""
    return _hashed("thread", project, thread_id)


def thread_digest_of(thread_uuid: str) -> str:
    """Return the hex digits 1 to 12 and 19 to 32 of a thread's UUID.

    They are those of the hash of its name; the others hold the UUID's version and variant.
    """
    digits = thread_uuid.replace("-", "")
    return digits[:12] + digits[18:]


def new_uuid() -> str:
    """Return a new UUID of version 7, which sorts by time."""
    millis = time.time_ns() // 1_000_000
    high = millis << 16 | 0x7000 | secrets.randbits(12)
    low = 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=high << 64 | low))


def uuid7_unix_nano(text: str) -> int | None:
    """Return when a UUID of version 7 was made, to the millisecond; None for other versions."""
    if text[14:15] != "7":
        return None
    return int(text[:8] + text[9:13], 16) * 1_000_000


def _hashed(*parts: str) -> str:
    whole = b"\0".join(part.encode("utf-8", "surrogatepass") for part in parts)
    # SHA-256, because SQL has it: a thread is found by its UUID where nothing but its name is kept.
    return str(uuid.UUID(bytes=hashlib.sha256(whole).digest()[:16], version=5))


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
