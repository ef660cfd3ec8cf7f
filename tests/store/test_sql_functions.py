"""Each function of this DuckDB is allowed or refused on purpose."""

import duckdb
import pytest

from otel_threads.core.errors import InvalidQuery
from otel_threads.store.external_sql import sql_allowlist, sql_functions

TABLE_KINDS = ("table", "table_macro")


@pytest.fixture(scope="module")
def functions() -> list[tuple[str, str]]:
    """Kind and name of all functions that this DuckDB has."""
    with duckdb.connect() as connection:
        return connection.execute(
            "select distinct function_type, lower(function_name) from duckdb_functions()"
            " where function_type <> 'pragma'"  # no part of a SELECT
        ).fetchall()


def test_every_function_is_classified(functions):
    """A new version of DuckDB fails here: look at what it brings, and add it to one of the lists."""
    known = sql_functions.SCALAR | sql_functions.AGGREGATE | sql_functions.MACRO
    prefixes = sql_functions.ALLOWED_PREFIXES + sql_functions.REFUSED_PREFIXES
    unclassified = sorted(
        f"{kind} {name}"
        for kind, name in functions
        if name not in sql_functions.REFUSED
        and (kind not in TABLE_KINDS or name not in sql_functions.TABLE)
        and (kind in TABLE_KINDS or (name not in known and not name.startswith(prefixes)))
    )
    assert unclassified == []


def test_no_function_is_allowed_and_refused():
    allowed = sql_functions.SCALAR | sql_functions.AGGREGATE | sql_functions.MACRO
    assert not (allowed | sql_functions.TABLE) & sql_functions.REFUSED.keys()


def test_what_is_in_no_list_is_refused():
    assert not sql_functions.is_allowed("scalar", "brought_by_tomorrow")
    assert not sql_functions.is_allowed("table", "brought_by_tomorrow")
    assert not sql_functions.is_allowed("scalar", "__internal_decompress_string")
    assert sql_functions.is_allowed("scalar", "icu_collate_de")


@pytest.mark.parametrize("name", sorted(sql_functions.REFUSED))
def test_a_refusal_names_the_function_and_the_reason(name):
    with duckdb.connect() as connection:
        for sql in (f"select {name}()", f"from {name}()"):
            with pytest.raises(InvalidQuery) as refused:
                sql_allowlist.check(connection.cursor(), sql)
            assert name in str(refused.value)
            assert sql_functions.REFUSED[name] in str(refused.value)


@pytest.mark.parametrize("name", sorted(sql_functions.REFUSED_VIEWS))
def test_views_that_show_settings_are_refused(name):
    with duckdb.connect() as connection:
        for sql in (
            f"from {name}",
            f"from system.main.{name}",
            f"select (select count(*) from {name})",
        ):
            with pytest.raises(InvalidQuery, match=name):
                sql_allowlist.check(connection.cursor(), sql)


def test_what_is_unbounded_in_a_server_is_what_a_process_of_its_own_allows():
    allowed = sql_functions.SCALAR | sql_functions.AGGREGATE | sql_functions.MACRO
    assert allowed | sql_functions.TABLE >= sql_functions.UNBOUNDED
