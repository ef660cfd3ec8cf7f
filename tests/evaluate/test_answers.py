"""What a judge must answer, and that nothing but scores comes of what it answers."""

import json

import pytest

from otel_threads.core.rule import JudgedScore, RuleOutput
from otel_threads.evaluate import answers

QUALITY = RuleOutput(name="quality", min=0, max=1, description="How good.")
SOLVED = RuleOutput(name="solved", kind="boolean")
TONE = RuleOutput(name="tone", kind="categorical", categories=["kind", "rude"])
ALL = [QUALITY, SOLVED, TONE]
GOOD = {
    "quality": {"reason": "fine", "score": 0.5},
    "solved": {"reason": "yes", "score": True},
    "tone": {"reason": "", "score": "kind"},
}


def read(given, outputs=ALL, **options):
    text = given if isinstance(given, str) else json.dumps(given)
    return answers.read(text, outputs, **{"allows_missing": False, **options})


def test_numbers_truths_and_categories_become_scores():
    assert read(GOOD) == [
        JudgedScore(name="quality", value=0.5, reason="fine"),
        JudgedScore(name="solved", value=1.0, reason="yes"),
        JudgedScore(name="tone", category="kind", reason=None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "```json\n{}\n```",
        "Here you are: {} Good luck!",
        "<think>hm</think>\n{}",
    ],
)
def test_words_and_fences_around_an_answer_are_left_out(text):
    given = text.replace("{}", json.dumps(GOOD))

    assert len(read(given)) == 3


def test_a_bare_score_counts_without_a_reason():
    assert read({"quality": 1}, [QUALITY]) == [JudgedScore(name="quality", value=1.0)]


def test_what_is_no_output_is_left_out():
    found = read({**GOOD, "admin": {"score": 1}, "sql": "drop table scores"})

    assert [one.name for one in found] == ["quality", "solved", "tone"]


@pytest.mark.parametrize(
    "score", [1.01, -0.01, "0.5", None, True, [], {}, float("nan"), float("inf"), 10**400]
)
def test_a_number_that_is_none_or_out_of_bounds_does_not_fit(score):
    with pytest.raises(answers.DoesNotFit, match="quality"):
        read({**GOOD, "quality": {"score": score, "reason": "x"}})


@pytest.mark.parametrize("score", ["good", "KIND", 1, None, ["kind"], {"kind": 1}])
def test_a_category_that_is_none_of_them_does_not_fit(score):
    with pytest.raises(answers.DoesNotFit, match="tone"):
        read({**GOOD, "tone": {"score": score}})


@pytest.mark.parametrize("score", ["true", 2, 0.5, None, []])
def test_what_is_neither_true_nor_false_does_not_fit(score):
    with pytest.raises(answers.DoesNotFit, match="solved"):
        read({**GOOD, "solved": {"score": score}})


@pytest.mark.parametrize("text", ["", "no", "{", "[1]", '{"quality": ', "}{", "{" * 100_000 + "}"])
def test_what_is_no_object_does_not_fit(text):
    with pytest.raises(answers.DoesNotFit):
        read(text)


def test_a_missing_score_does_not_fit_but_where_it_may_be_missing():
    with pytest.raises(answers.DoesNotFit, match='"solved"'):
        read({"quality": 1}, [QUALITY, SOLVED])

    assert len(read({"quality": 1}, [QUALITY, SOLVED], allows_missing=True)) == 1
    with pytest.raises(answers.DoesNotFit):
        read({"other": 1}, [QUALITY, SOLVED], allows_missing=True)


def test_a_reason_is_cut_and_is_a_text():
    (long,) = read({"quality": {"score": 1, "reason": "x" * 10_000}}, [QUALITY])
    (other,) = read({"quality": {"score": 1, "reason": {"a": 1}}}, [QUALITY])

    assert len(long.reason) == answers.REASON_LENGTH_MAX
    assert other.reason is None


def test_the_schema_asks_for_the_reason_first_and_for_nothing_else():
    schema = answers.schema(ALL)

    assert schema["required"] == ["quality", "solved", "tone"]
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]["tone"]["properties"]) == ["reason", "score"]
    assert schema["properties"]["tone"]["properties"]["score"]["enum"] == ["kind", "rude"]
    assert '"quality": How good.; a number from 0 to 1' in answers.described(ALL)
