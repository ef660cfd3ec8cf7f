"""`otel_threads.evaluate`: scorers over threads or a data set; results go to the server."""

import asyncio
import inspect
import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.evaluate.conversation import (
    Conversation,
    Ranges,
    conversation_of_messages,
    conversation_of_thread,
)
from otel_threads.evaluate.scoring import Scorer, scorers_of, scores_of
from otel_threads.sdk.client import Client

Row = dict[str, Any]
WORKERS = 4
WORKERS_MAX = 64
BATCH = 200  # results of a call
BATCH_EVERY_S = 5.0
IDS_AT_ONCE = 50  # of threads that are named, in one filter
REASON_LENGTH_MAX, ERROR_LENGTH_MAX, CATEGORY_LENGTH_MAX = 10_000, 2_000, 200
RANGES_SQL = "select turn_duration_ms_max, cost_usd_max from project_ranges where project = ?"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A run that ended: `.scores`, `.results`, `.df()`, `.compare(other)`.

    `scores` are `{name: {mean, count, min, max, categories}}`; `run` is all that REST says of it.
    """

    run: Row
    endpoint: str | None = None
    client: Client | None = field(default=None, repr=False)

    @property
    def evaluation_id(self) -> str:
        """Its id."""
        return str(self.run["evaluation_id"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.run["name"])

    @property
    def scores(self) -> dict[str, Row]:
        """Each score over the run."""
        return dict(self.run["scores"])

    @property
    def results(self) -> list[Row]:
        """What each scorer gave each item, as REST gives it; errors too."""
        with self._asking() as client:
            return list(client.list_results(self.evaluation_id))

    def df(self) -> Any:
        """Return the results as a pandas.DataFrame; ModuleNotFoundError where it is missing."""
        import pandas  # type: ignore[import-untyped]  # where somebody wants it

        return pandas.DataFrame(self.results)

    def compare(self, other: "Evaluation | str", **more: Any) -> Row:
        """Return what this run differs in from another, which is the base: `{scores, items, …}`."""
        base = other if isinstance(other, str) else other.evaluation_id
        with self._asking() as client:
            found: Row = client.compare_evaluations(base, self.evaluation_id, **more)
        return found

    @contextmanager
    def _asking(self) -> Iterator[Client]:
        if self.client is not None:
            yield self.client
            return
        with Client(self.endpoint) as client:
            yield client

    def __repr__(self) -> str:
        means = {name: one["mean"] for name, one in self.scores.items()}
        return f"<Evaluation {self.evaluation_id} {self.name!r} {means}>"


def evaluate(
    threads: Iterable[Any] | None = None,
    scorers: Sequence[Any] = (),
    *,
    filter: str | None = None,
    dataset: str | None = None,
    dataset_version: int | None = None,
    name: str = "evaluation",
    project: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    workers: int = WORKERS,
    limit: int | None = None,
    resume: str | None = None,
    write_scores: bool = False,
    progress: bool | None = None,
    endpoint: str | None = None,
    client: Client | None = None,
    on_begin: Callable[[Row], object] | None = None,
) -> Evaluation:
    """Run scorers over threads, a filter's threads or a data set; return the finished run.

    `threads` are ids, or threads as `Client.list_threads` gives them; without `threads` and
    `dataset`, all threads of the filter. A scorer is a name (`"repeated_question"`) or any callable
    of a `Conversation` that returns a number, a yes or no, a text, a `Score`, or several; it may be
    a coroutine. A scorer that raises costs its own result only, and the run notes why.

    `workers` conversations are scored at once. `resume` is the id of a run that broke off: what it
    has results of is left out. `write_scores` gives the threads the scores, too, by the author
    `evaluation:NAME`. `metadata` gets `git_sha` where the program runs in a git repository.

    Raises:
        ValueError, TypeError: no scorers, or what is none. OtelThreadsError: as the server said;
            the run is there as far as it came, to be resumed.
    """
    chosen = scorers_of(scorers)
    _check(workers, threads, filter, dataset)
    with ExitStack() as stack:
        asking = client or stack.enter_context(Client(endpoint))
        source = _Source(asking, project, filter, dataset, dataset_version, limit)
        run = _run(asking, source, chosen, name=name, metadata=metadata or {}, resume=resume)
        if on_begin is not None:
            on_begin(run)
        sink = _Sink(asking, run, resumes=resume is not None, write_scores=write_scores)
        with _bar(progress, source.count(threads)) as bar:
            _score_all(source.conversations(threads), chosen, workers, sink, bar)
        return Evaluation(sink.finish(), endpoint, client)


def _check(workers: int, threads: object, filter: str | None, dataset: str | None) -> None:
    if not 1 <= workers <= WORKERS_MAX:
        raise ValueError(f"workers {workers} is not between 1 and {WORKERS_MAX}")
    if dataset is not None and (threads is not None or filter is not None):
        raise ValueError("give threads or a filter, or a data set, and not both")


class _Source:
    """Where conversations come from: threads by id or filter, or a version of a data set."""

    def __init__(
        self,
        client: Client,
        project: str | None,
        filter: str | None,
        dataset: str | None,
        dataset_version: int | None,
        limit: int | None,
    ) -> None:
        self._client = client
        self._limit = limit
        self.project = project
        self.filter = filter
        self.dataset = dataset
        self.dataset_version = dataset_version
        self._ranges: dict[str, Ranges] = {}
        if dataset is not None:
            found = client.get_dataset(dataset, version=dataset_version)
            self.dataset_version = found["version"]
            self._count: int | None = found["item_count"]
        else:
            self._count = None

    def count(self, threads: Iterable[Any] | None) -> int | None:
        """Return how many conversations there are, None where nobody knows."""
        if threads is not None:
            found = len(threads) if isinstance(threads, Sequence) else None
        elif self.dataset is not None:
            found = self._count
        else:
            page = self._client.page_of_threads(
                project=self.project, filter=self.filter, limit=1, with_total=True
            )
            found = page["total"]
        return found if self._limit is None or found is None else min(found, self._limit)

    def conversations(self, threads: Iterable[Any] | None) -> Iterator[Conversation]:
        """Yield them, at most as many as wanted."""
        found = self._items() if self.dataset is not None else self._threads(threads)
        for place, one in enumerate(found):
            if place == self._limit:
                return
            yield one

    def _items(self) -> Iterator[Conversation]:
        for item in self._client.list_dataset_items(
            str(self.dataset), version=self.dataset_version
        ):
            yield conversation_of_messages(
                item["messages"],
                **{
                    key: item[key]
                    for key in (
                        "item_id",
                        "thread_id",
                        "project",
                        "expected",
                        "scenario",
                        "metadata",
                    )
                },
            )

    def _threads(self, threads: Iterable[Any] | None) -> Iterator[Conversation]:
        if threads is None:
            yield from self._exported(self.project, self.filter)
            return
        waiting: dict[str | None, list[str]] = {}
        for one in threads:
            project = one.get("project") if isinstance(one, Mapping) else self.project
            ids = waiting.setdefault(project, [])
            ids.append(str(one["thread_id"] if isinstance(one, Mapping) else one))
            if len(ids) == IDS_AT_ONCE:
                yield from self._named(project, waiting.pop(project))
        for project, ids in waiting.items():
            yield from self._named(project, ids)

    def _named(self, project: str | None, ids: Sequence[str]) -> Iterator[Conversation]:
        """Yield some threads in the order in which they are named."""
        wanted = f"thread_id in ({', '.join(map(_quoted, ids))})"
        if self.filter:
            wanted = f"{wanted} and ({self.filter})"
        found = {one.thread_id: one for one in self._exported(project, wanted)}
        missing = [one for one in ids if one not in found]
        if missing and not self.filter:
            raise NotFound(f"no thread {missing[0]!r}, of {len(missing)} that are not here")
        for one in dict.fromkeys(ids):
            if one in found:
                yield found[one]

    def _exported(self, project: str | None, filter: str | None) -> Iterator[Conversation]:
        rest = b""
        for piece in self._client.export_threads(project=project, filter=filter, format="jsonl"):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                thread = json.loads(line)
                yield conversation_of_thread(thread, self._ranges_of(thread["project"]))

    def _ranges_of(self, project: str) -> Ranges:
        if project not in self._ranges:
            slow, costly = self._client.sql(RANGES_SQL, [project]).fetchone() or (None, None)
            self._ranges[project] = Ranges(turn_duration_ms_max=slow, cost_usd_max=costly)
        return self._ranges[project]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _run(
    client: Client,
    source: _Source,
    scorers: Sequence[Scorer],
    *,
    name: str,
    metadata: Mapping[str, Any],
    resume: str | None,
) -> Row:
    told = [{"name": one.name, "version": one.version} for one in scorers]
    if resume is None:
        made: Row = client.create_evaluation(
            name,
            told,
            project=source.project,
            dataset=source.dataset,
            dataset_version=source.dataset_version,
            filter=source.filter,
            metadata={**_git(), **metadata},
        )
        return made
    found: Row = client.get_evaluation(resume)
    for what, now in (
        ("scorers", told),
        ("dataset", source.dataset),
        ("dataset_version", source.dataset_version),
        ("filter", source.filter),
    ):
        if found[what] != now:
            raise InvalidQuery(f"run {resume} has {what} {found[what]!r}, not {now!r}")
    going: Row = client.update_evaluation(resume, finished=False)
    return going


def _score_all(
    conversations: Iterator[Conversation],
    scorers: Sequence[Scorer],
    workers: int,
    sink: "_Sink",
    bar: Callable[[], object],
) -> None:
    """Score conversations, as many at once as there are workers; hold no more than twice that."""
    running: set[Future[list[Row]]] = set()

    def take(finished: Iterable[Future[list[Row]]]) -> None:
        for one in finished:
            sink.put(one.result())
            bar()

    with ThreadPoolExecutor(workers, thread_name_prefix="scorer") as pool:
        try:
            for conversation in conversations:
                key = conversation.project, _item_id(conversation)
                left = [one for one in scorers if (*key, one.name) not in sink.done]
                running.add(pool.submit(_score_one, conversation, left))
                if len(running) >= 2 * workers:
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    take(finished)
            take(wait(running).done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            sink.flush()
            raise
    sink.flush()


def _score_one(conversation: Conversation, scorers: Sequence[Scorer]) -> list[Row]:
    """Return a result of each score that scorers give a conversation, and of each that fails."""
    found = []
    for scorer in scorers:
        about = {
            "item_id": _item_id(conversation),
            "thread_id": conversation.thread_id,
            "project": conversation.project,
            "scorer": scorer.name,
        }
        begun = time.perf_counter()
        try:
            scores = scores_of(_called(scorer, conversation), scorer.name)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it raises is a result
            told = f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX]
            found.append({**about, "error": told, "duration_ms": _since_ms(begun)})
            continue
        took = _since_ms(begun)
        for one in scores:
            found.append(
                {
                    **about,
                    "name": one.name,
                    "value": one.value,
                    "category": one.category and one.category[:CATEGORY_LENGTH_MAX],
                    "reason": one.reason and one.reason[:REASON_LENGTH_MAX],
                    "cost_usd": one.cost_usd,
                    "duration_ms": took,
                }
            )
        if not scores:  # so that a run that is resumed knows that it was looked at
            found.append({**about, "duration_ms": took})
    return found


def _called(scorer: Scorer, conversation: Conversation) -> Any:
    returned = scorer(conversation)
    if inspect.isawaitable(returned):

        async def awaited() -> Any:
            return await returned

        return asyncio.run(awaited())
    return returned


def _since_ms(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 3)


def _item_id(conversation: Conversation) -> str:
    return conversation.item_id or conversation.thread_id or ""


class _Sink:
    """Sends results to the server in batches; a run that breaks off loses seconds of them."""

    def __init__(self, client: Client, run: Row, *, resumes: bool, write_scores: bool) -> None:
        self._client = client
        self._evaluation_id = run["evaluation_id"]
        self._author = f"evaluation:{run['name']}" if write_scores else None
        # Project, item and scorer of what the run has already; errors are tried again.
        self.done: set[tuple[str | None, str, str]] = set()
        if resumes:
            found = client.list_results(self._evaluation_id, failed=False)
            self.done = {(one["project"], one["item_id"], one["scorer"]) for one in found}
        self._waiting: deque[Row] = deque()
        self._sent = time.monotonic()
        self._item_count = 0

    def put(self, results: Sequence[Row]) -> None:
        self._item_count += 1
        self._waiting.extend(results)
        while len(self._waiting) >= BATCH:
            self._send(BATCH)
        if time.monotonic() - self._sent > BATCH_EVERY_S:
            self.flush()

    def finish(self) -> Row:
        """Say that all is there; return the run."""
        found: Row = self._client.update_evaluation(
            self._evaluation_id, finished=True, item_count=self._item_count
        )
        return found

    def flush(self) -> None:
        while self._waiting:
            self._send(min(BATCH, len(self._waiting)))

    def _send(self, count: int) -> None:
        rows = [self._waiting.popleft() for _ in range(count)]
        self._client.put_results(self._evaluation_id, rows)
        self._sent = time.monotonic()
        if self._author is None:
            return
        scores = [
            {
                **{key: one.get(key) for key in ("thread_id", "project", "name", "value")},
                **{key: one.get(key) for key in ("category", "reason")},
                "source": "sdk",
                "author": self._author,
            }
            for one in rows
            if one.get("thread_id") and one.get("name")
        ]
        if scores:
            self._client.put_scores(scores)


@contextmanager
def _bar(wanted: bool | None, count: int | None) -> Iterator[Callable[[], object]]:
    """Yield what tells of one more conversation: a bar on stderr, where that is a terminal."""
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda: None
        return
    from rich.progress import Progress

    from otel_threads import terminal

    lock = threading.Lock()
    with Progress(console=terminal.console(to_stderr=True)) as shown:
        task = shown.add_task("evaluating", total=count)

        def one_more() -> None:
            with lock:
                shown.advance(task)

        yield one_more


def _git() -> Row:
    """Return the commit that the program runs at, nothing where there is no repository."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607  # the user's own git
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    sha = found.stdout.strip()
    return {"git_sha": sha} if found.returncode == 0 and sha else {}
