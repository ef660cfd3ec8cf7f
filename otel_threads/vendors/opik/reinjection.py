"""Puts files back where the SDK took them out of an input, an output or metadata.

The SDK sends the base64 of a file by itself and leaves `[input-attachment-1-2-sdk.png]` in its
place. Who reads an item whole gets it as the program wrote it.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence

import orjson

from otel_threads.core.attachment import Attachment, Entity
from otel_threads.services.workspace import WorkspaceService
from otel_threads.vendors.opik.record_fields import Body

FIELDS = ("input", "output", "metadata")
FILES_BYTES_MAX = 64 << 20  # put into items that are shown together; what is beyond stays outside
# What follows a prefix was taken out without it.
_PLACE = re.compile(
    rb"(?P<prefix>base64,)?\[(?P<name>(?:input|output|metadata)-attachment-[\w.+-]{1,200})\]"
)
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)


class Reinjection:
    """Puts the files of one workspace back."""

    def __init__(self, workspace: WorkspaceService) -> None:
        self._workspace = workspace

    def into(self, entity: Entity, items: Sequence[Body]) -> list[Body]:
        """Return items of the shape that `shapes` makes, with their files in them."""
        places = {one["id"] for one in items if any(_PLACE.search(t) for t in _texts(one))}
        if not places:
            return list(items)
        files: dict[str, list[Attachment]] = {}
        for one in self._workspace.attachments_of(entity, sorted(places)):
            files.setdefault(one.entity_id, []).append(one)
        filling = _Filling(self._workspace)
        return [filling.whole(one, files.get(one["id"], ())) for one in items]


class _Filling:
    """Fills items that are shown together, up to FILES_BYTES_MAX of files."""

    def __init__(self, workspace: WorkspaceService) -> None:
        self._workspace = workspace
        self._left = FILES_BYTES_MAX

    def whole(self, item: Body, files: Iterable[Attachment]) -> Body:
        """Return an item with its files in it."""
        by_name = {one.file_name.encode(): one for one in files}
        if not by_name:
            return item
        filled = {
            name: orjson.Fragment(
                _PLACE.sub(lambda match: self._content(match, by_name), orjson.dumps(item[name]))
            )
            for name in FIELDS
            if item.get(name) is not None
        }
        return {**item, **filled}

    def _content(self, match: re.Match[bytes], by_name: Mapping[bytes, Attachment]) -> bytes:
        one = by_name.get(match["name"])
        if one is None or one.size_bytes > self._left:
            return match[0]
        self._left -= one.size_bytes
        data = base64.b64encode(b"".join(self._workspace.attachment_data(one)))
        prefix = match["prefix"] or b"data:%b;base64," % _media_type(one)
        return bytes(prefix) + data


def _texts(item: Body) -> Iterable[bytes]:
    return (orjson.dumps(item[name]) for name in FIELDS if item.get(name) is not None)


def _media_type(one: Attachment) -> bytes:
    """Return a file's type as it may stand within a JSON text."""
    known = _MEDIA_TYPE.fullmatch(one.media_type)
    return one.media_type.encode() if known else b"application/octet-stream"
