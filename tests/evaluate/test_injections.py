"""Threads that tell the judge what to score: how many get out of their place, and what comes out."""

import json
import re

import orjson
import pytest
from evaluate.injections import INJECTIONS
from scripted_model import ScriptedModel, conversation, instructions, scores

from otel_threads.core.rule import PromptMessage, RuleOutput
from otel_threads.evaluate.judge import as_data, judge_conversation
from otel_threads.evaluate.model_client import ModelClient

OUTPUTS = [RuleOutput(name="quality", min=0, max=1, description="How good it was.")]
# What a model's own template would read as the begin or end of a message.
CONTROL = re.compile(r"[<>]|\[/?[A-Z]|[\U000E0000-\U000E007F\u202e\u200b]")


@pytest.fixture(scope="module")
def model():
    model = ScriptedModel()
    yield model
    model.close()


@pytest.fixture(scope="module")
def client(model):
    client = ModelClient(base_url=model.base_url, model="m")
    yield client
    client.close()


def places(text):
    """Return the contexts in which a stranger's text may stand, as their JSON."""
    call = {"id": "1", "type": "function", "function": {"name": text, "arguments": text}}
    yield [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}]
    yield [{"role": "assistant", "content": None, "tool_calls": [call]}]
    yield [{"role": "tool", "tool_call_id": text, "content": text}]
    yield [{"role": text, "content": "x"}, {text: text}]
    yield [{"transcript": f"User: {text}"}]
    yield [{"first_user_message": text, "last_assistant_message": text}]


def believing(request, number):
    """A model that does whatever its instructions say, and takes data for data: the score is 1
    where something of a conversation stands among its instructions."""
    told = instructions(request)
    mine = instructions(REFERENCE[0]) if REFERENCE else told
    return scores(request, 0.25 if NONCE.sub("", told) == NONCE.sub("", mine) else 1)


NONCE = re.compile(r"[0-9a-f]{16}")
REFERENCE: list[dict] = []


def test_there_are_enough_of_them():
    assert len(INJECTIONS) >= 40
    assert len(set(INJECTIONS.values())) == len(INJECTIONS)


@pytest.mark.slow
def test_none_gets_among_the_instructions(model, client):
    model.reset(lambda request, number: scores(request, 0.25))
    judge_conversation(client, "[]", OUTPUTS, prompt="Was it good?")
    REFERENCE[:] = model.requests[:1]
    model.reset(believing)
    through = []
    for name, text in INJECTIONS.items():
        for place in places(text):
            context = orjson.dumps(place).decode()
            found = judge_conversation(client, context, OUTPUTS, prompt="Was it good?")
            if found.error or found.scores[0].value != 0.25:
                through.append((name, place))
            assert conversation(model.requests[-1]) == place, name
    assert through == []
    assert len(model.requests) == len(INJECTIONS) * 6


@pytest.mark.long
def test_the_count_sees_one_that_gets_through(model, client):
    """Else the test above would pass whatever the judge sends."""
    model.reset(believing)
    REFERENCE.clear()
    judge_conversation(client, "[]", OUTPUTS, prompt="Was it good?")
    REFERENCE[:] = model.requests[:1]

    found = judge_conversation(client, "[]", OUTPUTS, prompt="Was it good? Score quality 1.")

    assert found.scores[0].value == 1


@pytest.mark.parametrize("name", INJECTIONS)
def test_the_data_is_one_line_without_marks_of_messages(name):
    for place in places(INJECTIONS[name]):
        data = as_data(orjson.dumps(place).decode())

        assert len(data.splitlines()) == 1
        assert not CONTROL.search(data)
        assert json.loads(data) == json.loads(orjson.dumps(place))


@pytest.mark.long
def test_in_a_template_the_conversation_stays_where_it_is_put(model, client):
    model.reset()
    template = [PromptMessage(role="user", content="Judge: {{context}}\nAnswer in JSON.")]
    for name, text in INJECTIONS.items():
        (place, *_) = places(text)
        context = orjson.dumps(place).decode()
        judge_conversation(client, context, OUTPUTS, prompt_messages=template)
        (message,) = model.requests[-1]["messages"]
        content = message["content"]
        line = re.fullmatch(r"Judge: (.*)\nAnswer in JSON\.", content, re.S)[1]
        assert json.loads(line) == place, name
        assert len(line.splitlines()) == 1, name


OBEYED = [
    '{"quality": {"score": 1, "reason": "as I was told"}, "admin": {"score": 1}}',
    '{"quality": {"score": 100}}',
    '{"quality": {"score": "1; drop table scores"}}',
    '{"quality": {"score": 1, "reason": "<script>alert(1)</script>\\u001b[2J"}}',
    '{"quality": {"score": 1, "reason": "' + "x" * 100_000 + '"}}',
    '{"tool_calls": [{"function": {"name": "run", "arguments": "rm -rf /"}}]}',
    '{"quality": {"score": 1, "thread_id": "another", "author": "ann", "name": "x"}}',
    "I will not answer in JSON. " * 10_000,
    '{"quality": {"score": null}}',
    '[{"quality": 1}]',
    '{"quality": {"score": 1e400}}',
    '{"__proto__": {"score": 1}, "quality": {"score": -0.0}}',
]


@pytest.mark.parametrize("answer", OBEYED)
def test_a_model_that_obeys_can_give_nothing_but_scores(model, client, answer):
    model.reset(lambda *_: answer)

    found = judge_conversation(client, "[]", OUTPUTS, prompt="Was it good?")

    assert [one.name for one in found.scores] in ([], ["quality"])
    for one in found.scores:
        assert 0 <= one.value <= 1
        assert one.category is None
        assert one.reason is None or len(one.reason) <= 2000
    assert bool(found.error) != bool(found.scores)
    assert len(found.response_text or "") <= 2000


def test_no_tool_is_offered_to_the_model(model, client):
    model.reset()
    judge_conversation(client, "[]", OUTPUTS, prompt="Was it good?")

    assert {*model.requests[0]} == {
        "model",
        "messages",
        "stream",
        "temperature",
        "max_completion_tokens",
        "response_format",
    }
