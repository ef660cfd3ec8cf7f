"""Nothing that was received, named or typed reaches a terminal as an escape, through any command."""

import ast
import csv
import io
import json
import logging
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest
from builders import a_chat, a_request
from conftest import Server

from otel_threads import logs, terminal
from otel_threads.characters import STEERING_BUT_BLANKS

ROOT = Path(__file__).parents[2]
# Colour, cursor, clipboard, hyperlink, title; C1; marks of direction; what takes no room; tags.
HOSTILE = (
    "\x1b[31mred\x1b[2J\x1b[H \x1b]52;c;cHduZWQ=\x07 \x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\"
    " \x1b]0;title\x07 \x1bP$q\x1b\\ \x9b31m \x9d0;c1\x9c \x85 \x00 \r over \x08\x08 \x7f \x0b \x0c"
    " \u202e\u202d\u202a\u202b\u202c \u2066\u2067\u2068\u2069 \u200e\u200f\u061c \u200b\u2060\ufeff"
    " \u2028\u2029 \U000e0041 [red]markup[/red] [link=http://evil.example]x[/link] :smile:"
)
TYPED = HOSTILE.replace("\x00", "")  # no argument and no name of a file holds one
THREAD_ID = "thread " + HOSTILE.replace("\x00", "\ufffd")  # as it is kept
LONG = "long " * 20_000


# Each command by the program's own entrance; one process for all of them, for the sake of time.
RUN_ALL = """
import json, sys
from otel_threads import cli
for n, arguments in enumerate(json.load(open(sys.argv[1]))):
    sys.argv[1:] = arguments
    try:
        cli.main()
    except SystemExit as ended:
        code = ended.code or 0
    except Exception:
        sys.excepthook(*sys.exc_info())
        code = 99
    print(f"=====ended {code}=====", flush=True)
"""


def on_a_terminal(*commands: tuple[str, ...], cwd: Path) -> list[tuple[str, int]]:
    """Run commands on a terminal that knows no colours; return what each wrote, and its code."""
    (cwd / "commands.json").write_text(json.dumps(commands))
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_ALL, "commands.json"],
        stdin=subprocess.DEVNULL,
        stdout=other,
        stderr=other,
        cwd=cwd,
        env={**os.environ, "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "200"},
    )
    os.close(other)
    written = b""
    while True:
        if not select.select([main], [], [], 120)[0]:
            process.kill()
            pytest.fail("nothing for two minutes")
        try:
            chunk = os.read(main, 1 << 16)
        except OSError:  # the last one that had the terminal has ended
            break
        if not chunk:
            break
        written += chunk
    os.close(main)
    assert process.wait(60) == 0
    text = written.decode().replace("\r\n", "\n")
    parts = re.split(r"=====ended (\d+)=====\n", text)
    assert len(parts) == 2 * len(commands) + 1, text[-2000:]
    return [(parts[2 * n], int(parts[2 * n + 1])) for n in range(len(commands))]


def piped(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "otel_threads", *arguments],
        capture_output=True,
        check=False,
        cwd=cwd,
        timeout=120,
    )


def unsafe(text: str) -> list[str]:
    return sorted({hex(ord(char)) for char in STEERING_BUT_BLANKS.findall(text)})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory):
    server = Server(tmp_path_factory.mktemp("server")).start()
    span = a_chat(
        f"thread {HOSTILE}", f"user {HOSTILE}", f"assistant {HOSTILE}", name=f"span {HOSTILE}"
    )
    answer = server.post(
        a_request(span, resource={"service.name": HOSTILE}, scope=f"scope {HOSTILE}")
    )
    assert answer.status_code == 200, answer.text
    assert server.post(a_request(a_chat("long", LONG, LONG))).status_code == 200
    server.wait_derived()
    yield server
    server.stop()


