"""The process that runs rules: it asks models and starts sandboxes, and knows no database.

Jobs come as lines on standard input; what became of each goes to a journal on disk first, then to
standard output. When the server ends, the runs that have begun are finished and stand in the
journal: an answer that was paid for is not asked for twice. The lock on the journal says that this
process is there.
"""

import contextlib
import fcntl
import json
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from otel_threads.core.errors import describe
from otel_threads.core.message import Json
from otel_threads.core.rule import Job, JudgedScore, Outcome
from otel_threads.core.rule_wire import (
    LINE_BYTES_MAX,
    Done,
    WorkerSettings,
    line,
    read_job,
    read_settings,
)
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.conversation import Ranges, conversation_of_thread
from otel_threads.evaluate.judge import judge_conversation
from otel_threads.evaluate.model_client import ModelClient, ModelError
from otel_threads.evaluate.python_code import run_python

NICENESS = 5  # spans that arrive and people who read go first
OTHER_THREADS = 8  # beside those that ask models
ANSWERS = 2  # of a run: one that does not fit is asked for again
END_GRACE_S = 15.0  # Python code takes 10


def main() -> None:
    """Run jobs until standard input ends; then finish those that have begun, and end."""
    journal = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # nothing that a library prints gets among the lines
    for number in (signal.SIGINT, signal.SIGTERM):  # the end of the server ends it, too
        signal.signal(number, signal.SIG_IGN)
    fcntl.flock(journal, fcntl.LOCK_EX)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with os.fdopen(0, "rb") as lines:
        worker = Worker(read_settings(lines.readline(LINE_BYTES_MAX)), journal, answers)
        worker.run(lines)


class Worker:
    """Runs jobs in threads: as many requests to models at once as the settings say."""

    def __init__(self, settings: WorkerSettings, journal: int, answers: BinaryIO) -> None:
        self._settings = settings
        self._journal = journal
        self._answers = answers
        self._models = ThreadPoolExecutor(settings.concurrent_max, thread_name_prefix="judge")
        self._others = ThreadPoolExecutor(OTHER_THREADS, thread_name_prefix="rule")
        self._client: ModelClient | None = None
        self._lock = threading.Lock()

    def run(self, lines: BinaryIO) -> None:
        """Take jobs until the input ends; return when those that have begun are in the journal."""
        with contextlib.suppress(OSError, ValueError):  # the input was closed
            for text in iter(lambda: lines.readline(LINE_BYTES_MAX), b""):
                job = read_job(text)
                pool = self._models if job.kind == "llm_judge" else self._others
                pool.submit(self._do, job)
        longest_s = ANSWERS * self._settings.timeout_s + END_GRACE_S
        last_call = threading.Timer(longest_s, os._exit, [1])  # an endpoint may send for ever
        last_call.daemon = True
        last_call.start()
        for pool in (self._models, self._others):
            pool.shutdown(wait=True, cancel_futures=True)

    def _do(self, job: Job) -> None:
        try:
            outcome = self._outcome(job)
        except Exception as error:  # noqa: BLE001  # a job must not take the others with it
            outcome = Outcome(scores=[], error=f"the worker failed: {describe(error)}")
        told = line(Done(run_id=job.run_id, outcome=outcome, about=job.about))
        with self._lock:
            os.write(self._journal, told)
            os.fsync(self._journal)
            with contextlib.suppress(
                OSError
            ):  # the server is gone: its successor reads the journal
                self._answers.write(told)

    def _outcome(self, job: Job) -> Outcome:
        if job.kind == "llm_judge":
            return self._judged(job)
        if job.kind == "python":
            name = job.about["rule_name"] if job.about else "score"
            return run_python(job.code or "", job.conversation, job.outputs, name=name)
        return _counted(job)

    def _judged(self, job: Job) -> Outcome:
        try:
            client = self._model_client()
            if job.schema is not None or not job.outputs:
                return _completed(client, job)
        except ModelError as error:
            return Outcome(
                scores=[],
                error=str(error),
                is_retryable=error.is_retryable,
                is_endpoint_error=error.is_endpoint_error,
                retry_after_s=error.retry_after_s,
            )
        return judge_conversation(
            client,
            job.conversation,
            job.outputs,
            prompt=job.prompt,
            prompt_messages=job.prompt_messages,
            model=job.model,
            temperature=job.temperature,
        )

    def _model_client(self) -> ModelClient:
        with self._lock:
            if self._client is None:
                self._client = ModelClient.of(self._settings)
            return self._client


def _counted(job: Job) -> Outcome:
    """Return what a scorer without a model says."""
    scorer = BUILTINS.get(job.builtin or "")
    if scorer is None:
        return Outcome(scores=[], error=f"there is no builtin {job.builtin!r}")
    given = json.loads(job.conversation)
    found = scorer.score(conversation_of_thread(given, Ranges(**given["ranges"])))
    return Outcome(
        scores=[JudgedScore(name=one.name, value=one.value, reason=one.reason) for one in found]
    )


def _completed(client: ModelClient, job: Job) -> Outcome:
    """Return what a model answers to messages as they are, in `response_text`."""
    schema: Json | None = job.schema
    messages = [{"role": one.role, "content": one.content} for one in job.prompt_messages or ()]
    reply = client.complete(messages, schema=schema, model=job.model, temperature=job.temperature)
    return Outcome(
        scores=[],
        model=reply.model,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        reported_cost_usd=reply.reported_cost_usd,
        response_text=reply.text,
    )
