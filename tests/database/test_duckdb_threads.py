"""Questions have all duckdb_threads, commits and the deriver one: for each other's sake."""

import subprocess
import sys
import threading

import duckdb
import pytest

from otel_threads.database.database import Database
from otel_threads.database.duckdb_threads import DuckDBThreads


@pytest.fixture
def connection():
    with duckdb.connect(config={"threads": "3"}) as connection:
        yield connection


@pytest.fixture
def duckdb_threads(connection):
    duckdb_threads = DuckDBThreads()
    duckdb_threads.opened(connection)
    connection.execute("set lock_configuration = true")
    return duckdb_threads


def count(connection):
    return connection.execute("select current_setting('threads')").fetchone()[0]


def test_writing_takes_one_and_leaves_it_so(connection, duckdb_threads):
    assert count(connection) == 3
    with duckdb_threads.for_writing(connection):
        assert count(connection) == 1
    assert count(connection) == 1


def test_a_question_has_all_also_while_somebody_writes(connection, duckdb_threads):
    with duckdb_threads.for_writing(connection):
        with duckdb_threads.for_query(connection):
            assert count(connection) == 3
            with duckdb_threads.for_query(connection), duckdb_threads.for_writing(connection):
                assert count(connection) == 3
            assert count(connection) == 3
        assert count(connection) == 1
    with duckdb_threads.for_query(connection):
        assert count(connection) == 3
    assert count(connection) == 3  # until somebody writes: most questions come in rows


def test_a_question_that_fails_takes_its_threads_back_at_the_next_commit(
    connection, duckdb_threads
):
    connection.begin()
    with (
        pytest.raises(duckdb.Error),
        duckdb_threads.for_writing(connection),
        duckdb_threads.for_query(connection),
    ):
        connection.execute("select nothing")
    connection.rollback()
    with duckdb_threads.for_writing(connection):
        assert count(connection) == 1


def test_all_at_any_time_where_questions_are_not_seen(connection):
    duckdb_threads = DuckDBThreads(always_all=True)
    duckdb_threads.opened(connection)
    with duckdb_threads.for_writing(connection), duckdb_threads.for_query(connection):
        assert count(connection) == 3
    with duckdb_threads.for_writing(connection):
        assert count(connection) == 3


@pytest.mark.long
def test_of_a_database(tmp_path):
    database = Database(str(tmp_path / "duckdb_threads.duckdb"), memory_limit_bytes=128 << 20)
    with database.reading(10) as cursor:
        every = count(cursor)
    with database.transaction() as cursor:
        assert count(cursor) == 1
    with database.reading(10) as cursor:
        assert count(cursor) == every
    with database.transaction() as cursor:
        with database.reading(10) as reader:
            assert count(reader) == every
        assert count(cursor) == 1
    database.close()


@pytest.mark.long
def test_everybody_at_once(tmp_path):
    database = Database(str(tmp_path / "duckdb_threads.duckdb"), memory_limit_bytes=128 << 20)
    rounds, wrong = 40, []

    def ask():
        for _ in range(rounds):
            with database.reading(60) as cursor:
                found = cursor.execute("select sum(range) from range(100_000)").fetchone()[0]
                if found != 4999950000:
                    wrong.append(found)

    def write():
        for n in range(rounds):
            with database.transaction() as cursor:
                cursor.execute(
                    "insert into x_settings values (?, 'x')", [f"{threading.get_ident()}-{n}"]
                )

    crew = [threading.Thread(target=work) for work in (ask, write) * 4]
    for member in crew:
        member.start()
    for member in crew:
        member.join(120)
    assert not any(member.is_alive() for member in crew)
    assert wrong == []
    with database.reading(10) as cursor:
        assert cursor.execute("select count(*) from x_settings").fetchone()[0] == 4 * rounds
    with database.transaction() as cursor:
        assert count(cursor) == 1
    database.close()


# Python's interpreter lock stays taken when it goes wrong: so in a process of its own.
TOGETHER = """
import threading
import duckdb, pyarrow as pa
from otel_threads.database.duckdb_threads import DuckDBThreads
from otel_threads.database.arrow import register, unregister

connection, duckdb_threads = duckdb.connect(config={"threads": "4"}), DuckDBThreads()
duckdb_threads.opened(connection)
table, done = pa.table({"a": range(50_000)}), threading.Event()

def asks():
    with connection.cursor() as cursor:
        for _ in range(1000):
            with duckdb_threads.for_query(cursor):
                cursor.execute("select 1")
            with duckdb_threads.for_writing(cursor):
                cursor.execute("select 1")
    done.set()

def scans():
    with connection.cursor() as cursor:
        register(cursor, "lent", table)
        while not done.is_set():
            cursor.execute("select count(*) from lent x join lent y on x.a = y.a").fetchall()

def registers():
    with connection.cursor() as cursor:
        while not done.is_set():
            register(cursor, "own", table)
            unregister(cursor, "own")

threads = [threading.Thread(target=work) for work in (asks, scans, scans, registers)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.slow
def test_changing_threads_registering_and_scanning_never_wait_for_each_other():
    subprocess.run([sys.executable, "-c", TOGETHER], check=True, timeout=120)
