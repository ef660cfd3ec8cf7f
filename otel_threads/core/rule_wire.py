"""Lines between the server and the worker that runs rules: JSON, one a line, bounded."""

from dataclasses import asdict, dataclass

import orjson

from otel_threads.core.rule import Job, JudgedScore, Outcome, PromptMessage, RuleOutput, RunNote

LINE_BYTES_MAX = 8 << 20  # of a job: a conversation is cut long before


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The first line to a worker."""

    base_url: str | None
    api_key: str | None
    model: str | None
    timeout_s: float
    concurrent_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A run that came to an end, with the server's note about it."""

    run_id: str
    outcome: Outcome
    about: RunNote | None

    @property
    def note(self) -> RunNote:
        """The server's note of a run of a rule: every one has it."""
        if self.about is None:
            raise ValueError(f"run {self.run_id} is none of a rule")
        return self.about


def line(given: WorkerSettings | Job | Done) -> bytes:
    """Return one line with its end."""
    return orjson.dumps(asdict(given)) + b"\n"


def read_settings(text: bytes) -> WorkerSettings:
    """Return the settings that a line holds."""
    return WorkerSettings(**orjson.loads(text))


def read_job(text: bytes) -> Job:
    """Return the job that a line holds."""
    given = orjson.loads(text)
    messages = given.pop("prompt_messages")
    return Job(
        **{**given, "outputs": [RuleOutput(**one) for one in given["outputs"]]},
        prompt_messages=[PromptMessage(**one) for one in messages] if messages else None,
    )


def read_done(text: bytes) -> Done:
    """Return the end of a run that a line holds.

    Raises:
        ValueError, TypeError, KeyError: the line is torn or is none of ours.
    """
    given = orjson.loads(text)
    outcome = given["outcome"]
    scores = [JudgedScore(**one) for one in outcome.pop("scores")]
    return Done(
        run_id=given["run_id"], outcome=Outcome(**outcome, scores=scores), about=given["about"]
    )
