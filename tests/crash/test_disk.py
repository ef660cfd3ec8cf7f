"""The model of a disk: what is synced stays, what is not may go, and a recording tells the whole."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import recording
from disk import Disk, FileSystem, State
from recording import Recorder, UnsupportedCall

pytestmark = pytest.mark.skipif(
    recording.compiler() is None and not os.environ.get("CI"), reason="no C compiler: cc is missing"
)
# Lines between the calls say up to where the others must be durable.
SYNCED = """
import os, sys
os.chdir(sys.argv[1])
with open("a", "wb") as file:
    file.write(b"x" * 5000)
    file.flush()
    os.fsync(file.fileno())
"""
FOLDER_SYNCED = """
folder = os.open(".", os.O_RDONLY)
os.fsync(folder)
os.close(folder)
"""
EVERY_CALL = """
import os, shutil, subprocess, sys, tempfile
os.chdir(sys.argv[1])
handle = os.open("a", os.O_RDWR | os.O_CREAT)
os.write(handle, b"one")
os.pwrite(handle, b"two", 5)
os.writev(handle, [b"three", b"four"])
os.pwritev(handle, [b"five", b"six"], 30)
os.ftruncate(handle, 60)
os.posix_fallocate(handle, 50, 40)
copy = os.dup(handle)
os.write(copy, b"seven")
os.close(copy)
os.close(handle)
with open("a", "ab") as file:
    file.write(b"eight")
os.truncate("a", 80)
shutil.copyfile("a", "b")
with open("b", "rb") as source, open("c", "wb") as target:
    os.copy_file_range(source.fileno(), target.fileno(), 20)
os.link("c", "d")
os.rename("b", "e")
os.replace("e", "c")
os.mkdir("sub")
os.rename("d", "sub/f")
subprocess.run([sys.executable, "-c", "open('g', 'w').write('child')"], check=True)
with open("g", "w") as file:
    file.write("again")
with tempfile.TemporaryDirectory(dir=".") as folder:
    shutil.copyfile("a", os.path.join(folder, "h"))
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled recorder."""
    return recording.build(tmp_path_factory.mktemp("recorder") / "recorder.so")


def replayed(tmp_path: Path, library: Path, script: str, file_system: FileSystem) -> Disk:
    folder = tmp_path / f"folder-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    recorder = Recorder(library, folder, folder.with_suffix(".log"))
    subprocess.run(
        [sys.executable, "-c", script, str(folder)], env=os.environ | recorder.env(), check=True
    )
    disk = Disk(file_system)
    disk.root_is(folder.stat().st_ino)
    for record in recorder.records():
        disk.apply(record)
    real = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert disk.current().files == real
    return disk


def states(disk: Disk) -> dict[str, State]:
    return {one.kind.partition(": ")[2]: one for one in disk.states(random.Random(1))}


@pytest.mark.parametrize("file_system", FileSystem)
def test_a_recording_tells_every_call_that_changes_a_file(tmp_path, library, file_system):
    disk = replayed(tmp_path, library, EVERY_CALL, file_system)
    assert disk.current().files["g"] == b"again"
    assert disk.current().folders == {"sub"}
    assert states(disk)["nothing unsynced"].files == {}


def test_where_names_are_ordered_a_synced_file_keeps_its_name(tmp_path, library):
    disk = replayed(tmp_path, library, SYNCED, FileSystem.ORDERED)
    assert states(disk)["nothing unsynced"].files == {"a": b"x" * 5000}


def test_a_strict_disk_keeps_a_name_only_once_its_folder_is_synced(tmp_path, library):
    disk = replayed(tmp_path, library, SYNCED, FileSystem.STRICT)
    assert states(disk)["nothing unsynced"].files == {}
    assert states(disk)["names without data"].files == {"a": b"x" * 5000}

    disk = replayed(tmp_path, library, SYNCED + FOLDER_SYNCED, FileSystem.STRICT)
    assert {one.digest() for one in disk.states(random.Random(1))} == {disk.current().digest()}


def test_what_was_not_synced_may_be_there_in_part(tmp_path, library):
    script = SYNCED + FOLDER_SYNCED + 'open("a", "r+b").write(b"y" * 5000); os.rename("a", "b")'
    disk = replayed(tmp_path, library, script, FileSystem.STRICT)
    found = states(disk)
    assert found["nothing unsynced"].files == {"a": b"x" * 5000}
    assert found["everything"].files == {"b": b"y" * 5000}
    assert found["data without names"].files == {"a": b"y" * 5000}
    assert found["names without data"].files == {"b": b"x" * 5000}
    assert found["sizes without data"].files == {"b": b"x" * 5000}
    (torn,) = found["last write torn"].files.values()
    assert set(torn) <= set(b"xy")
    assert len(torn) == 5000


def test_a_new_file_may_have_its_size_before_its_data(tmp_path, library):
    script = 'import os, sys; os.chdir(sys.argv[1]); open("a", "wb").write(b"x" * 9)'
    disk = replayed(tmp_path, library, script, FileSystem.STRICT)
    assert states(disk)["sizes without data"].files == {"a": bytes(9)}
    assert states(disk)["names without data"].files == {"a": b""}


def test_what_the_recorder_cannot_follow_is_refused(tmp_path, library):
    script = """
import mmap, sys
with open(sys.argv[1] + "/a", "w+b") as file:
    file.write(b"x" * 4096)
    file.flush()
    mmap.mmap(file.fileno(), 4096)[0] = 1
"""
    with pytest.raises(UnsupportedCall, match="mmap"):
        replayed(tmp_path, library, script, FileSystem.STRICT)
