"""Questions in words: to a filter or SQL that a person then runs, or about one thread.

A model answers in one call (two, when its first proposal does not parse), without tools. What it
says is checked by what knows better: a filter by our grammar, SQL by the sandbox, a quote by the
conversation.
"""

import datetime
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import orjson

from otel_threads.core import filters
from otel_threads.core.asked import AskAnswer, Evidence
from otel_threads.core.errors import InvalidQuery, NotConfigured, Unavailable
from otel_threads.core.limits import QUESTION_LENGTH_MAX
from otel_threads.core.message import Json
from otel_threads.core.turn import Turn
from otel_threads.evaluate.model_client import ModelError, ModelReply
from otel_threads.services import ask_prompts
from otel_threads.services.ask_budget import AskBudget
from otel_threads.services.project_choice import ALL_PROJECTS
from otel_threads.services.sql_results import Asked, Params, SqlService
from otel_threads.services.threads import ThreadService

ANSWER_LENGTH_MAX = 5_000
QUOTES_MAX = 8
QUOTE_LENGTH_MAX = 500
NAMES_MAX = 20  # of a field that the model sees
TRIES = 2
VIEWS = ("threads", "turns", "messages", "traces", "calls", "scores")
COLUMNS_SQL = (
    "select table_name, column_name from information_schema.columns"
    " where list_contains($views, table_name) order by table_name, ordinal_position"
)


class Model(Protocol):
    """What answers chat messages."""

    def complete(
        self, messages: Sequence[Mapping[str, str]], *, schema: Json | None = None
    ) -> ModelReply:
        """See `ModelClient.complete`."""
        ...


