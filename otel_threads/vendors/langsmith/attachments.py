"""Files of runs: kept beside the run, named in reads with an address that its holder may download.

The SDK downloads without its key, so the address carries a signature that is good for an hour, also
after a start: its key is in the database.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from otel_threads.core.attachment import Attachment, AttachmentTarget, NewAttachment
from otel_threads.core.errors import InvalidQuery, NotFound, TooLarge
from otel_threads.services.workspace import WorkspaceService
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.files import PLAIN, file_response
from otel_threads.vendors.ids import trace_id_of, uuid_text
from otel_threads.vendors.langsmith.records import DEFAULT_PROJECT, Sent
from otel_threads.vendors.langsmith.runs import Run

GOOD_FOR_S = 3600
FILES_MAX = 1000  # of one request


class Attachments:
    """The files of the runs of one server."""

    def __init__(self, workspace: WorkspaceService) -> None:
        self._workspace = workspace
        self._key: bytes | None = None

    def routes(self) -> tuple[Route, ...]:
        """Return the routes, as `Vendor.routes`."""
        path = "/runs/{run_id}/attachments/{name}"
        return (Route("GET", path, Right.OPEN, self._download),)

    def keep(self, sent: Sent) -> None:
        """Store the files of a request; one that cannot be kept is named among the faults."""
        runs = {one.record_id: one for one in sent.records}
        files = []
        for one in sent.attachments[:FILES_MAX]:
            run = runs.get(one.run_id)
            trace = run.trace_record_id if run else None
            target = AttachmentTarget(
                project=(run.project if run else None) or DEFAULT_PROJECT,
                entity="span",
                entity_id=one.run_id,
            )
            given = NewAttachment(
                target=target,
                file_name=one.name,
                media_type=one.media_type or PLAIN,
                trace_id=trace_id_of(trace) if trace else None,
                data=one.content,
            )
            try:
                self._workspace.check_attachment(given)
                files.append(given)
            except InvalidQuery as error:
                sent.add_fault(f"attachment of run {one.run_id}: {error}")
        if len(sent.attachments) > FILES_MAX:
            sent.add_fault(f"a request may have {FILES_MAX} attachments")
        if files:
            try:
                self._workspace.put_attachments(files)
            except TooLarge as error:
                sent.add_fault(f"attachments: {error}")

    def of_v1(self, run: Run, base_url: str) -> Mapping[str, Any] | None:
        """Return a run's files as `s3_urls`; None for none."""
        found = {
            f"attachment.{one.file_name}": {
                "presigned_url": self._url(run, one, base_url),
                "mime_type": one.media_type,
            }
            for one in run.around.attachments
        }
        return found or None

    def of_v2(self, run: Run, base_url: str) -> Mapping[str, str]:
        """Return the addresses of a run's files by their names."""
        return {one.file_name: self._url(run, one, base_url) for one in run.around.attachments}

    def _url(self, run: Run, one: Attachment, base_url: str) -> str:
        expires = int(time.time()) + GOOD_FOR_S
        signature = self._signature(run.id, one.file_name, expires)
        name = quote(one.file_name, "")
        path = f"{base_url}/runs/{run.id}/attachments/{name}"
        return f"{path}?expires={expires}&signature={signature}"

    def _signature(self, run_id: str, name: str, expires: int) -> str:
        told = f"{run_id}\0{expires}\0{name}".encode("utf-8", "surrogatepass")
        if self._key is None:
            self._key = self._workspace.link_key()
        return hmac.new(self._key, told, hashlib.sha256).hexdigest()

    def _download(self, call: Call) -> Response:
        run_id, name = uuid_text(call.params["run_id"]), call.params["name"]
        expires = call.query.get("expires", "")
        if run_id is None or not self._is_signed(run_id, name, expires, call):
            raise NotFound(
                "no such attachment, or its address is no longer good: read the run again"
            )
        for one in self._workspace.attachments(entity="span", entity_id=run_id):
            if one.file_name == name:
                return file_response(one, self._workspace.attachment_data(one))
        raise NotFound("no such attachment")

    def _is_signed(self, run_id: str, name: str, expires: str, call: Call) -> bool:
        if not (expires.isascii() and expires.isdecimal() and len(expires) < 15):
            return False
        given = call.query.get("signature", "").encode("utf-8", "replace")
        wanted = self._signature(run_id, name, int(expires)).encode()
        return hmac.compare_digest(given, wanted) and int(expires) >= time.time()
