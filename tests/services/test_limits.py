"""The services refuse what is over a limit of core/limits.py, and say the number that is allowed.

REST and gRPC check most of them in the body before; these are the same numbers.
"""

import pytest

from otel_threads.core import limits
from otel_threads.core.config import Config
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.project import NewView
from otel_threads.core.score import NewComment, NewScore, ScoreTarget
from otel_threads.engine import Engine

SCORE = {"thread_id": "t", "name": "quality", "value": 1.0}
NAME, TEXT = "n" * (limits.NAME_LENGTH_MAX + 1), "t" * (limits.TEXT_LENGTH_MAX + 1)
IDS = ["t"] * (limits.ITEMS_MAX + 1)
OVER = {
    "scores": (lambda s: s.put_scores([NewScore(**SCORE)] * len(IDS)), limits.ITEMS_MAX),
    "score name": (
        lambda s: s.put_scores([NewScore(**{**SCORE, "name": NAME})]),
        limits.NAME_LENGTH_MAX,
    ),
    "category": (
        lambda s: s.put_scores([NewScore(**SCORE, category=NAME)]),
        limits.NAME_LENGTH_MAX,
    ),
    "author": (lambda s: s.put_scores([NewScore(**SCORE, author=NAME)]), limits.NAME_LENGTH_MAX),
    "reason": (lambda s: s.put_scores([NewScore(**SCORE, reason=TEXT)]), limits.TEXT_LENGTH_MAX),
    "thread id": (
        lambda s: s.put_scores(
            [NewScore(**{**SCORE, "thread_id": "t" * (limits.ID_LENGTH_MAX + 1)})]
        ),
        limits.ID_LENGTH_MAX,
    ),
    "targets": (
        lambda s: s.delete_scores([ScoreTarget(thread_id="t", name="n")] * len(IDS)),
        limits.ITEMS_MAX,
    ),
    "comment": (
        lambda s: s.add_comment(NewComment(thread_id="t", text=TEXT)),
        limits.TEXT_LENGTH_MAX,
    ),
    "tags to add": (
        lambda s: s.change_tags(
            thread_ids=["t"], add=[f"a{n}" for n in range(limits.TAGS_MAX + 1)]
        ),
        limits.TAGS_MAX,
    ),
    "tags to remove": (
        lambda s: s.change_tags(
            thread_ids=["t"], remove=[f"a{n}" for n in range(limits.ITEMS_MAX + 1)]
        ),
        limits.ITEMS_MAX,
    ),
    "tag": (lambda s: s.change_tags(thread_ids=["t"], add=[NAME]), limits.NAME_LENGTH_MAX),
    "ids to tag": (lambda s: s.change_tags(thread_ids=IDS, add=["a"]), limits.ITEMS_MAX),
    "ids to close": (lambda s: s.close_threads(IDS, closed=True), limits.ITEMS_MAX),
    "view": (lambda s: s.put_view(NewView(name=NAME)), limits.NAME_LENGTH_MAX),
    "columns": (
        lambda s: s.put_view(NewView(name="v", columns=("c",) * (limits.COLUMNS_MAX + 1))),
        limits.COLUMNS_MAX,
    ),
    "cooldown": (
        lambda s: s.put_project("p", thread_cooldown_s=limits.COOLDOWN_S_MAX * 2),
        int(limits.COOLDOWN_S_MAX),
    ),
    "retention": (
        lambda s: s.put_project("p", retention_days=limits.RETENTION_DAYS_MAX * 2),
        int(limits.RETENTION_DAYS_MAX),
    ),
    "path": (
        lambda s: s.put_project("p", input_path="p" * (limits.PATH_LENGTH_MAX + 1)),
        limits.PATH_LENGTH_MAX,
    ),
    "page": (lambda s: s.scores(limit=limits.PAGE_ITEMS_MAX + 1), limits.PAGE_ITEMS_MAX),
}


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    engine = Engine(Config(database=str(tmp_path_factory.mktemp("limits") / "x.duckdb")))
    yield engine.services
    engine.close()


@pytest.mark.long
@pytest.mark.parametrize("what", OVER)
def test_what_is_over_a_limit_is_refused_with_the_number(services, what):
    ask, allowed = OVER[what]
    with pytest.raises(InvalidQuery, match=rf"\b{allowed}\b"):
        ask(services.annotations)


def test_views_of_a_project_are_bounded(services, monkeypatch):
    monkeypatch.setattr("otel_threads.services.annotations.VIEWS_MAX", 2)
    for name in ("a", "b"):
        services.annotations.put_view(NewView(name=name))
    with pytest.raises(InvalidQuery, match="2 saved views already"):
        services.annotations.put_view(NewView(name="c"))


def test_what_is_at_a_limit_is_taken(services):
    scores = [NewScore(**{**SCORE, "name": f"n{n}"}) for n in range(limits.ITEMS_MAX)]
    assert services.annotations.put_scores(scores).written == limits.ITEMS_MAX
    text = "t" * limits.TEXT_LENGTH_MAX
    assert services.annotations.add_comment(NewComment(thread_id="t", text=text)).text == text
