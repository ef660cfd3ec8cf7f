"""What a disk may hold after a power cut, by the records of what was written and what was synced.

Two file systems are modelled. STRICT promises what POSIX does: fsync of a file makes its data durable,
fsync of a folder makes the names in it durable, and nothing else is durable or ordered. ORDERED is
like ext4, XFS and btrfs: names become durable in their order, and every fsync makes all earlier names durable.
In both, what was not synced may be on the disk wholly, partly or not at all.

The approach and its terms are those of Pillai et al., All File Systems Are Not Created Equal (OSDI
2014). Not modelled: sectors that change by themselves, and disks that ignore a flush.
"""

import dataclasses
import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from recording import Call, Record

SECTORS_BYTES = (512, 4096)  # what disks write as one: older ones, newer ones
NAME_CALLS = frozenset(
    {Call.CREATE, Call.RENAME, Call.LINK, Call.UNLINK, Call.MAKE_FOLDER, Call.REMOVE_FOLDER}
)


class FileSystem(Enum):
    """What an fsync promises."""

    STRICT = "strict"
    ORDERED = "ordered"


@dataclass(slots=True)
class _File:
    """One inode: what is durable of it, and what was done to it since its last fsync."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Record] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Name:
    """A change of a folder that is not durable yet."""

    record: Record
    file: _File | None  # None: it is about a folder


@dataclass(frozen=True, slots=True)
class State:
    """Files by name as a power cut may leave them, and how that came."""

    kind: str
    files: dict[str, bytes]
    folders: frozenset[str]

    def digest(self) -> bytes:
        """Return the same for the same files."""
        found = hashlib.blake2b(digest_size=16)
        for name, content in sorted(self.files.items()):
            found.update(f"{name}\0{len(content)}\0".encode())
            found.update(content)
        return found.digest()

    def write(self, folder: Path) -> None:
        """Make the files below an empty folder."""
        for name in sorted(self.folders):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


class Disk:
    """Follows records one by one; at any of them, states can be drawn."""

    def __init__(self, file_system: FileSystem, start: Path | None = None) -> None:
        """`start` is a folder whose files were all durable before the recording began."""
        self._file_system = file_system
        self._by_inode: dict[int, _File] = {}
        self._names: dict[str, _File] = {}  # durable ones
        self._folders: set[str] = set()  # durable ones
        self._folder_inodes: dict[int, str] = {}
        self._pending: list[_Name] = []
        self._root_known = False
        if start is not None:
            self._begin_with(start)

    def _begin_with(self, start: Path) -> None:
        self.root_is(start.stat().st_ino)
        for path in start.rglob("*"):
            name = str(path.relative_to(start))
            if path.is_dir():
                self._folders.add(name)
                self._folder_inodes[path.stat().st_ino] = name
            else:
                file = _File(bytearray(path.read_bytes()))
                self._names[name] = self._by_inode[path.stat().st_ino] = file

    def root_is(self, inode: int) -> None:
        """Say which inode the folder itself has."""
        self._folder_inodes[inode] = ""

    def apply(self, record: Record) -> None:
        """Follow one record."""
        if record.call in NAME_CALLS:
            self._apply_name(record)
        elif record.call is Call.SYNC:
            self._sync(record.inode)
        elif record.call is Call.SYNC_ALL:
            for inode in list(self._by_inode):
                self._sync(inode)
            self._settle_names(lambda _: True)
        elif record.inode in self._by_inode:
            self._by_inode[record.inode].pending.append(record)

    def _apply_name(self, record: Record) -> None:
        file: _File | None = None
        if record.call is Call.CREATE:
            file = self._by_inode[record.inode] = _File()
        elif record.call is Call.MAKE_FOLDER:
            self._folder_inodes[record.inode] = record.name
        elif record.call is not Call.REMOVE_FOLDER:
            file = self._by_inode.get(record.inode)
        self._pending.append(_Name(record, file))

    def _sync(self, inode: int) -> None:
        if (file := self._by_inode.get(inode)) is not None:
            for record in file.pending:
                _change(file.content, record)
            file.pending.clear()
        if self._file_system is FileSystem.ORDERED:
            self._settle_names(lambda _: True)
        elif (folder := self._folder_inodes.get(inode)) is not None:
            self._settle_names(lambda change: _parent(change.record) == folder)

    def _settle_names(self, is_durable: Callable[[_Name], bool]) -> None:
        left = []
        for change in self._pending:
            if is_durable(change):
                _rename(self._names, self._folders, change)
            else:
                left.append(change)
        self._pending = left

    def current(self) -> State:
        """Return what the files hold while the machine runs."""
        return self._state("running", self._pending, lambda file: file.pending)

    def states(self, dice: random.Random) -> list[State]:
        """Return states that a power cut right now may leave, each kind of them once."""
        everything = self._pending
        prefix = everything[: dice.randint(0, len(everything))]
        strict = self._file_system is FileSystem.STRICT
        some = [one for one in everything if dice.random() < 0.5] if strict else prefix

        def nothing(_: _File) -> Sequence[Record]:
            return ()

        def whole(file: _File) -> Sequence[Record]:
            return file.pending

        def subset(file: _File) -> Sequence[Record]:
            return [one for one in file.pending if dice.random() < 0.5]

        def beginning(file: _File) -> Sequence[Record]:
            return file.pending[: dice.randint(0, len(file.pending))]

        def torn(file: _File) -> Sequence[Record]:
            return [*file.pending[:-1], *_torn(file.pending[-1:], dice)]

        def torn_everywhere(file: _File) -> Sequence[Record]:
            return _torn(file.pending, dice)

        found = [
            self._state("nothing unsynced", (), nothing),
            self._state("everything", everything, whole),
            self._state("data without names", (), whole),
            self._state("names without data", everything, nothing),
            self._state("a part in order", prefix, beginning),
            self._state("any part", some, subset),
            self._state("last write torn", everything, torn),
            self._state("all writes torn", some, torn_everywhere),
        ]
        if strict:
            found.append(self._state("sizes without data", everything, _sizes_alone))
        return found

    def _state(
        self, kind: str, names: Iterable[_Name], kept: Callable[[_File], Sequence[Record]]
    ) -> State:
        entries, folders = dict(self._names), set(self._folders)
        for change in names:
            _rename(entries, folders, change)
        contents: dict[int, bytes] = {}
        files = {}
        for name, file in entries.items():
            if id(file) not in contents:  # two names of one file: the same content
                content = bytearray(file.content)
                for record in kept(file):
                    _change(content, record)
                contents[id(file)] = bytes(content)
            files[name] = contents[id(file)]
        return State(f"{self._file_system.value}: {kind}", files, frozenset(folders))


def _parent(record: Record) -> str:
    return (record.second or record.name).rpartition("/")[0]


def _rename(names: dict[str, _File], folders: set[str], change: _Name) -> None:
    record, file = change.record, change.file
    if record.call is Call.MAKE_FOLDER:
        folders.add(record.name)
    elif record.call is Call.REMOVE_FOLDER:
        folders.discard(record.name)
    elif record.call is Call.UNLINK:
        names.pop(record.name, None)
    elif file is not None:
        if record.call is Call.RENAME:
            names.pop(record.name, None)
        names[record.second or record.name] = file


def _change(content: bytearray, record: Record) -> None:
    at, end = record.offset, record.offset + record.length
    if record.call is Call.TRUNCATE:
        _resize(content, at)
        return
    if record.call is Call.PUNCH:
        end = min(end, len(content))
        content[at:end] = bytes(max(0, end - at))
        return
    _grow(content, end)
    if record.call is Call.WRITE:
        content[at:end] = record.data


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    _grow(content, size)


def _grow(content: bytearray, size: int) -> None:
    if len(content) < size:
        content.extend(bytes(size - len(content)))


def _torn(records: Sequence[Record], dice: random.Random) -> list[Record]:
    """Return of each write some of its sectors; other changes are whole."""
    found: list[Record] = []
    for record in records:
        if record.call is not Call.WRITE:
            found.append(record)
            continue
        size = dice.choice(SECTORS_BYTES)
        in_order = dice.random() < 0.5
        at, end = record.offset, record.offset + record.length
        until = dice.randint(at, end)
        while at < end:
            upto = min(end, (at // size + 1) * size)
            if (upto <= until) if in_order else dice.random() < 0.5:
                found.append(_cut(record, at, upto))
            at = upto
    return found


def _cut(record: Record, start: int, end: int) -> Record:
    data = record.data[start - record.offset : end - record.offset]
    return dataclasses.replace(record, offset=start, length=end - start, data=data)


def _sizes_alone(file: _File) -> Sequence[Record]:
    """Return what makes a file as long as its writes did, with zeros in place of their data."""
    return [
        dataclasses.replace(one, call=Call.EXTEND, data=b"") if one.call is Call.WRITE else one
        for one in file.pending
    ]
