"""A lake for each test. A plugin of the test files here, because a second conftest would hide the first."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lakes import Postgres

from otel_threads.lake.connection import place


@pytest.fixture(scope="session")
def postgres() -> Iterator:
    """A running PostgreSQL; skipped where there is none."""
    if not shutil.which("initdb") or not shutil.which("psql"):
        pytest.skip("PostgreSQL is not on this machine")
    server = Postgres()
    yield server
    server.close()


def a_lake(kind: str, request: pytest.FixtureRequest, folder: Path):
    data = folder / "lake"
    data.mkdir()
    if kind == "sqlite":
        return place(f"sqlite:{folder}/catalog.sqlite", str(data))
    server = request.getfixturevalue("postgres")
    return place(server.make(f"lake_{abs(hash(str(folder)))}"), str(data))


@pytest.fixture(params=["postgres", "sqlite"])
def each_where(request: pytest.FixtureRequest, tmp_path: Path):
    """Where an empty lake is, with each kind of catalog."""
    return a_lake(request.param, request, tmp_path)


@pytest.fixture
def where(request: pytest.FixtureRequest, tmp_path: Path):
    """Where an empty lake is, with PostgreSQL if there is one."""
    kind = "postgres" if shutil.which("initdb") else "sqlite"
    return a_lake(kind, request, tmp_path)


@pytest.fixture
def postgres_lake(request: pytest.FixtureRequest, tmp_path: Path):
    """Where an empty lake with PostgreSQL is."""
    return a_lake("postgres", request, tmp_path)
