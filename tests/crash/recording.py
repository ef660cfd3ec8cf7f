"""Builds the recorder, runs processes under it, and reads what it wrote (recorder.c)."""

import mmap
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("recorder.c")
MAGIC = 0x50574354
_HEADER = struct.Struct("<II4Q4I")


class Call(IntEnum):
    """`enum call` of recorder.c."""

    CREATE = 1
    WRITE = 2
    TRUNCATE = 3
    PUNCH = 4
    EXTEND = 5
    SYNC = 6
    SYNC_ALL = 7
    RENAME = 8
    LINK = 9
    UNLINK = 10
    MAKE_FOLDER = 11
    REMOVE_FOLDER = 12
    UNSUPPORTED = 13


class UnsupportedCall(Exception):
    """A process changed a file in a way that the recorder does not model; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One call that changed a file or made it durable; `time_ns` is right before the call."""

    call: Call
    time_ns: int
    pid: int
    inode: int
    offset: int  # bytes; of TRUNCATE the new size
    length: int  # bytes
    name: str  # relative to the folder; "" where the call names none
    second: str  # of RENAME and LINK the new name
    data: bytes  # of WRITE


def compiler() -> str | None:
    """Return the C compiler; None where there is none."""
    return shutil.which("cc")


def build(library: Path) -> Path:
    """Compile the recorder; return the library.

    Raises:
        subprocess.CalledProcessError: the compiler refuses it.
    """
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*command, "-o", str(library), str(SOURCE), "-ldl", "-lpthread"], check=True)
    return library


@dataclass(frozen=True, slots=True)
class Recorder:
    """Where a recording goes, and the folder that it is about."""

    library: Path
    folder: Path
    log: Path

    def env(self) -> dict[str, str]:
        """Return the environment of a process that is to be recorded, with all its children."""
        return {
            "LD_PRELOAD": str(self.library),
            "RECORDER_FOLDER": str(self.folder.resolve()),
            "RECORDER_LOG": str(self.log),
            "RECORDER_LOCK": f"{self.log}.lock",
            # Else some processes of Python would write .pyc files under the lock.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def records(self) -> list[Record]:
        """Return what was recorded, in the order in which it took effect.

        Raises:
            UnsupportedCall: the recording does not tell what is in the files.
        """
        if not self.log.exists() or not self.log.stat().st_size:
            return []
        with (
            self.log.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as log,
        ):
            return list(_read(log, f"{self.folder.resolve()}{os.sep}"))


def _read(log: mmap.mmap, prefix: str) -> Iterator[Record]:
    at = 0
    while at < len(log):
        magic, call, time_ns, inode, offset, length, pid, data_bytes, name_bytes, second_bytes = (
            _HEADER.unpack_from(log, at)
        )
        if magic != MAGIC:
            raise UnsupportedCall(f"the recording has no record at byte {at}")
        at += _HEADER.size
        texts = []
        for size in (name_bytes, second_bytes):
            texts.append(log[at : at + size].decode().removeprefix(prefix))
            at += size
        if call == Call.UNSUPPORTED:
            raise UnsupportedCall(texts[0])
        data = log[at : at + data_bytes]
        at += data_bytes
        yield Record(
            call=Call(call),
            time_ns=time_ns,
            pid=pid,
            inode=inode,
            offset=offset,
            length=length,
            name=texts[0],
            second=texts[1],
            data=data,
        )
