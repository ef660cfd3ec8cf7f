"""What the repository promises of itself: docs that match the code, imports, generated files, sizes."""

import ast
import gc
import io
import json
import re
import subprocess
import sys
import tokenize
from dataclasses import fields
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from otel_threads import metrics
from otel_threads.core import config
from otel_threads.database import sql_files
from otel_threads.database.database import Database

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    p for p in (ROOT / "otel_threads").rglob("*.py") if not {"wire", "v1"} & set(p.parts)
)


def test_imports_run_one_way():
    lint = Path(sys.executable).parent / "lint-imports"
    found = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_the_settings_are_documented_with_their_defaults():
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \|", (ROOT / "docs/configuration.md").read_text(), re.M
    )
    documented = {name: default.strip("`") for name, default in rows}
    actual = {}
    for field in fields(config.Config):
        value = field.default
        text = "none" if value in (None, ()) else str(value)
        text = text.lower() if isinstance(value, bool) else text  # as TOML writes it
        actual[field.name] = text.removesuffix(".0")
    assert documented == actual


def test_the_metrics_are_documented_with_their_labels():
    rows = re.findall(
        r"^\| `(otel_threads_\w+)` \| (.*?) ?\| (.+?) \|$",
        (ROOT / "docs/observing.md").read_text(),
        re.M,
    )
    actual = [
        (
            metric._name,
            ", ".join(f"`{label}`" for label in metric._labelnames),
            metric._documentation,
        )
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
    ]
    assert sorted(rows) == sorted(actual)


def test_every_query_file_is_used_and_has_a_header():
    rooms = [ROOT / "otel_threads" / name for name in ("store", "lake")]
    text = "".join(p.read_text() for room in rooms for p in room.rglob("*.py"))
    used = set(re.findall(r'query\(\s*"(\w+)"\s*\)', text))
    files = [file.stem for room in rooms for file in room.rglob("queries/*.sql")]
    assert sorted(used) == sorted(files)
    for name in used:
        assert sql_files.query(name).startswith("-- "), name


@pytest.mark.long
def test_every_table_and_column_has_a_comment(tmp_path):
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=128 << 20)
    with database.cursor() as cursor:
        bare = cursor.execute(
            "select table_name, column_name from duckdb_columns()"
            " where database_name = 'otel_threads' and comment is null"
            " and not starts_with(table_name, 'x_') and table_name <> 'schema_version'"
        ).fetchall()
        internal = cursor.execute(
            "select name from ("
            "select table_name as name, comment from duckdb_tables() union all"
            " select view_name, comment from duckdb_views() where not internal)"
            " where starts_with(comment, 'Internal:') <> starts_with(name, 'x_')"
        ).fetchall()
        tables = cursor.execute(
            "select table_name from duckdb_tables() where database_name = 'otel_threads'"
            " and comment is null and table_name <> 'schema_version'"
        ).fetchall()
        keys = cursor.execute("select count(*) from duckdb_constraints()").fetchall()
        indexes = cursor.execute("select count(*) from duckdb_indexes()").fetchall()
    database.close()
    assert (bare, tables, internal) == ([], [], [])
    assert (keys, indexes) == ([(0,)], [(0,)])


def test_the_generated_module_is_what_the_proto_says(tmp_path):
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{ROOT / 'proto'}",
            f"--python_out={tmp_path}",
            f"--grpc_python_out={tmp_path}",
            f"--pyi_out={tmp_path}",
            "otel_threads/wire/v1/trace.proto",
            "otel_threads/wire/v1/counts.proto",
            "otel_threads/v1/evaluations.proto",
            "otel_threads/v1/threads.proto",
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    for name in (
        "wire/v1/trace_pb2.py",
        "wire/v1/counts_pb2.py",
        "v1/evaluations_pb2.py",
        "v1/evaluations_pb2.pyi",
        "v1/threads_pb2.py",
        "v1/threads_pb2.pyi",
        "v1/threads_pb2_grpc.py",
    ):
        made = (tmp_path / "otel_threads" / name).read_text()
        assert made == (ROOT / "otel_threads" / name).read_text(), name


def test_the_projection_has_the_field_numbers_of_otlp():
    """Else the bytes would be read as something else, silently."""
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    from otel_threads.wire.v1 import trace_pb2 as wire

    def compare(ours, theirs, path: str) -> None:
        for field in ours.fields:
            other = theirs.fields_by_number[field.number]
            assert field.name == other.name, path
            bytes_instead = field.name in ("array_value", "kvlist_value", "entity_refs")
            if field.message_type is not None:
                compare(field.message_type, other.message_type, f"{path}.{field.name}")
            elif not bytes_instead and other.enum_type is None:
                assert field.type == other.type, f"{path}.{field.name}"

    compare(
        wire.ExportTraceServiceRequest.DESCRIPTOR,
        trace_service_pb2.ExportTraceServiceRequest.DESCRIPTOR,
        "request",
    )


