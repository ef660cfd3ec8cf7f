"""evaluate, compare and datasets on the command line: tables, JSON, exit codes, imports."""

import json
import os
import re
import subprocess
import sys

import pytest
from builders import a_chat, a_request
from click.testing import CliRunner
from conftest import Server

import otel_threads
from otel_threads.cli import cli


@pytest.fixture(scope="module")
def loaded(server: Server) -> Server:
    spans = [a_chat(f"e-{n}", f"question {n}", "an answer") for n in range(12)]
    server.post(a_request(*spans), x_otel_threads_project="commands")
    server.wait_derived()
    return server


def run(server: Server, *arguments: str, code: int = 0, cwd=None) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, "-m", "otel_threads", *arguments, "--database", str(server.database)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd or server.folder,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


LONG = "a_score_whose_name_takes_most_of_a_line_of_eighty"
SCORERS = """
def high(conversation):
    return 0.9

def low(conversation):
    return 0.2 if conversation.thread_id < "e-3" else 0.9
"""


def test_a_regression_is_found_in_ci_by_its_exit_code(loaded, tmp_path):
    (tmp_path / "checks.py").write_text(f"{SCORERS}\ndef {LONG}(conversation):\n    return 0.9\n")
    (tmp_path / "worse.py").write_text(SCORERS + "\nhigh = low\nhigh.__name__ = 'high'\n")
    here = ("--project", "commands")
    begun = run(
        loaded, "evaluate", "--name", "main", "--scorer", "checks.py:high", *here, cwd=tmp_path
    )
    assert re.search(r"^high +12 +0\.9 +0\.9 +0\.9", begun.stdout, re.M), begun.stdout
    assert "--resume it" in begun.stderr
    run(loaded, "evaluate", "--name", "branch", "--scorer", "worse.py:high", *here, cwd=tmp_path)
    told = run(loaded, "compare", "main", "branch", *here)
    assert re.search(r"^high +0\.9 +0\.6083 +-0\.2917", told.stdout, re.M), told.stdout
    assert told.stdout.index("lost most") < told.stdout.index("e-0")
    run(loaded, "evaluate", "--name", "long", "--scorer", f"checks.py:{LONG}", *here, cwd=tmp_path)
    long = run(loaded, "compare", "long", "long", *here)
    assert re.search(rf"^{LONG} +0\.9 +0\.9 +\+0 +0 … 0 +1 +12 +0/0 *$", long.stdout, re.M), (
        long.stdout
    )
    for bound in ("nan", "inf", "1e400"):
        done = run(loaded, "compare", "main", "branch", "--fail-below", f"high={bound}", code=2)
        assert f"{bound!r} is no finite number" in done.stderr
    failed = run(loaded, "compare", "main", "branch", "--fail-below", "high=-0.05", code=1)
    assert failed.stderr.count("\n") == 1
    assert "high fell by 0.2917 on average (0.9 to 0.6083" in failed.stderr
    run(loaded, "compare", "main", "branch", "--fail-below", "high=-0.5")
    run(loaded, "compare", "branch", "main", "--fail-below", "high=-0.05")
    rose = run(loaded, "compare", "branch", "main", "--fail-above", "high=0.1", code=1)
    assert "high rose by 0.2917" in rose.stderr
    missing = run(loaded, "compare", "main", "branch", "--fail-below", "nothing=0", code=1)
    assert "no score 'nothing' in common" in missing.stderr
    found = json.loads(run(loaded, "compare", "main", "branch", "--json").stdout)
    assert found["scores"]["high"]["pair_count"] == 12


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--scorer", "nonsense"), "no scorer 'nonsense'"),
        (("--scorer", "nowhere:thing"), "nowhere"),
        (("--scorer", "json:nothing"), "json has no 'nothing'"),
        (("--scorer", "unanswered", "--metadata", "x"), "NAME=VALUE"),
        (("--scorer", "unanswered", "--dataset", "d", "--filter", "turn_count > 0"), "data set"),
        (("--scorer", "unanswered", "--scorer", "unanswered"), "two scorers"),
    ],
)
def test_wrong_usage_is_told(loaded, arguments, wanted):
    done = run(loaded, "evaluate", "--name", "x", *arguments, code=2)
    assert wanted in done.stderr


