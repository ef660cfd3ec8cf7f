"""Services for offline evaluations: data sets, runs and their results, what two runs differ in."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from otel_threads.core import filters
from otel_threads.core.errors import Conflict, InvalidQuery, NotFound
from otel_threads.core.evaluation import (
    Better,
    Comparison,
    Dataset,
    DatasetItem,
    Evaluation,
    EvaluationResult,
    ItemComparison,
    NewDatasetItem,
    NewEvaluation,
    NewResult,
    ScoreComparison,
)
from otel_threads.core.limits import (
    COMPARED_ITEMS_MAX,
    COMPARED_SCORES_MAX,
    DATASET_BYTES_MAX,
    DATASET_ITEMS_MAX,
    DATASET_PART_ITEMS_MAX,
    DATASETS_MAX,
    ID_LENGTH_MAX,
    ITEMS_MAX,
    NAME_LENGTH_MAX,
    PAGE_ITEMS_DEFAULT,
    RESULTS_MAX,
    TEXT_LENGTH_MAX,
)
from otel_threads.core.message import Json
from otel_threads.core.page import Page
from otel_threads.core.score import mean
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.comparison import paired_difference
from otel_threads.services.checks import check_name, check_text, check_value
from otel_threads.services.pagination import (
    NO_CURSOR,
    digest_of,
    make_cursor,
    open_number,
    open_offset,
)
from otel_threads.services.threads import ThreadService, check_limit
from otel_threads.services.transcript import openai
from otel_threads.store.evaluations.evaluation_rows import (
    Evaluations,
    WhichEvaluations,
    WhichResults,
)

COPIED_AT_ONCE = 100  # threads
BetterOf = Callable[[str, str], Better | None]
Item = TypeVar("Item")


class EvaluationService:
    """Data sets, runs and comparisons, checked and stored."""

    def __init__(
        self, evaluations: Evaluations, threads: ThreadService, *, better_of: BetterOf
    ) -> None:
        """`better_of` tells of a project and a score's name which values are good."""
        self._evaluations = evaluations
        self._threads = threads
        self._better_of = better_of

    # Data sets

    def datasets(self) -> Page[Dataset]:
        """Return the newest version of each data set, by name."""
        return Page(items=self._evaluations.datasets(), next_cursor=None)

    def versions(self, name: str) -> Page[Dataset]:
        """Return all versions of a data set, the newest first.

        Raises:
            NotFound: there is none of that name.
        """
        found = self._evaluations.datasets(name)
        if not found:
            raise NotFound(f"no data set {name!r}")
        return Page(items=found, next_cursor=None)

    def dataset(self, name: str, version: int | None = None) -> Dataset:
        """Return one version of a data set; without a number the newest that is complete.

        Raises:
            NotFound: there is none. InvalidQuery: a version below 1.
        """
        if version is not None and version < 1:
            raise InvalidQuery(f"version {version} is below 1")
        versions = self.versions(name).items
        for one in versions:
            if version == one.version or (version is None and one.is_complete):
                return one
        if version is None:
            raise NotFound(f"data set {name!r} has no version that is complete")
        raise NotFound(
            f"data set {name!r} has no version {version}; its newest is {versions[0].version}"
        )

    def create_dataset(
        self,
        name: str,
        *,
        items: Sequence[NewDatasetItem] | None = None,
        project: str | None = None,
        filter: str | None = None,
        limit: int = ITEMS_MAX,
        imported_from: str | None = None,
        author: str | None = None,
        version: int | None = None,
        is_complete: bool = True,
    ) -> Dataset:
        """Store a new version: the given items, or copies of the latest threads of a filter.

        With `version` the items are added to that one. It never changes once it is complete.

        Raises:
            InvalidQuery: a name, item or filter that cannot be, or no items at all.
            Conflict: there are too many data sets, versions of this one, or items; or the version
            is complete. NotFound: there is no such version.
        """
        check_name("name", name)
        if author is not None:
            check_name("author", author)
        if items is None and (version is not None or not is_complete):
            raise InvalidQuery("version and is_complete go with items")
        if items is not None and filter is not None:
            raise InvalidQuery("give items or a filter, and not both")
        if version is not None:
            return self._add_items(name, version, items or (), is_complete=is_complete)
        if items is not None:
            checked = _checked_items(items)
            source: Json = {"import": imported_from or "items"}
        else:
            checked = self._copies(project, filter, limit)
            source = {"filter": filter, "project": self._threads.choice.of_writing(project)}
        if not checked:
            raise InvalidQuery("a data set needs an item at least; nothing matches")
        self._check_room(name)
        return self._evaluations.put_dataset(
            name, checked, source=source, author=author, is_complete=is_complete
        )

    def _add_items(
        self, name: str, version: int, items: Sequence[NewDatasetItem], *, is_complete: bool
    ) -> Dataset:
        here = self.dataset(name, version)
        if here.is_complete:
            raise Conflict(f"version {version} of data set {name!r} is complete: it never changes")
        checked = _checked_items(items, after=here.item_count)
        return self._evaluations.add_items(here, checked, is_complete=is_complete)

    def _check_room(self, name: str) -> None:
        versions = self._evaluations.datasets(name)
        if len(versions) >= DATASETS_MAX:
            raise Conflict(f"data set {name!r} has {DATASETS_MAX} versions already")
        if not versions and len(self._evaluations.datasets()) >= DATASETS_MAX:
            raise Conflict(f"there are {DATASETS_MAX} data sets already")

    def _copies(self, project: str | None, filter: str | None, limit: int) -> list[NewDatasetItem]:
        if not 1 <= limit <= DATASET_PART_ITEMS_MAX:
            raise InvalidQuery(f"limit {limit} is not between 1 and {DATASET_PART_ITEMS_MAX}")
        name = self._threads.choice.of_writing(project)
        copies: list[NewDatasetItem] = []
        size_bytes = 0
        cursor: str | None = None
        while len(copies) < limit:
            page = self._threads.threads(
                project=name,
                filter=filter,
                limit=min(COPIED_AT_ONCE, limit - len(copies)),
                cursor=cursor,
            )
            transcripts = self._threads.transcripts_of(page.items)
            for thread, messages in zip(page.items, transcripts, strict=True):
                copied = openai(messages)
                size_bytes += len(orjson.dumps(copied))
                if size_bytes > DATASET_BYTES_MAX:
                    raise InvalidQuery(
                        f"the latest {len(copies) + 1} threads have more than {DATASET_BYTES_MAX}"
                        f" bytes of messages; a limit of {len(copies)} fits"
                    )
                copies.append(
                    NewDatasetItem(
                        item_id=thread.thread_id,
                        thread_id=thread.thread_id,
                        project=thread.project,
                        messages=copied,
                        metadata=dict(thread.metadata),
                    )
                )
            cursor = page.next_cursor
            if cursor is None:
                break
        return copies

    def delete_dataset(self, name: str, version: int | None = None) -> None:
        """Delete all versions of a data set, or one that an import left incomplete; runs stay.

        Raises:
            NotFound: there is none of that name or version. Conflict: the version is complete.
        """
        if version is not None and self.dataset(name, version).is_complete:
            raise Conflict(
                f"version {version} of data set {name!r} is complete: it stays as long as the data "
                "set, which is deleted without a version"
            )
        if not self._evaluations.delete_dataset(name, version):
            raise NotFound(f"no data set {name!r}")

    def items(
        self,
        name: str,
        *,
        version: int | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Page[DatasetItem]:
        """Return a page of the items of a version, the newest without a number, in their order.

        Raises:
            NotFound: there is no such version. InvalidQuery: limit or cursor cannot be.
        """
        check_limit(limit)
        found = self.dataset(name, version)
        digest = digest_of({"items": [name, found.version]})
        after = open_number(cursor, digest) if cursor else -1
        if after < -1:
            raise InvalidQuery(NO_CURSOR)
        page = self._evaluations.items(name, found.version, after=after, limit=limit)
        more = bool(page) and page[-1][0] < found.item_count - 1
        return Page(
            items=[item for _, item in page],
            next_cursor=make_cursor(digest, [page[-1][0]]) if more else None,
            total=found.item_count if with_total else None,
        )

    # Runs

    def begin(self, given: NewEvaluation) -> Evaluation:
        """Store a run that begins; return it.

        Raises:
            InvalidQuery: a name, filter or scorer that cannot be. NotFound: no such data set.
        """
        check_name("name", given.name)
        if not given.scorers:
            raise InvalidQuery("a run needs a scorer at least")
        for scorer in given.scorers:
            check_name("scorers.name", scorer.name)
        if given.filter is not None:
            filters.parse(given.filter)
        if given.dataset is not None:
            kept = self.dataset(given.dataset, given.dataset_version)
            if not kept.is_complete:
                raise InvalidQuery(
                    f"version {kept.version} of data set {kept.name!r} is not complete"
                )
            given = dataclasses.replace(given, dataset_version=kept.version)
        elif given.dataset_version is not None:
            raise InvalidQuery("dataset_version needs a dataset")
        project = self._threads.choice.of_writing(given.project)
        return self.evaluation(self._evaluations.begin(given, project))

    def change(
        self, evaluation_id: str, *, finished: bool | None = None, item_count: int | None = None
    ) -> Evaluation:
        """End a run (or, with false, go on with it), or say how many items it has; return it.

        Raises:
            NotFound: there is none of that id.
        """
        if not self._evaluations.change(evaluation_id, finished=finished, item_count=item_count):
            raise NotFound(f"no evaluation {evaluation_id!r}")
        return self.evaluation(evaluation_id)

    def put_results(self, evaluation_id: str, results: Sequence[NewResult]) -> int:
        """Store results in place of those of the same items and scorers; return how many.

        Raises:
            NotFound: there is no such run. InvalidQuery: a result cannot be; the message names it.
            Conflict: the run would have more than RESULTS_MAX results.
        """
        if not 1 <= len(results) <= ITEMS_MAX:
            raise InvalidQuery(
                f"{len(results)} results; between 1 and {ITEMS_MAX} are taken at once"
            )
        for place, one in enumerate(results):
            _check_result(f"results[{place}]", one)
        self.evaluation(evaluation_id)
        self._evaluations.put_results(evaluation_id, results, most=RESULTS_MAX)
        return len(results)

    def delete(self, evaluation_id: str) -> None:
        """Delete a run with its results.

        Raises:
            NotFound: there is none of that id.
        """
        if not self._evaluations.delete(evaluation_id):
            raise NotFound(f"no evaluation {evaluation_id!r}")

    def evaluation(self, evaluation_id: str) -> Evaluation:
        """Return one run.

        Raises:
            NotFound: there is none of that id.
        """
        which = WhichEvaluations(evaluation_id=evaluation_id)
        found = self._evaluations.evaluations(which, limit=1, offset=0)
        if not found:
            raise NotFound(f"no evaluation {evaluation_id!r}")
        return found[0]

    def evaluations(
        self,
        *,
        project: str | None = None,
        name: str | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Page[Evaluation]:
        """Return a page of runs, the latest first.

        Raises:
            InvalidQuery: limit or cursor cannot be.
        """
        which = WhichEvaluations(project=self._threads.choice.of_list(project), name=name)
        digest = digest_of({"evaluations": dataclasses.asdict(which)})
        offset = _offset(limit, cursor, digest)
        found = self._evaluations.evaluations(which, limit=limit + 1, offset=offset)
        total = self._evaluations.count(which) if with_total else None
        return _page(found, limit, offset, digest, total)

    def results(
        self,
        evaluation_id: str,
        *,
        item_id: str | None = None,
        name: str | None = None,
        failed: bool | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Page[EvaluationResult]:
        """Return a page of the results of a run, in the order in which they came.

        Raises:
            NotFound: there is no such run. InvalidQuery: limit or cursor cannot be.
        """
        which = WhichResults(evaluation_id=evaluation_id, item_id=item_id, name=name, failed=failed)
        digest = digest_of({"results": dataclasses.asdict(which)})
        offset = _offset(limit, cursor, digest)
        self.evaluation(evaluation_id)
        found = self._evaluations.results(which, limit=limit + 1, offset=offset)
        total = self._evaluations.count(which) if with_total else None
        return _page(found, limit, offset, digest, total)

    # Comparison

    def compare(
        self, base: str, candidate: str, *, name: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
    ) -> Comparison:
        """Return what two runs differ in, over the items that both have; items of one score or all.

        Raises:
            NotFound: one of them is not here. InvalidQuery: limit cannot be, or too many scores.
        """
        check_limit(limit)
        runs = self.evaluation(base), self.evaluation(candidate)
        pairs = self._evaluations.paired(base, candidate)
        by_name = _by_name(pairs)
        if len(by_name) > COMPARED_SCORES_MAX:
            raise InvalidQuery(
                f"the runs have {len(by_name)} scores in common;"
                f" at most {COMPARED_SCORES_MAX} are compared"
            )
        project = runs[1].project
        better = {one: self._better(project, one) for one in by_name}
        scores = {one: _score(rows, better[one]) for one, rows in by_name.items()}
        only_in_base, only_in_candidate = self._evaluations.unpaired(base, candidate)
        wanted = [one for one in by_name if name in (None, one)]
        items = [item for one in wanted for item in _items(by_name[one], better[one], limit)]
        items.sort(key=lambda item: (-item.loss, item.name, item.item_id))
        return Comparison(
            base=runs[0],
            candidate=runs[1],
            scores=scores,
            items=items[: min(limit, COMPARED_ITEMS_MAX)],
            only_in_base=only_in_base,
            only_in_candidate=only_in_candidate,
        )

    def _better(self, project: str, name: str) -> Better | None:
        known = BUILTINS.get(name)
        return self._better_of(project, name) or (known.better if known else None)


def _by_name(pairs: pa.Table) -> dict[str, pa.Table]:
    names = pairs.column("name").combine_chunks()
    return {name.as_py(): pairs.filter(pc.equal(names, name)) for name in names.unique()}


def _values(pairs: pa.Table, side: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.asarray(pairs.column(side).to_numpy(), dtype=np.float64)


def _score(pairs: pa.Table, better: Better | None) -> ScoreComparison:
    base, candidate = _values(pairs, "base"), _values(pairs, "candidate")
    found = paired_difference(base, candidate)
    up, down = int((candidate > base).sum()), int((candidate < base).sum())
    return ScoreComparison(
        base_mean=mean(base.tolist()),
        candidate_mean=mean(candidate.tolist()),
        difference=found.difference,
        confidence_interval=list(found.confidence_interval),
        p_value=found.p_value,
        pair_count=len(base),
        better_count=down if better == "lower" else up,
        worse_count=up if better == "lower" else down,
        test=found.test,
        better=better,
    )


def _items(pairs: pa.Table, better: Better | None, limit: int) -> list[ItemComparison]:
    """Return the items of one score that differ, those with the greatest loss first."""
    difference = _values(pairs, "candidate") - _values(pairs, "base")
    loss = difference if better == "lower" else -difference
    order = np.argsort(-loss, kind="stable")
    chosen = [int(place) for place in order if difference[place] != 0][:limit]
    rows = pairs.take(pa.array(chosen, pa.int64())).to_pylist()
    return [
        ItemComparison(
            **{name: row[name] for name in ("item_id", "project", "thread_id", "name")},
            base=row["base"],
            candidate=row["candidate"],
            difference=float(difference[place]),
            loss=float(loss[place]),
        )
        for place, row in zip(chosen, rows, strict=True)
    ]


def _offset(limit: int, cursor: str | None, digest: str) -> int:
    check_limit(limit)
    return open_offset(cursor, digest)


def _page(found: list[Item], limit: int, offset: int, digest: str, total: int | None) -> Page[Item]:
    more = len(found) > limit
    return Page(
        items=found[:limit],
        next_cursor=make_cursor(digest, [offset + limit]) if more else None,
        total=total,
    )


def _checked_items(items: Sequence[NewDatasetItem], *, after: int = 0) -> list[NewDatasetItem]:
    """Return items, each with an id of its own; `after` are in the version already."""
    if len(items) > DATASET_PART_ITEMS_MAX:
        raise InvalidQuery(
            f"{len(items)} items; at most {DATASET_PART_ITEMS_MAX} are taken at once:"
            " send the others with version, and is_complete false but for the last"
        )
    if after + len(items) > DATASET_ITEMS_MAX:
        raise Conflict(
            f"the version would have {after + len(items)} items; {DATASET_ITEMS_MAX} are kept"
        )
    found: dict[str, NewDatasetItem] = {}
    for place, given in enumerate(items):
        item_id = given.item_id or given.thread_id or str(after + place)
        check_text(f"items[{place}].item_id", item_id, ID_LENGTH_MAX)
        if item_id in found:
            raise InvalidQuery(f"items[{place}].item_id {item_id!r} is that of an earlier item")
        found[item_id] = dataclasses.replace(given, item_id=item_id)
    return list(found.values())


def _check_result(where: str, given: NewResult) -> None:
    check_text(f"{where}.item_id", given.item_id, ID_LENGTH_MAX)
    check_name(f"{where}.scorer", given.scorer)
    if given.name is not None:
        check_name(f"{where}.name", given.name)
    if given.name is not None and given.value is None and given.category is None:
        raise InvalidQuery(f"{where} has a name and neither value nor category")
    for what, number in (
        ("value", given.value),
        ("duration_ms", given.duration_ms),
        ("cost_usd", given.cost_usd),
    ):
        if number is not None:
            check_value(f"{where}.{what}", number)
    for what, text, most in (
        ("category", given.category, NAME_LENGTH_MAX),
        ("reason", given.reason, TEXT_LENGTH_MAX),
        ("error", given.error, TEXT_LENGTH_MAX),
    ):
        if text is not None:
            check_text(f"{where}.{what}", text, most, empty=True)
