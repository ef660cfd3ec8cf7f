"""Feedback with an id of its own: kept whole, shown as a score."""

import json
import uuid
from pathlib import Path

import pytest

from otel_threads.core.config import Config
from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.feedback import FeedbackSelection, NewFeedback
from otel_threads.core.score import NewScore
from otel_threads.engine import Engine
from otel_threads.services.feedback import BODY_LENGTH_MAX

TRACE, SPAN = "1" * 32, "2" * 16


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("feedback")
    engine = Engine(Config(database=str(folder / "x.duckdb"), tune_process=False))
    yield engine
    engine.close()


def given(project: str, value: float | None, *, feedback_id: str | None = None, **body):
    """Feedback on a span, with its score if it has one."""
    new = NewFeedback(
        feedback_id=feedback_id or str(uuid.uuid4()),
        project=project,
        thread_id=None,
        trace_id=TRACE,
        span_id=SPAN,
        name="quality",
        source="api",
        body=json.dumps({"score": value, **body}),
    )
    score = None
    if value is not None:
        score = NewScore(project=project, trace_id=TRACE, span_id=SPAN, name="quality", value=value)
    return new, score


def scores(engine: Engine, project: str) -> list[float | None]:
    page = engine.services.annotations.scores(project=project, trace_id=TRACE)
    return [score.value for score in page.items if score.project == project]


@pytest.mark.long
def test_several_of_one_name_all_count(engine):
    some = [given("several", 1.0), given("several", 0.0), given("several", 0.5)]
    engine.services.feedback.put(some)

    page = engine.services.feedback.page(FeedbackSelection(projects=["several"]), limit=10)

    assert len(page) == 3
    assert scores(engine, "several") == [0.5]


def test_the_same_id_replaces_and_its_creation_stays(engine):
    service = engine.services.feedback
    one, score = given("replace", 1.0)
    service.put([(one, score)])
    before = service.get(one.feedback_id)
    service.put([given("replace", 0.25, feedback_id=one.feedback_id, comment="less")])

    after = service.get(one.feedback_id)

    assert json.loads(after.body) == {"score": 0.25, "comment": "less"}
    assert after.created_at == before.created_at
    assert after.updated_at > before.updated_at
    assert scores(engine, "replace") == [0.25]


def test_what_is_deleted_takes_its_score_along(engine):
    service = engine.services.feedback
    one, other = given("delete", 1.0), given("delete", 0.0)
    service.put([one, other])

    service.delete(one[0].feedback_id)

    assert scores(engine, "delete") == [0.0]
    with pytest.raises(NotFound):
        service.get(one[0].feedback_id)
    with pytest.raises(NotFound):
        service.delete(one[0].feedback_id)


def test_feedback_without_a_number_is_kept_as_it_is(engine):
    one, _ = given("words", None, comment="fine", correction={"a": [1]})
    engine.services.feedback.put([(one, None)])

    assert json.loads(engine.services.feedback.get(one.feedback_id).body)["correction"] == {
        "a": [1]
    }
    assert scores(engine, "words") == []


def test_a_list_is_by_what_it_is_about(engine):
    service = engine.services.feedback
    with_comment, _ = given("list", None, comment="c")
    with_score, score = given("list", 1.0)
    service.put([(with_comment, None), (with_score, score)])

    def ids(**selection) -> list[str]:
        page = service.page(FeedbackSelection(projects=["list"], **selection), limit=10)
        return [one.feedback_id for one in page]

    assert ids() == [with_score.feedback_id, with_comment.feedback_id] or len(ids()) == 2
    assert ids(has_comment=True) == [with_comment.feedback_id]
    assert ids(has_score=True) == [with_score.feedback_id]
    assert ids(span_ids=["3" * 16]) == []
    assert ids(names=["quality"], sources=["app"]) == []
    assert len(service.page(FeedbackSelection(projects=["list"]), limit=1, offset=1)) == 1


def test_bounds_are_reached(engine):
    with pytest.raises(InvalidQuery, match="at most"):
        engine.services.feedback.put([given("bounds", 1.0)] * 1001)
    with pytest.raises(InvalidQuery, match="characters"):
        engine.services.feedback.put([given("bounds", 1.0, comment="x" * BODY_LENGTH_MAX)])


def test_feedback_goes_with_its_trace(engine):
    """As scores do: there is no way back from a deletion."""
    from builders import a_chat, a_request

    from otel_threads.core.model import Request, Signal

    span = a_chat("gone", "q", "a")
    sent = Request(signal=Signal.TRACES, payload=a_request(span), project="gone")
    engine.intake.submit(sent).result(30)
    engine.deriver.wait(engine.writer.committed_sequence, 30)
    new, _ = given("gone", None)
    import dataclasses

    mine = dataclasses.replace(new, trace_id=span.trace_id.hex(), span_id=span.span_id.hex())
    engine.services.feedback.put([(mine, None)])

    engine.services.deletion.traces([span.trace_id.hex()], project="gone")

    with pytest.raises(NotFound):
        engine.services.feedback.get(mine.feedback_id)
