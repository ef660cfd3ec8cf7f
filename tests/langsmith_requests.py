"""Requests of LangSmith's SDKs: those of recordings, and bodies as their wire has them."""

import datetime
import json
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import zstandard

from otel_threads.vendors.ids import new_uuid
from otel_threads.vendors.langsmith import multipart, records
from otel_threads.vendors.langsmith.records import Known, Sent

RECORDINGS = Path(__file__).parent / "vendors" / "langsmith_recordings"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.jsonl"))
BOUNDARY = "----LangSmithFormBoundaryTests"


def recorded(name: str) -> list[dict]:
    """Return the requests that an SDK sent: method, path, query, body, status."""
    return [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines()]


def recorded_parts(name: str) -> list[list[tuple[str, object]]]:
    """Return the parts of each multipart request of a recording."""
    return [
        [(part, value) for part, value in request["body"]["parts"]]
        for request in recorded(name)
        if request["path"].endswith("/runs/multipart")
    ]


def multipart_body(parts: Iterable[tuple[str, object]], *, style: str = "python") -> bytes:
    """Return a body: `python` has a Content-Length a part, `js` a length in the media type."""
    lines = []
    for name, value in parts:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        media = "application/octet-stream" if isinstance(value, bytes) else "application/json"
        length = f"; length={len(content)}" if style == "js" else ""
        extra = f"Content-Length: {len(content)}\r\n" if style == "python" else ""
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n'
            f"Content-Type: {media}{length}\r\n{extra}\r\n"
        )
        lines.append(head.encode() + content + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def sent_of(parts: Iterable[tuple[str, object]], *, style: str = "python") -> Sent:
    """Return what a multipart request holds, read from its wire bytes."""
    body = multipart_body(parts, style=style)
    found = multipart.parts(body, multipart.boundary_of(CONTENT_TYPE))
    return records.of_multipart(found, Known(), values_max=1_000_000)


def zstd(body: bytes) -> bytes:
    """Return a body as the SDK compresses it: one stream, without its size."""
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return compressor.compress(body) + compressor.flush()


def stamp(when: datetime.datetime) -> str:
    """Return a time as the Python SDK writes it."""
    return when.isoformat(timespec="microseconds")


def a_run(
    thread: str | None = None,
    *,
    project: str = "runs",
    run_id: str | None = None,
    parent: dict | None = None,
    start: datetime.datetime | None = None,
    seconds: float | None = 1.0,
    thread_key: str = "session_id",
    **fields: object,
) -> dict:
    """A complete run as `runs/batch` has it; name only what the test is about.

    `parent` is the run above; `seconds` None leaves it in progress.
    """
    start = start or datetime.datetime.now(datetime.UTC)
    run_id = run_id or new_uuid()
    order = f"{start:%Y%m%dT%H%M%S%f}Z{run_id}"
    metadata = {thread_key: thread} if thread is not None else {}
    made: dict = {
        "id": run_id,
        "trace_id": parent["trace_id"] if parent else run_id,
        "dotted_order": f"{parent['dotted_order']}.{order}" if parent else order,
        "parent_run_id": parent["id"] if parent else None,
        "name": "turn",
        "run_type": "chain",
        "start_time": stamp(start),
        "session_name": project,
        "inputs": {"question": "hi"},
        "outputs": {"output": "ho"},
        "extra": {"metadata": metadata},
        "tags": [],
    }
    if seconds is not None:
        made["end_time"] = stamp(start + datetime.timedelta(seconds=seconds))
    return made | fields


def an_llm_run(parent: dict, thread: str | None, messages: Sequence[dict], answer: str) -> dict:
    """A model request as wrap_openai sends it."""
    start = datetime.datetime.fromisoformat(parent["start_time"])
    usage = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    run = a_run(
        thread,
        project=parent["session_name"],
        parent=parent,
        start=start + datetime.timedelta(milliseconds=10),
        seconds=0.5,
        name="ChatOpenAI",
        run_type="llm",
        inputs={"messages": list(messages), "model": "gpt-4o-mini"},
        outputs={
            "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}}],
            "usage_metadata": usage,
        },
    )
    metadata = {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini"}
    run["extra"]["metadata"] |= metadata
    return run


def new_id() -> str:
    """Return an id of a random version."""
    return str(uuid.uuid4())