def test_the_generated_pages_are_what_the_code_says():
    from otel_threads.document import NAMES_FILE, filled, page_names, pages

    made = pages()
    kept = {name: (ROOT / "docs" / name).read_text() for name in made}
    assert kept == made, "run: python -m otel_threads.document docs"
    filters_page = (ROOT / "docs/filters.md").read_text()
    assert filled(filters_page) == filters_page, "run: python -m otel_threads.document docs"
    assert NAMES_FILE.read_text() == page_names(), "run: python -m otel_threads.document docs"
    own = {f"thread-ids/{path.name}" for path in (ROOT / "docs/thread-ids").glob("*")}
    assert own <= set(made)


def parsed(source: str) -> ast.Module:
    """Return the tree of a source. Python 3.11 may raise SystemError when it looks for garbage
    meanwhile (python/cpython#106905)."""
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        gc.enable()


TOKENS_MAX = 300  # of a function, without its docstring; complexity is ruff's C901
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@pytest.mark.long
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_stay_small(path):
    source = path.read_text()
    rows = [
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in NO_CODE
    ]
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if ast.get_docstring(node) else None
            told = range(first.lineno, first.end_lineno + 1) if first else ()
            count = sum(node.lineno <= row <= node.end_lineno and row not in told for row in rows)
            assert count <= TOKENS_MAX, f"{node.name} has {count} tokens, {TOKENS_MAX} allowed"


def test_the_formatter_lays_the_code_out():
    """But for tables; 100 of such marks had come together when nobody counted."""
    mark = "# fmt: " + "skip"
    folders = ("otel_threads", "tests", "benchmarks", "examples")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert sum(path.read_text().count(mark) for path in files) < 10


def test_each_test_file_has_a_name_and_a_room_of_its_own():
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if ".venv" not in path.parts]
    names = [path.name for path in files]
    assert sorted(names) == sorted(set(names))
    loose = {path.name for path in files if path.parent == ROOT / "tests"}
    assert loose == {"test_house.py"}


def test_tables_are_registered_in_one_place():
    """Elsewhere a change of `threads` could wait for the interpreter for ever."""
    calls = {
        path.name
        for path in SOURCES
        if re.search(r"(cursor|connection)\.(un)?register\(", path.read_text())
    }
    assert calls == {"arrow.py"}


def test_what_is_found_is_taken_in_batches_of_our_size():
    """Elsewhere DuckDB would make room for a million rows of each column first."""
    calls = {path.name for path in SOURCES if "to_arrow_table(" in path.read_text()}
    assert calls == {"arrow.py"}


@pytest.mark.long
def test_every_public_function_says_what_comes_back():
    missing = []
    for path in SOURCES:
        if "families" in path.parts:
            continue
        for node in parsed(path.read_text()).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith(
                "_"
            )
            if public and not ast.get_docstring(node):
                missing.append(f"{path.name}:{node.name}")
    assert missing == []


SCRIPTS = sorted(
    p for p in (ROOT / "otel_threads/ui/static").rglob("*.js") if "vendor" not in p.parts
)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_page_makes_markup_of_text_nowhere(path):
    """But in markdown.js, through the sanitizer; and no module is long, or imported from elsewhere."""
    source = path.read_text()
    assert source.startswith("// "), "say what it is for"
    assert source.count("\n") <= 300
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        'setTimeout("',
        "createContextualFragment",
        "DOMParser",
        "srcdoc",
    ):
        assert way not in source, way
    for module in re.findall(r'(?:from|import\() ?"(\.[^"]+)"', source):
        assert (path.parent / module).resolve().is_file(), module
        inside = "vendor" not in module or path.name in ("chart.js", "html.js", "markdown.js")
        assert inside, f"{module} is used through lib/"


@pytest.mark.long
@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda p: p.stem)
def test_a_benchmark_still_starts(script):
    """They run by hand, so nothing else would tell that a name moved."""
    done = subprocess.run(
        [sys.executable, script, "--help"], cwd=script.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_the_derivers_benchmark_runs():
    done = subprocess.run(
        [sys.executable, "derive.py", "--spans", "500"],
        cwd=ROOT / "benchmarks",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spans"] >= 500


def test_the_files_that_docs_name_are_there():
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "benchmarks/README.md"]
    rooms = {path.name for path in (ROOT / "otel_threads").iterdir() if path.is_dir()}
    named = {
        name for page in pages for name in re.findall(r"`([a-z_/]+\.(?:py|sql))`", page.read_text())
    }
    ours = {name for name in named if name.split("/")[0] in rooms | {"tests"} and "/" in name}
    there = {
        name for name in ours if (ROOT / "otel_threads" / name).exists() or (ROOT / name).exists()
    }
    assert len(ours) > 40
    assert ours - there == set()
