"""Files beside traces and spans as responses: a browser runs nothing of what they hold."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from otel_threads.core.attachment import Attachment

PLAIN = "application/octet-stream"
# What a browser shows without running anything of it; all else it is told to keep as a file.
_SHOWN = re.compile(r"(image/(png|jpeg|gif|webp)|text/plain|audio/[\w.+-]+|video/[\w.+-]+)")


def file_response(one: Attachment, chunks: Iterator[bytes]) -> Response:
    """Return a file to keep, whatever type its sender said it has."""
    return StreamingResponse(
        chunks,
        media_type=one.media_type if _SHOWN.fullmatch(one.media_type) else PLAIN,
        headers={
            "content-length": str(one.size_bytes),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(one.file_name, '')}",
            "content-security-policy": "default-src 'none'; sandbox",
            "x-content-type-options": "nosniff",
        },
    )
