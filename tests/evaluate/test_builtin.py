"""Scorers without a model against what a person says of the same conversations."""

import time
from pathlib import Path

import pytest

from otel_threads.core.builtin_scores import BUILTIN_SCORES
from otel_threads.evaluate import words
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.conversation import (
    Ranges,
    conversation_of_messages,
    conversation_of_thread,
)


def a_thread(*turns: dict, **fields):
    """A conversation of turns, as a line of the export would hold it."""
    return conversation_of_thread(
        {"project": "p", "thread_id": "t", "turns": list(turns), **fields}
    )


def a_turn(user=None, assistant="Here you are, as you wished.", *, error=None, calls=(), **fields):
    return {
        "user": user,
        "assistant": assistant,
        "error": error,
        "tool_calls": list(calls),
        **fields,
    }


def a_call(name="search", arguments=None, error=None):
    return {"name": name, "arguments": arguments, "result": None, "error": error}


def value(name: str, conversation) -> float | None:
    scores = BUILTINS[name].score(conversation)
    assert all(score.name == name and score.reason for score in scores)
    return scores[0].value if scores else None


def test_every_scorer_tells_what_it_is_and_docs_say_the_same():
    page = (Path(__file__).parents[2] / "docs/evaluation.md").read_text()
    assert len(BUILTINS) == 9
    assert list(BUILTINS) == list(BUILTIN_SCORES)
    for name, one in BUILTINS.items():
        assert one.name == name
        assert f"| `{name}` | {one.description} |" in page


QUESTIONS = [
    (("How do I reset my password?", "I asked how to reset the password!"), 1),
    (("How do I reset my password?", "how do i reset my PASSWORD"), 1),
    (("Where is my order 4711?", "Please tell me where order 4711 is"), 1),
    (("Wie kann ich mein Konto löschen?", "Ich möchte mein Konto löschen, wie geht das?"), 1),
    (("Comment annuler mon abonnement ?", "Je veux annuler l'abonnement"), 1),
    (("注文をキャンセルしたい", "注文のキャンセルをしたいです"), 1),
    (("Reset my password", "Delete my account", "Reset the password now", "reset password"), 2),
    (("How do I reset my password?", "How do I delete my account?"), 0),
    (("Where is order 4711?", "Where is order 4712?"), 0),
    (("What is the weather in Paris?", "What is the weather in Rome?"), 0),
    (("yes", "yes", "and then?"), 0),
    (("Show flights to Rome on Monday", "Book the second one, please", "Thank you very much"), 0),
]


@pytest.mark.parametrize(("asked", "expected"), QUESTIONS, ids=lambda one: str(one)[:40])
def test_a_question_that_is_asked_again_in_other_words_is_found(asked, expected):
    turns = [a_turn(text, assistant=f"answer number {i}") for i, text in enumerate(asked)]
    assert value("repeated_question", a_thread(*turns)) == expected


ANSWERS = [
    (("Please restart the router and wait a minute.",) * 3, 2),
    (
        (
            "Please restart the router, and wait a minute!",
            "please restart the router and wait a minute",
        ),
        1,
    ),
    (("Please restart the router and wait a minute.", "Then call the provider about the line."), 0),
    (("You are welcome.", "You are welcome."), 0),
    (("Your order 4711 will arrive on Monday.", "Your order 4712 will arrive on Tuesday."), 0),
]


@pytest.mark.parametrize(("given", "expected"), ANSWERS, ids=lambda one: str(one)[:40])
def test_an_answer_that_is_given_again_is_found(given, expected):
    turns = [a_turn(f"question {i}", assistant=text) for i, text in enumerate(given)]
    assert value("repeated_answer", a_thread(*turns)) == expected


CALLS = [
    ([[a_call("get", {"id": 1}), a_call("get", {"id": 1}), a_call("get", {"id": 1})]], 2),
    ([[a_call("get", '{"a": 1, "b": 2}'), a_call("get", {"b": 2, "a": 1})]], 1),
    ([[a_call("get", {"id": 1}), a_call("get", {"id": 2})]], 0),
    ([[a_call("get", {"id": 1}), a_call("put", {"id": 1})]], 0),
    ([[a_call("get", {"id": 1})], [a_call("get", {"id": 1})]], 0),  # asked anew by the user
    ([[a_call("get", None), a_call("get", None)]], 1),
]


@pytest.mark.parametrize(("calls", "expected"), CALLS)
def test_a_tool_that_is_called_again_with_the_same_arguments_is_found(calls, expected):
    turns = [a_turn("go on", calls=some) for some in calls]
    assert value("repeated_tool_call", a_thread(*turns)) == expected


FAILED = {"type": "TimeoutError", "message": "too slow"}
TOOLS = [
    ([a_call("get", error=FAILED)], 1),
    ([a_call("get", error=FAILED), a_call("get")], 0),
    ([a_call("get"), a_call("get", error=FAILED)], 1),
    ([a_call("get", error=FAILED), a_call("put")], 1),
    ([a_call("get", error=FAILED), a_call("put", error=FAILED)], 2),
    ([a_call("get", error=FAILED), a_call("get"), a_call("get", error=FAILED)], 1),
    ([], 0),
]