class AskService:
    """Asks a model, within a budget of dollars a day (UTC)."""

    def __init__(
        self,
        threads: ThreadService,
        sql: SqlService,
        *,
        model: Callable[[], Model],
        budget: AskBudget,
        concurrent_max: int,
    ) -> None:
        """`model` makes the client when somebody first asks; it raises ModelError without one."""
        self._threads = threads
        self._sql = sql
        self._make = model
        self._model: Model | None = None
        self._budget = budget
        self._room = threading.BoundedSemaphore(concurrent_max)
        self._lock = threading.Lock()  # guards _model

    def ask(
        self, question: str, *, project: str | None = None, thread_id: str | None = None
    ) -> AskAnswer:
        """Return what a model proposes; of a thread, what it says with quotes of turns.

        Raises:
            NotConfigured: no model is set. InvalidQuery: the question is empty or too long, or
                what was proposed twice cannot be. Unavailable: the model fails, or its budget is
                spent.
        """
        if not 1 <= len(question.strip()) <= QUESTION_LENGTH_MAX:
            raise InvalidQuery(f"question: 1 to {QUESTION_LENGTH_MAX} characters are taken")
        if thread_id is None:
            return self._propose(question, project)
        return self._explain(question, thread_id, project)

    def _propose(self, question: str, project: str | None) -> AskAnswer:
        model = self._client()
        fields = self._threads.fields().items
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        messages = ask_prompts.proposal(question, fields, self._views(), self._names(project), now)
        cost, wrong = 0.0, ""
        for _ in range(TRIES):
            found, reply, usd = self._complete(model, messages, ask_prompts.PROPOSAL, project)
            cost += usd or 0.0
            filter_, sql = _text(found, "filter"), _text(found, "sql")
            try:
                self._check(filter_, sql)
            except InvalidQuery as error:
                wrong = str(error)
                messages = [
                    *messages,
                    {"role": "assistant", "content": reply.text[:ANSWER_LENGTH_MAX]},
                    {"role": "user", "content": f"That cannot be: {wrong[:500]}. Propose another."},
                ]
                continue
            return AskAnswer(
                filter=filter_,
                sql=None if filter_ else sql,
                answer=(_text(found, "answer") or "")[:ANSWER_LENGTH_MAX],
                evidence=[],
                cost_usd=cost or None,
                model=reply.model or self._budget.model,
            )
        raise InvalidQuery(f"the model proposed nothing that can be: {wrong}")

    def _check(self, filter_: str | None, sql: str | None) -> None:
        """Parse a filter; have the sandbox plan SQL, without a row.

        Raises:
            InvalidQuery: it cannot be.
        """
        if filter_:
            filters.parse(filter_, filters.THREAD_FIELDS)
        elif sql:
            inner = sql.strip().rstrip(";")
            self._rows(f"select * from (\n{inner}\n) limit 0")  # noqa: S608  # the sandbox judges

    def _explain(self, question: str, thread_id: str, project: str | None) -> AskAnswer:
        model = self._client()
        turns = self._threads.turns(thread_id, project=project, limit=ask_prompts.TURNS_MAX).items
        messages = ask_prompts.explanation(question, turns)
        found, reply, usd = self._complete(model, messages, ask_prompts.EXPLANATION, project)
        return AskAnswer(
            filter=None,
            sql=None,
            answer=(_text(found, "answer") or "")[:ANSWER_LENGTH_MAX],
            evidence=_evidence(found.get("quotes"), turns, thread_id),
            cost_usd=usd,
            model=reply.model or self._budget.model,
        )

    def _client(self) -> Model:
        with self._lock:
            if self._model is None:
                try:
                    self._model = self._make()
                except ModelError as error:
                    raise NotConfigured(str(error)) from None
            return self._model

    def _complete(
        self,
        model: Model,
        messages: Sequence[Mapping[str, str]],
        schema: Json,
        project: str | None,
    ) -> tuple[Json, ModelReply, float | None]:
        """Return the object that a model answers, its reply and what it cost."""
        self._budget.check()
        if not self._room.acquire(blocking=False):
            raise Unavailable("as many questions are asked as may be (judge_concurrent_max)")
        try:
            reply = model.complete(messages, schema=schema)
        except ModelError as error:
            raise Unavailable(str(error)) from None
        finally:
            self._room.release()
        usd = self._budget.spend("question", project, reply)
        try:
            found = orjson.loads(_braced(reply.text))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unavailable("the model did not answer with the JSON that was asked for")
        return found, reply, usd

    def _views(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for view, column in self._rows(COLUMNS_SQL, {"views": list(VIEWS)}):
            found.setdefault(str(view), []).append(str(column))
        return found

    def _names(self, project: str | None) -> dict[str, list[str]]:
        """Return names of values of the latest threads, never contents."""
        threads = self._threads.threads(project=project, limit=100).items
        found: dict[str, list[str]] = {}
        for field in ("models", "services", "environments", "tags"):
            names = dict.fromkeys(name[:100] for one in threads for name in getattr(one, field))
            found[field] = list(names)[:NAMES_MAX]
        if project not in (None, ALL_PROJECTS):
            found["project"] = [project]
        scores = dict.fromkeys(score.name[:100] for one in threads for score in one.scores)
        found["scores"] = list(scores)[:NAMES_MAX]
        return found

    def _rows(self, sql: str, params: Params = None) -> list[list[object]]:
        asked = Asked(sql=sql, params=params)
        with self._sql.outside.asking() as question:
            found = orjson.loads(b"".join(self._sql.answer(question, asked)))
        rows: list[list[object]] = found["rows"]
        return rows


def _text(found: Json, key: str) -> str | None:
    value = found.get(key)
    return value.strip() or None if isinstance(value, str) else None


def _braced(text: str) -> str:
    """Return the JSON object of an answer that has words or fences around it."""
    return text[text.find("{") : text.rfind("}") + 1]


def _evidence(quotes: object, turns: Sequence[Turn], thread_id: str) -> list[Evidence]:
    """Return the quotes that stand where the model says."""
    texts = {
        turn.turn_index: " ".join(
            " ".join(text.split())
            for text in (turn.user, turn.assistant, turn.error.message if turn.error else None)
            if text
        )
        for turn in turns
    }
    found = []
    for one in quotes if isinstance(quotes, list) else []:
        if not isinstance(one, dict):
            continue
        index, quote = one.get("turn_index"), one.get("quote")
        if type(index) is not int or not isinstance(quote, str):  # a bool is an int, too
            continue
        plain = " ".join(quote.split())[:QUOTE_LENGTH_MAX]
        if plain and plain in texts.get(index, ""):
            found.append(Evidence(thread_id=thread_id, turn_index=index, quote=plain))
    return found[:QUOTES_MAX]
