"""What it takes until a power cut spares a file: its bytes on disk, and its name in the folder."""

import errno
import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on disk before going on.

    Raises:
        OSError: the disk does not take it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(source: Path, target: Path) -> None:
    """Give a file, which is on disk already, the name of another; the name is on disk then, too.

    Raises:
        OSError: it cannot be renamed.
    """
    source.replace(target)
    sync_names(target.parent)


def sync_names(folder: Path) -> None:
    """Have the names of a folder's files on disk, on a file system that lets us.

    Some refuse it for folders, and some folders may be written but not read: the file is sound.
    """
    try:
        sync(folder)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EBADF, errno.EINVAL):
            raise
