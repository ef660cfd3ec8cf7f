"""Sends the items of export files to a server, batch by batch, and remembers where it is.

What was sent twice is stored once, so that an import may be interrupted anywhere and run again.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from otel_threads.importing import export_files
from otel_threads.importing.export_files import ReadItem
from otel_threads.vendors.exported import ExportCall, Item, NotImportable, ReadExport

BATCH_ITEMS = 100
BATCH_BYTES = 8 << 20
TRIES_MAX = 8
FAULTS_MAX = 20  # that are shown of one import


class ImportFailed(RuntimeError):
    """The server did not take a batch; the message says why. What was sent before is stored."""


class _Refused(RuntimeError):
    """The server will never take what it was sent."""


@dataclass(slots=True)
class Imported:
    """What came of an import."""

    item_count: int = 0
    left_out_count: int = 0
    faults: list[str] = field(default_factory=list)

    def add_fault(self, text: str) -> None:
        """Count an item that was left out."""
        self.left_out_count += 1
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(text)


class Importer:
    """Imports files through one client of a server."""

    def __init__(
        self,
        http: httpx.Client,
        read: ReadExport,
        *,
        project: str | None,
        on_progress: Callable[[Path, int], object] = lambda file, place: None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._http = http
        self._read = read
        self._project = project
        self._on_progress = on_progress
        self._pause = pause

    def run(self, file: Path) -> Imported:
        """Import a file from where an earlier import of it stopped; return what came of it.

        Raises:
            ImportFailed: the server did not take a batch. UnreadableFile: the file is none.
        """
        found = Imported()
        marker = Marker(file)
        batch: list[ReadItem] = []
        size_bytes = 0
        for one in export_files.items(file, after=marker.place()):
            if one.item is None:
                found.add_fault(one.fault or f"{one.number} cannot be read")
                continue
            batch.append(one)
            size_bytes += len(str(one.item))
            if len(batch) >= BATCH_ITEMS or size_bytes >= BATCH_BYTES:
                self._send(batch, found)
                marker.move(batch[-1].place)
                self._on_progress(file, batch[-1].place)
                batch, size_bytes = [], 0
        self._send(batch, found)
        marker.delete()
        self._on_progress(file, export_files.size(file))
        return found

    def _send(self, batch: list[ReadItem], found: Imported) -> None:
        """Send items; where a server refuses them together, each alone: a bad one fails alone."""
        good: list[ReadItem] = []
        for one in batch:
            try:
                list(self._read([one.item or {}], self._project))
            except NotImportable as error:
                found.add_fault(f"{one.number}: {error}")
            else:
                good.append(one)
        try:
            self._call_all(good)
        except _Refused as error:
            if len(good) == 1:
                found.add_fault(f"{good[0].number}: {error}")
            else:
                for one in good:
                    self._send([one], found)
        else:
            found.item_count += len(good)

    def _call_all(self, some: Sequence[ReadItem]) -> None:
        items: list[Item] = [one.item or {} for one in some]
        for call in self._read(items, self._project) if items else ():
            self._call(call)

    def _call(self, call: ExportCall) -> None:
        body = json.dumps(call.body, ensure_ascii=False, default=str).encode("utf-8", "replace")
        for attempt in range(TRIES_MAX):
            wait_s = min(2.0**attempt / 4, 10.0)
            try:
                answer = self._http.request(
                    call.method,
                    call.path,
                    content=body,
                    headers={"content-type": "application/json"},
                )
            except httpx.HTTPError as error:
                failed = f"{type(error).__name__}: {error}"
            else:
                if answer.is_success:
                    return
                failed = f"{answer.status_code}: {answer.text[:300]}"
                if answer.status_code in (400, 404, 409, 413, 422):
                    raise _Refused(failed)
                if answer.status_code not in (429, 503):
                    break
            self._pause(wait_s)
        raise ImportFailed(f"{call.method} {call.path} failed: {failed}")


class Marker:
    """Remembers beside a file where its import is, as long as the file stays as it is."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._beside = file.with_name(f"{file.name}.importing")
        told = file.stat()
        self._version = [told.st_size, told.st_mtime_ns]

    def place(self) -> int:
        """Return where to go on, 0 for the beginning."""
        try:
            told: Any = json.loads(self._beside.read_text())
            if told["file"] == self._version and isinstance(told["place"], int):
                return int(told["place"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0

    def move(self, place: int) -> None:
        """Remember a place. Where nothing can be written beside the file, nothing is remembered."""
        partial = self._beside.with_name(f"{self._beside.name}.partial")
        try:
            partial.write_text(json.dumps({"file": self._version, "place": place}))
            partial.replace(self._beside)
        except OSError:
            return

    def delete(self) -> None:
        """Forget it: all of the file is in."""
        try:
            self._beside.unlink(missing_ok=True)
        except OSError:
            return