def test_a_scorer_that_fails_is_told_and_costs_its_own_result(loaded, tmp_path):
    (tmp_path / "broken.py").write_text("def broken(conversation):\n    return 1 / 0\n")
    done = run(
        loaded,
        "evaluate",
        "--name",
        "broken",
        "--scorer",
        "broken.py:broken",
        "--scorer",
        "unanswered",
        "--project",
        "commands",
        "--metadata",
        "model=m-1",
        "--json",
        cwd=tmp_path,
    )
    found = json.loads(done.stdout)
    assert found["counts"] == {"items": 12, "scored": 12, "failed": 12}
    assert found["metadata"]["model"] == "m-1"
    assert "12 results failed" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_run_of_failures_alone_is_a_failure(loaded, tmp_path):
    """One that ends the program, too: it costs its own result, and no more."""
    (tmp_path / "leaves.py").write_text("def leaves(conversation):\n    raise SystemExit(3)\n")
    (tmp_path / "ends.py").write_text("raise SystemExit(3)\n")
    here = ("evaluate", "--name", "failures", "--project", "commands", "--limit", "2")
    done = run(loaded, *here, "--scorer", "leaves.py:leaves", "--json", code=1, cwd=tmp_path)
    assert json.loads(done.stdout)["counts"] == {"items": 2, "scored": 0, "failed": 2}
    assert "SystemExit: 3" in done.stderr
    done = run(loaded, *here, "--scorer", "ends.py:x", code=2, cwd=tmp_path)
    assert "--scorer ends.py:x: SystemExit: 3" in done.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", "x"])
@pytest.mark.parametrize(
    "command",
    [
        ("threads", "score", "t", "q", "{}"),
        ("rules", "put", "a", "--builtin", "unanswered", "--sampling-rate={}"),
        ("rules", "put", "a", "--builtin", "unanswered", "--budget-usd-per-day={}"),
        ("rules", "backfill", "a", "--budget-usd={}"),
        ("scores", "define", "a", "numeric", "--min={}"),
        ("scores", "define", "a", "numeric", "--max={}"),
        ("scores", "define", "a", "categorical", "--category", "b={}"),
    ],
    ids=" ".join,
)
def test_a_number_of_a_command_is_finite(command, value):
    """Before anything is asked for, so that it needs no server."""
    found = CliRunner().invoke(cli, [one.format(value) for one in command])
    assert (found.exit_code, f"{value!r} is no finite number" in found.output) == (2, True)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("evaluate",), "the default project if left out"),
        (("datasets", "create"), "the default project if left out"),
        (("reviews", "create"), "the default project if left out"),
        (("scores", "define"), "the default project if left out"),
        (("rules", "put"), "the default project if left out"),
        (("threads", "tag"), "the one that has the thread if left out"),
        (("threads", "list"), "all if left out"),
    ],
)
def test_help_says_which_project_a_command_means(command, told):
    found = CliRunner().invoke(cli, [*command, "--help"])
    assert told in " ".join(found.output.split())


def test_data_sets_are_made_imported_shown_and_deleted(loaded, tmp_path):
    made = run(
        loaded,
        "datasets",
        "create",
        "set",
        "--project",
        "commands",
        "--filter",
        'thread_id < "e-2"',
    )
    assert made.stdout == "set version 1: 4 items\n"  # e-0, e-1, e-10, e-11
    files = {
        "jsonl": '{"messages": [{"role": "user", "content": "Hi"}], "expected": "ho"}\n',
        "langsmith": json.dumps(
            [
                {
                    "id": "11",
                    "inputs": {"messages": [{"type": "human", "content": "Hi"}]},
                    "outputs": {"answer": "ho"},
                    "metadata": {"k": 1},
                }
            ]
        ),
        "opik": json.dumps([{"id": "22", "input": "Hi", "expected_output": "ho", "topic": "x"}]),
    }
    for version, (format, text) in enumerate(files.items(), 2):
        path = tmp_path / f"{format}.json"
        path.write_text(text)
        told = run(loaded, "datasets", "import", "set", str(path), "--format", format)
        assert told.stdout == f"set version {version}: 1 item\n"
        shown = json.loads(
            run(loaded, "datasets", "show", "set", "--version", str(version), "--json").stdout
        )
        (item,) = shown["items"]
        assert (item["messages"], item["expected"]) == ([{"role": "user", "content": "Hi"}], "ho")
    assert item["metadata"] == {"topic": "x"}
    assert "set" in run(loaded, "datasets", "list").stdout
    (tmp_path / "wrong.jsonl").write_text('{"messages": [{"role": "user"}]}\n{"x": 1}\n')
    assert "(incomplete)" not in run(loaded, "datasets", "list").stdout
    wrong = run(loaded, "datasets", "import", "set", str(tmp_path / "wrong.jsonl"), code=1)
    assert "line 2 has no messages" in wrong.stderr
    told = run(loaded, "datasets", "delete", "set", "--version", "1", "--yes", code=1).stderr
    assert "version 1 of data set 'set' is complete" in told
    run(loaded, "datasets", "delete", "set", "--yes")
    assert "no data set 'set'" in run(loaded, "datasets", "show", "set", code=1).stderr


