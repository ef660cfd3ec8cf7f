"""Runs a rule's Python code in a process of its own, which is killed past its limits."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from otel_threads.core.rule import JudgedScore, Outcome, RuleOutput
from otel_threads.core.score import fault

TIME_S_MAX = 10.0
OUTPUT_BYTES_MAX = 64 << 10
SCORES_MAX = 50
REASON_LENGTH_MAX = 2000
ERROR_LENGTH_MAX = 500
_PROGRAM = f"from {__package__}.python_sandbox import main; main()"


def run_python(
    code: str,
    conversation: str,
    outputs: Sequence[RuleOutput],
    *,
    name: str,
    time_s_max: float = TIME_S_MAX,
) -> Outcome:
    """Return what `score(conversation)` of the code gave; `conversation` is a JSON object.

    Scores without a name get the first output's, else `name`. Where there are outputs, other names
    are refused.
    """
    try:
        answer = _answer(code, conversation, outputs[0].name if outputs else name, time_s_max)
        scores = _scores(json.loads(answer), outputs)
    except _Refused as error:
        return Outcome(scores=[], error=str(error)[:ERROR_LENGTH_MAX])
    except ValueError:
        return Outcome(scores=[], error="the process of the code ended without a result")
    return Outcome(scores=scores)


class _Refused(Exception):
    """The code failed, or broke a limit."""


def _answer(code: str, conversation: str, name: str, time_s_max: float) -> bytes:
    with tempfile.TemporaryFile() as given:
        head = json.dumps({"code": code, "name": name})[:-1]
        given.write(f'{head}, "conversation": {conversation}}}'.encode())
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
    try:
        return _read(process, time.monotonic() + time_s_max, time_s_max)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def _read(process: "subprocess.Popen[bytes]", until: float, time_s_max: float) -> bytes:
    assert process.stdout
    found = b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            raise _Refused(f"the code took more than {time_s_max:g} s and was ended")
        piece = os.read(process.stdout.fileno(), OUTPUT_BYTES_MAX + 1 - len(found))
        if not piece:
            break
        found += piece
        if len(found) > OUTPUT_BYTES_MAX:
            raise _Refused(f"the code returned more than {OUTPUT_BYTES_MAX} bytes and was ended")
    if not found:
        code = process.wait()
        why = "its limit of processor time" if code == -signal.SIGXCPU else f"exit code {code}"
        raise _Refused(f"the process of the code ended without a result: {why}")
    return found


def _scores(answer: dict[str, Any], outputs: Sequence[RuleOutput]) -> list[JudgedScore]:
    if answer.get("error"):
        raise _Refused(str(answer["error"]))
    rows = answer.get("scores")
    if not isinstance(rows, list) or len(rows) > SCORES_MAX:
        raise _Refused(f"the code returned no list of at most {SCORES_MAX} scores")
    known = {one.name for one in outputs}
    return [_score(row, known) for row in rows]


def _score(row: dict[str, Any], known: set[str]) -> JudgedScore:
    name, value, category = row.get("name"), row.get("value"), row.get("category")
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        raise _Refused(f"a score has the name {name!r:.80}: 1 to 200 characters are a name")
    if known and name not in known:
        raise _Refused(f"{name!r:.80} is none of the rule's outputs: {', '.join(sorted(known))}")
    if value is None and category is None:
        raise _Refused(f"{name!r:.80} has neither a value nor a category")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (is_number and not fault(value)):
        raise _Refused(f"{name!r:.80} has the value {value!r:.80}, which is no finite number")
    if category is not None and not (isinstance(category, str) and 1 <= len(category) <= 200):
        raise _Refused(f"{name!r:.80} has a category that is no text of 1 to 200 characters")
    reason = row.get("reason")
    return JudgedScore(
        name=name,
        value=None if value is None else float(value),
        category=category,
        reason=None if reason is None else str(reason)[:REASON_LENGTH_MAX],
    )


def _environment() -> dict[str, str]:
    """Return no more than the interpreter needs: no setting, no key."""
    path = os.pathsep.join(str(Path(one).absolute()) for one in sys.path if Path(one).exists())
    return {
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",  # it would start threads as numpy is loaded
        "LANG": "C.UTF-8",
    }
