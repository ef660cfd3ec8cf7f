"""A result of SQL shows its rows where people look at it: at a prompt, in a notebook."""

import io

import pyarrow as pa

from otel_threads.sdk.result import ROWS_SHOWN, SqlResult


def result(**columns) -> SqlResult:
    table = pa.table(columns)
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return SqlResult(stream.getvalue())


def test_a_prompt_shows_the_rows():
    assert repr(result(thread_id=["chat-1", None], turn_count=[3, 12])) == (
        "thread_id  turn_count\n─────────  ──────────\nchat-1     3\n           12\n2 rows"
    )


def test_long_results_and_values_are_cut():
    shown = repr(result(text=["x" * 100] * (ROWS_SHOWN + 5)))
    assert shown.count("\n") == ROWS_SHOWN + 2
    assert shown.endswith(f"{ROWS_SHOWN + 5} rows, {ROWS_SHOWN} shown")
    assert "x" * 59 + "…" in shown


def test_what_a_value_holds_steers_no_terminal_and_is_no_markup():
    found = result(**{"a<b": ["\x1b[31mred\u202e", "<script>alert(1)</script>"]})
    assert "\x1b" not in repr(found)
    assert "\u202e" not in repr(found)
    assert "<script>" not in found._repr_html_()
    assert "<th>a&lt;b</th>" in found._repr_html_()
    assert "&lt;script&gt;" in found._repr_html_()


def test_nothing_is_shown_as_nothing():
    assert repr(result(n=pa.array([], pa.int64()))) == "n\n─\n0 rows"
