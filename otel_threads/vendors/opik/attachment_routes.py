"""Opik's calls about files beside traces and spans: upload, list, download, delete."""

import base64
import re
from typing import get_args
from urllib.parse import quote, urlencode

from starlette.responses import Response

from otel_threads.core.attachment import Attachment, AttachmentTarget, Entity, NewAttachment
from otel_threads.vendors import ids
from otel_threads.vendors.call import Answered, Call, Right, Route
from otel_threads.vendors.files import PLAIN, file_response
from otel_threads.vendors.opik import errors, requests
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.projects import DEFAULT
from otel_threads.vendors.opik.record_fields import Body, Given

UPLOAD = "/v1/private/attachment/upload"
DOWNLOAD = "/v1/private/attachment/download"
# The upload id by which the SDK sends the whole file to the first address, and says no more.
DIRECT = "BEMinIO"
_BASE_URL = re.compile(r"https?://[\w.:\[\]-]+(/[\w./~-]*)?")


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls."""
    calls = _AttachmentCalls(door)
    base = "/v1/private/attachment"
    return (
        Route("POST", f"{base}/upload-start", Right.INGEST, calls.start),
        Route("PUT", UPLOAD, Right.INGEST, calls.upload, is_json=False),
        Route("POST", f"{base}/upload-complete", Right.INGEST, calls.complete),
        Route("GET", f"{base}/list", Right.READ, calls.list),
        Route("GET", DOWNLOAD, Right.READ, calls.download),
        Route("POST", f"{base}/delete", Right.WRITE, calls.delete),
    )


class _AttachmentCalls:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._workspace = door.services.workspace

    def start(self, call: Call) -> Response:
        """Say where a file is sent."""
        body = requests.body_of(call)
        target = self._target(body)
        query = {
            "file_name": requests.needed(body, "file_name"),
            "entity_type": target.entity,
            "entity_id": target.entity_id,
            "project_name": target.project,
            "mime_type": requests.text_of(body, "mime_type") or PLAIN,
        }
        link = f"{_base_url(body, call)}{UPLOAD}?{urlencode(query, quote_via=quote)}"
        return requests.json_response({"upload_id": DIRECT, "pre_sign_urls": [link]})

    def upload(self, call: Call) -> Response:
        """Store a file, in place of the one of its name."""
        target = self._target(call.query)
        trace_id = ids.trace_id_of(target.entity_id) if target.entity == "trace" else None
        self._workspace.put_attachments(
            [
                NewAttachment(
                    target=target,
                    file_name=requests.needed(call.query, "file_name"),
                    media_type=requests.text_of(call.query, "mime_type") or PLAIN,
                    trace_id=trace_id,
                    data=call.body,
                )
            ]
        )
        return requests.no_content()

    def complete(self, _: Call) -> Response:
        """Take note that all parts of a file were sent: here it is whole already."""
        return requests.no_content()

    def list(self, call: Call) -> Response:
        """List the files beside a trace or a span."""
        number, size = requests.paging({"size": "100", **call.query})
        entity, entity_id = _entity(call.query), _entity_id(call.query)
        found = self._workspace.attachments(
            entity=entity, entity_id=entity_id, project=self._door.projects.named(call.query)
        )
        base = _base_url(call.query, call)
        content = [_shown(one, base) for one in found]
        start = (number - 1) * size
        return requests.page(number, content[start : start + size], len(content), ())

    def download(self, call: Call) -> Response:
        """Return what a file holds, so that a browser runs nothing of it."""
        name = requests.needed(call.query, "file_name")
        found = self._workspace.attachments(
            entity=_entity(call.query), entity_id=_entity_id(call.query)
        )
        media_type = requests.text_of(call.query, "mime_type")
        one = next(
            (a for a in found if a.file_name == name and media_type in (None, a.media_type)), None
        )
        if one is None:
            raise Answered(errors.refusal(404, "Attachment not found"))
        return file_response(one, self._workspace.attachment_data(one))

    def delete(self, call: Call) -> Response:
        """Delete a file, or several."""
        body = requests.body_of(call)
        names = body.get("file_names") or body.get("file_name")
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise errors.unprocessable("file_name must not be blank")
        self._workspace.delete_attachments(self._target(body), names)
        return requests.no_content()

    def _target(self, given: Given) -> AttachmentTarget:
        return AttachmentTarget(
            project=self._door.projects.named(given) or DEFAULT,
            entity=_entity(given),
            entity_id=_entity_id(given),
        )


def _entity(given: Given) -> Entity:
    found = requests.needed(given, "entity_type")
    for entity in get_args(Entity):
        if entity == found:
            return entity  # type: ignore[no-any-return]
    raise errors.unprocessable("entity_type must be trace or span")


def _entity_id(given: Given) -> str:
    text = requests.needed(given, "entity_id")
    found = ids.uuid_text(text)
    if found is None:
        raise Answered(errors.refusal(400, f"entity_id '{text[:60]}' is no UUID"))
    return found


def _base_url(given: Given, call: Call) -> str:
    """Return the address that the caller has of us, which it tells in base64."""
    text = requests.text_of(given, "path")
    if text:
        try:
            told = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
        except ValueError:
            told = ""
        if _BASE_URL.fullmatch(told):
            return told.rstrip("/")
    return call.base_url


def _shown(one: Attachment, base: str) -> Body:
    query = {
        "container_id": ids.project_uuid_of(one.project),
        "entity_type": one.entity,
        "entity_id": one.entity_id,
        "file_name": one.file_name,
        "mime_type": one.media_type,
    }
    return {
        "link": f"{base}{DOWNLOAD}?{urlencode(query, quote_via=quote)}",
        "file_name": one.file_name,
        "file_size": one.size_bytes,
        "mime_type": one.media_type,
    }
