"""A WAL whose last write has its size on the disk, and not its bytes."""

from pathlib import Path

import duckdb
import pytest

from otel_threads.database.database import Database

MEMORY_LIMIT_BYTES = 256 << 20


@pytest.mark.long
@pytest.mark.parametrize("zeros", [1, 8, 16, 17, 400])
def test_a_tail_of_zeros_is_cut_with_its_header(tmp_path: Path, zeros: int) -> None:
    path = str(tmp_path / "x.duckdb")
    wal = Path(f"{path}.wal")
    Database(path, memory_limit_bytes=MEMORY_LIMIT_BYTES).close()
    with duckdb.connect(path) as connection:
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute("create table kept as select 1 as one")
    whole = wal.read_bytes()
    wal.write_bytes(whole + bytes(zeros))
    Database(path, memory_limit_bytes=MEMORY_LIMIT_BYTES).close()
    with duckdb.connect(path) as connection:
        assert connection.execute("from kept").fetchall() == [(1,)]