@pytest.mark.parametrize(("calls", "expected"), TOOLS)
def test_a_tool_that_failed_for_good_is_found(calls, expected):
    turns = [a_turn("go on", calls=[call]) for call in calls] or [a_turn("go on")]
    assert value("unrecovered_tool", a_thread(*turns)) == expected


def test_how_a_conversation_ended_is_told():
    whole = a_turn("hi")
    cases = [
        ([whole], 0, 0),
        ([whole, a_turn("and now?", assistant=None)], 0, 1),
        ([whole, a_turn("and now?", assistant=None, error=FAILED)], 1, 1),
        ([a_turn("hi", error=FAILED), whole], 0, 0),
        ([a_turn("hi", error=FAILED)], 1, 0),
        ([a_turn(None, assistant=None)], 0, 0),
        ([], 0, 0),
    ]
    for turns, in_error, open_end in cases:
        found = a_thread(*turns)
        assert value("ended_in_error", found) == in_error
        assert value("unanswered", found) == open_end


EN = "I would like to know when the order will be here and what it costs"
DE = "Die Bestellung wird am Montag bei dir sein und sie ist nicht teuer"
LANGUAGES = [
    ([(EN, "It will be there on Monday and it is not expensive for you")], 0),
    ([(EN, DE)], 1),
    ([(DE, DE), ("ok", EN)], 1),  # what the user spoke last holds
    ([(DE, DE), (EN, EN)], 0),  # the assistant follows
    ([("Где мой заказ?", "It will be there on Monday and it is not expensive")], 1),
    ([("Где мой заказ?", "Заказ прибудет в понедельник")], 0),
    ([("注文はどこですか", "订单将于星期一到达您的地址")], 1),
    ([("hi", "ok")], 0),
]


@pytest.mark.parametrize(("said", "expected"), LANGUAGES)
def test_an_answer_in_another_language_is_found(said, expected):
    turns = [a_turn(user, assistant=answer) for user, answer in said]
    assert value("language_changed", a_thread(*turns)) == expected


TEXTS = {
    "en": EN,
    "de": DE,
    "fr": "Je voudrais savoir quand la commande est ici et ce que cela coûte pour nous",
    "es": "Me gustaría saber cuándo está aquí el pedido y lo que cuesta para nosotros",
    "it": "Vorrei sapere quando il pacco è qui e che cosa costa per noi",
    "pt": "Eu gostaria de saber quando o pedido está aqui e o que custa para nós também",
    "nl": "Ik wil graag weten wanneer de bestelling hier is en wat het voor ons kost",
    "ja": "注文はいつ届きますか",
    "zh": "订单什么时候到",
    "ko": "주문은 언제 도착하나요",
    "arabic": "أين طلبي من فضلك",
    None: "x = y + 1; 4711",
}


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_a_language_is_told(language, text):
    assert words.language_of(text) == language


def test_a_turn_that_is_slow_for_its_project_and_a_costly_thread_are_found():
    usual = Ranges(turn_duration_ms_max=2000, cost_usd_max=0.5)
    thread = {"turns": [a_turn("a", duration_ms=1500), a_turn("b", duration_ms=2500)]}
    found = conversation_of_thread({**thread, "cost_usd": 0.4}, usual)
    assert (value("slow", found), value("costly", found)) == (1, 0)
    unknown = conversation_of_thread({**thread, "cost_usd": 0.4})
    assert (value("slow", unknown), value("costly", unknown)) == (None, None)
    assert value("costly", conversation_of_thread({**thread, "cost_usd": None}, usual)) is None


@pytest.mark.parametrize("name", BUILTINS)
def test_no_scorer_fails_on_what_a_sender_wrote(name):
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    strange = [
        {},
        {"turns": None},
        {"turns": [None, 3, {}]},
        {"turns": [{"user": 3, "assistant": ["x"], "tool_calls": {"a": 1}, "error": 7}]},
        {"turns": [a_turn("\ud800\x00", calls=[a_call(None, deep), a_call(None, deep)])] * 2},
        {"turns": [a_turn("a", duration_ms="x", messages=[{"text": None}])], "cost_usd": "much"},
    ]
    for one in strange:
        found = value(name, conversation_of_thread(one, Ranges(turn_duration_ms_max=1)))
        assert found is None or found >= 0


@pytest.mark.slow
def test_a_long_conversation_is_scored_in_bounded_time():
    """Questions are compared in pairs, of the latest 200."""
    turns = [
        a_turn(f"question about item {i} of shelf {i * 7}", f"answer {i} " * 200)
        for i in range(2000)
    ]
    found = a_thread(*turns)
    begun = time.process_time()
    for one in BUILTINS.values():
        one.score(found)
    assert time.process_time() - begun < 60


def test_messages_of_a_data_set_become_turns():
    found = conversation_of_messages(
        [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "function": {"name": "get", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": "Sunny"},
            {"role": "assistant", "content": "It is sunny."},
            {"role": "user", "content": "Thanks"},
        ],
        item_id="1",
        expected="sunny",
    )
    assert [(one.user, one.assistant) for one in found.turns] == [
        ("Weather?", "It is sunny."),
        ("Thanks", None),
    ]
    assert [(one.name, one.result) for one in found.tool_calls] == [("get", "Sunny")]
    assert found.text.startswith("system: Be kind.\n\nuser: Weather?")
    assert value("unanswered", found) == 1