TRACE = "trace id"
ALL_IDS = ("sql", "--json", "select thread_id from threads where thread_id <> 'long'")
MARKUP = ("sql", "select '[red]a[/red] [link=http://x]b[/link] :smile:' as \"[bold]c\"")
COMMANDS = [
    ("threads", "list", "--project", "*"),
    ("threads", "list", "--json"),
    ("threads", "stats"),
    ("threads", "show", "long"),
    ("threads", "list", "--search", TYPED),
    ("threads", "list", "--filter", TYPED),
    ("threads", "list", "--sort", TYPED),
    ("threads", "show", TYPED),
    ("threads", "close", TYPED),
    ("threads", "tag", TYPED, "--add", TYPED),
    ("threads", "score", TYPED, TYPED, "0.5"),
    ("threads", "score", "long", "x", TYPED),
    ("threads", TYPED),
    ("threads", "list", f"--{TYPED}"),
    ("threads", "list", "--status", TYPED),
    ("threads", "list", "--limit", TYPED),
    ("traces", "list"),
    ("traces", "show", TRACE),
    ("traces", "show", TRACE, "--json"),
    ("traces", "show", TYPED),
    ("doctor",),
    ("doctor", "--json"),
    ("export",),
    ("export", "--format", "csv"),
    ("export", "--shape", "openai"),
    ("export", "--format", "otlp"),
    ("export", "-o", f"{TYPED[:40]}.jsonl"),
    ("export", "-o", f"missing/{TYPED[:40]}.jsonl"),
    ("sql", "select thread_id, first_message from threads"),
    ("sql", "--json", "select thread_id, first_message from threads"),
    ("sql", "--csv", "select thread_id, first_message from threads"),
    ("sql", f'select 1 as "{TYPED.replace(chr(34), "")}"'),
    (
        "sql",
        f"select 1 as \"{TYPED.replace(chr(34), '')}\", 2 as b, 3 as c, 4 as d, repeat('x', 300) as e",
    ),
    ("sql", "--csv", f'select 1 as "{TYPED.replace(chr(34), "")}"'),
    ("sql", "--json", f'select 1 as "{TYPED.replace(chr(34), "")}"'),
    ("sql", f'select "{TYPED.replace(chr(34), "")}"'),
    ("sql", "select error(thread_id) from threads"),
    ("sql", f"syntax {TYPED}"),
    ("sql", "select 1", "-o", f"{TYPED[:40]}.csv"),
    ("sql", "select 1", "-o", f"x.{TYPED[:40]}"),
    ("backup", f"{TYPED[:40]}.duckdb"),
    ("backup", f"missing/{TYPED[:40]}.duckdb"),
    ("restore", f"{TYPED[:40]}.missing"),
    ("prune", "--older-than", TYPED),
    ("prune", "--max-size", TYPED),
    ("config", "--config", TYPED),
    ("config", "--http-endpoint", TYPED),
    ("serve", "--http-endpoint", TYPED),
    ("completion", TYPED),
    ALL_IDS,
    MARKUP,
    (TYPED,),
    (f"-{TYPED}",),
]


@pytest.fixture(scope="module")
def shown(filled):
    """What each command wrote to a terminal, and its exit code."""
    trace_id = filled.get("/traces", limit=2)["items"][-1]["trace_id"]
    commands = [tuple(trace_id if one == TRACE else one for one in command) for command in COMMANDS]
    return dict(zip(COMMANDS, on_a_terminal(*commands, cwd=filled.folder), strict=True))


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: ascii(" ".join(command))[:60])
def test_no_command_writes_an_escape_to_a_terminal(shown, command):
    written, code = shown[command]
    assert written.strip()
    assert code in (0, 1, 2)
    assert unsafe(written) == []
    assert "Traceback" not in written


def test_json_on_a_terminal_means_the_same(shown):
    assert json.loads(shown[ALL_IDS][0])["thread_id"] == THREAD_ID


def test_markup_is_text(shown):
    written, _ = shown[MARKUP]
    assert "[red]a[/red] [link=http://x]b[/link] :smile:" in written
    assert "[bold]c" in written


