"""Python code of rules in its sandbox: what it can return, and all that it cannot do."""

import json
import sys

import pytest

from otel_threads import seccomp
from otel_threads.core.rule import JudgedScore, RuleOutput
from otel_threads.evaluate import python_code
from otel_threads.evaluate.python_code import run_python

CONVERSATION = json.dumps(
    {
        "thread_id": "t",
        "turns": [{"user": "hello", "messages": [{"role": "user", "text": "hello"}]}],
        "context": [1],
        "ranges": {},
    }
)
pytestmark = pytest.mark.skipif(seccomp.machine() is None, reason="needs seccomp")


def run(code, outputs=(), **options):
    return run_python(code, CONVERSATION, list(outputs), name="mine", **options)


@pytest.mark.parametrize(
    ("returned", "scores"),
    [
        ("0.5", [JudgedScore(name="mine", value=0.5)]),
        ("True", [JudgedScore(name="mine", value=1.0)]),
        ("'good'", [JudgedScore(name="mine", category="good")]),
        ("None", []),
        ("[]", []),
        (
            "{'value': 1, 'reason': 'why'}",
            [JudgedScore(name="mine", value=1.0, reason="why")],
        ),
        (
            "{'a': 1, 'b': 'x'}",
            [JudgedScore(name="a", value=1.0), JudgedScore(name="b", category="x")],
        ),
        (
            "[{'name': 'a', 'value': 1}, {'name': 'b', 'value': True}]",
            [JudgedScore(name="a", value=1.0), JudgedScore(name="b", value=1.0)],
        ),
        (
            "len(c.messages[0].text) + len(c.thread['context']) - 1",
            [JudgedScore(name="mine", value=5.0)],
        ),
    ],
)
def test_what_code_returns_becomes_scores(returned, scores):
    found = run(f"def score(c): return {returned}")

    assert (found.error, found.scores) == (None, scores)


def test_code_may_import_what_is_installed():
    found = run(
        "import re, statistics\nfrom collections import Counter\nimport numpy\n"
        "def score(c): return float(numpy.mean([statistics.mean([1, 3]), Counter('aa')['a']]))"
    )

    assert (found.error, found.scores[0].value) == (None, 2.0)


@pytest.mark.parametrize(
    "body",
    [
        "open('/etc/hostname').read()",
        "open('/tmp/x', 'w')",
        "__import__('os').listdir('/')",
        "__import__('os').environ and open('/proc/self/environ').read()",
        "__import__('socket').socket()",
        "__import__('urllib.request').request.urlopen('http://127.0.0.1:1')",
        "__import__('subprocess').run(['true'])",
        "__import__('os').fork()",
        "__import__('os').execv('/bin/true', ['true'])",
        "__import__('os').kill(1, 0)",
        "__import__('os').kill(__import__('os').getppid(), 9)",
        "__import__('threading').Thread(target=print).start()",
        "__import__('ctypes').CDLL(None).socket(2, 1, 0) and 1 / 0",
        "__import__('os').pipe()",
        "__import__('os').dup(1)",
        "1 / 0",
        "undefined",
        "[][1]",
        "__import__('sys').exit(0)",
        "float('nan')",
        "float('inf')",
        "{'value': [1]}",
        "{'name': '', 'value': 1}",
        "{'name': 'x' * 201, 'value': 1}",
        "{'reason': 'no score'}",
        "object()",
        "[1] * 51",
    ],
)
def test_what_code_must_not_do_or_return_is_an_error(body):
    imports = "import os, socket, subprocess, threading, ctypes, sys, urllib.request\n"

    found = run(f"{imports}def score(c): return {body}")

    assert found.error
    assert found.scores == []
    assert not found.is_retryable


def test_no_setting_and_no_key_reaches_code(monkeypatch):
    monkeypatch.setenv("OTEL_THREADS_JUDGE_API_KEY", "secret")
    found = run("import os\ndef score(c): return {'value': 1, 'reason': repr(dict(os.environ))}")

    assert "secret" not in found.scores[0].reason
    assert "OTEL_THREADS" not in found.scores[0].reason


@pytest.mark.long
def test_code_past_its_time_is_ended():
    found = run("def score(c):\n  while True: pass", time_s_max=1.0)

    assert "1 s" in found.error


def test_code_past_its_memory_is_told():
    found = run("def score(c): return len(bytearray(1 << 30))")

    assert "512 MiB" in found.error


def test_code_past_its_output_is_ended():
    found = run("def score(c): return {'value': 1, 'reason': 'x' * 10**6}")

    assert "65536 bytes" in found.error


def test_a_flood_on_standard_output_is_ended():
    found = run("import os\ndef score(c):\n  while True: os.write(1, b'x' * 65536)")

    assert found.error


def test_code_that_crashes_its_interpreter_is_an_error():
    found = run("import ctypes\ndef score(c): ctypes.string_at(0)")

    assert "without a result" in found.error


@pytest.mark.parametrize("code", ["x = 1", "score = 1", "def score(c: 1", "def other(c): pass"])
def test_code_without_a_function_is_an_error(code):
    assert run(code).error


def test_names_that_are_no_outputs_are_refused():
    outputs = [RuleOutput(name="a"), RuleOutput(name="b")]

    assert run("def score(c): return 1", outputs).scores[0].name == "a"
    assert "none of the rule's outputs" in run("def score(c): return {'z': 1}", outputs).error


def test_where_there_is_no_filter_code_does_not_run(monkeypatch):
    monkeypatch.setattr(
        python_code,
        "_PROGRAM",
        "from otel_threads import seccomp; seccomp.machine = lambda: None; " + python_code._PROGRAM,
    )

    assert "seccomp" in run("def score(c): return 1").error


def test_a_filter_refuses_what_it_does_not_name():
    assert seccomp.machine() in seccomp.ARCHITECTURES
    steps = seccomp.allow_only("x86_64", [1, 2], read_only=[(3, 1)])
    assert steps[-1] == seccomp.refuse()
    assert sys.platform == "linux"