def test_people_review_from_a_shell(loaded):
    here = ("--project", "commands")
    run(
        loaded,
        "scores",
        "define",
        "mood",
        "categorical",
        "--category",
        "calm=1",
        "--category",
        "cross=0",
        "--better",
        "higher",
        *here,
    )
    assert "calm, cross" in run(loaded, "scores", "list", *here).stdout
    made = run(
        loaded,
        "reviews",
        "create",
        "shift",
        "--score",
        "mood",
        "--filter",
        'thread_id = "e-5"',
        "--reviewers",
        "2",
        "--json",
        *here,
    )
    queue = json.loads(made.stdout)["queue_id"]
    for author in ("ann", "bob"):
        assert run(loaded, "reviews", "next", queue, "--reviewer", author).stdout == "e-5\n"
        run(
            loaded,
            "threads",
            "score",
            "e-5",
            "mood",
            "--category",
            "calm",
            "--author",
            author,
            *here,
        )
        run(loaded, "reviews", "done", queue, "e-5", "--reviewer", author)
    assert run(loaded, "reviews", "next", queue, "--reviewer", "ann").stdout == "nothing is left\n"
    assert re.search(r"shift +1 +1 +mood", run(loaded, "reviews", "list", *here).stdout)
    assert re.search(r"^mood +100% +1 +2", run(loaded, "reviews", "agreement", queue).stdout, re.M)
    run(loaded, "reviews", "delete", queue)
    run(loaded, "scores", "delete", "mood", *here)
    wrong = run(loaded, "scores", "define", "x", "categorical", *here, code=1)
    assert "needs categories" in wrong.stderr


def test_a_large_file_is_imported_in_several_calls(loaded, tmp_path):
    """More items, and more JSON values, than one call may have."""
    lines = [
        json.dumps({"messages": [{"role": "user", "content": f"where is \u2028 order {n}?"}]})
        for n in range(12_345)
    ]
    path = tmp_path / "large.jsonl"
    path.write_text("\n".join(lines))

    told = run(loaded, "datasets", "import", "large", str(path))

    assert told.stdout == "large version 1: 12345 items\n"
    with otel_threads.Client(loaded.addresses["http"]) as client:
        found = client.get_dataset("large")
        assert (found["is_complete"], found["item_count"]) == (True, 12_345)
        assert found["source"] == {"import": "large.jsonl"}
        items = list(client.list_dataset_items("large"))
        assert [one["item_id"] for one in items] == [str(n) for n in range(12_345)]
        client.delete_dataset("large")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"messages": [{"role": "user"}]}\n{"messages": []}', "line 2 has no messages"),
        ('[{"messages": [{}]}, 5]', "item 1 is no JSON object"),
        ('{"messages": [{"n": NaN}]}', "line 1 is no JSON: it has no NaN"),
        ('{"id": "a", "messages": [{}]}\n{"id": "a", "messages": [{}]}', "earlier one, 'a'"),
        ("\n\n", "no item"),
    ],
)
def test_nothing_of_a_file_that_is_wrong_is_sent(loaded, tmp_path, text, told):
    path = tmp_path / "wrong.jsonl"
    path.write_text(text)

    assert told in run(loaded, "datasets", "import", "wrong", str(path), code=1).stderr
    assert "no data set" in run(loaded, "datasets", "show", "wrong", code=1).stderr


def test_a_file_that_is_not_utf_8_is_told(loaded, tmp_path):
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"messages": [{"content": "häßlich"}]}'.encode("latin-1"))

    told = run(loaded, "datasets", "import", "latin", str(path), code=1).stderr

    assert "latin.jsonl is not UTF-8" in told