@pytest.mark.long
def test_a_pipe_gets_csv_as_it_is_and_json_that_means_the_same(filled):
    query = ALL_IDS[-1]
    made = piped("sql", "--csv", query, cwd=filled.folder).stdout.decode()
    assert list(csv.reader(io.StringIO(made, newline="")))[1] == [THREAD_ID]
    found = piped("sql", "--json", query, cwd=filled.folder).stdout.decode()
    assert unsafe(found) == []
    assert json.loads(found) == {"thread_id": THREAD_ID}
    exported = piped("export", cwd=filled.folder).stdout
    direct = filled.folder / "exported.jsonl"
    assert piped("export", "-o", str(direct), cwd=filled.folder).returncode == 0
    assert exported == direct.read_bytes()


@pytest.mark.long
def test_messages_are_cut_and_escaped_into_a_pipe_as_well(filled):
    ran = piped("sql", f'select "{TYPED.replace(chr(34), "")}"', cwd=filled.folder)
    assert ran.returncode == 1
    assert unsafe(ran.stderr.decode()) == []
    long = piped("threads", "show", "y" * 100_000, cwd=filled.folder).stderr.decode()
    assert len(long) < terminal.LINE_LENGTH_MAX + 100


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä 日本 \U0001f469\u200d\U0001f680 \u0645\u200c\u062e\ttab\nline", None),
        ("\x1b[0m", "\\u001b[0m"),
        ("\x9b \x00 \r", "\\u009b \\u0000 \\r"),
        ("\u202e\u2066\u200e", "\\u202e\\u2066\\u200e"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\udb40\\udc41"),
    ],
)
def test_what_is_escaped_and_how(text, shown):
    assert terminal.escaped(text) == (text if shown is None else shown)
    if shown is not None:
        assert json.loads(f'"{shown}"') == text


def test_every_character_that_steers_is_known():
    import unicodedata

    kept = {"\u200c", "\u200d", "\t", "\n", "\u00ad"}  # joiners; a hyphen that need not be shown
    steering = {
        char
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(char)
        in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }
    assert {char for char in steering - kept if not STEERING_BUT_BLANKS.match(char)} == set()


def test_a_log_line_is_one_line_and_steers_nothing():
    record = logging.LogRecord(
        "x", logging.ERROR, "f", 1, "%s", (f"a\n2026 ERROR forged {HOSTILE}",), None
    )
    text = logs.TextFormatter().format(record)
    assert unsafe(text) == []
    assert "\n" not in text
    line = logs.JsonFormatter().format(record)
    assert unsafe(line) == []
    assert json.loads(line)["message"] == record.getMessage()
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record.exc_info = sys.exc_info()
    assert unsafe(logs.TextFormatter().format(record)) == []
    assert "Traceback" in logs.TextFormatter().format(record)


def test_an_error_that_nobody_caught_is_escaped(tmp_path):
    code = f"""
import sys
from otel_threads import terminal
sys.excepthook = terminal.say_crash
raise ValueError({HOSTILE!r})
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, cwd=tmp_path
    )
    assert b"ValueError" in ran.stderr
    assert unsafe(ran.stderr.decode()) == []


WRITERS = sorted(
    [
        *(ROOT / "otel_threads" / "commands").glob("*.py"),
        *(
            ROOT / "otel_threads" / f"{name}.py"
            for name in ("cli", "demo", "show", "local", "server", "supervisor")
        ),
    ]
)


@pytest.mark.long
@pytest.mark.parametrize("file", WRITERS, ids=lambda file: file.name)
def test_only_one_module_writes(file):
    """No `print`, `click.echo`, console of rich's own or stream: terminal.py escapes."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if re.fullmatch(
                r"print|(click\.)?(echo|secho|style|echo_via_pager)|(\w+\.)*Console|rich\.print"
                r"|sys\.(stdout|stderr)(\.buffer)?\.write(lines)?|os\.write",
                called,
            ):
                found.append(f"line {node.lineno}: {called}")
            if called in ("Progress", "Live") and "console" not in {k.arg for k in node.keywords}:
                found.append(f"line {node.lineno}: {called} without a console of ours")
    assert found == []
