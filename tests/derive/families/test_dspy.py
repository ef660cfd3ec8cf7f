"""DSPy: what stands between its marks are a person's words, and the answer."""

import json

from builders import a_chat
from deriving import derive

PROMPT = (
    "[[ ## question ## ]]\nRome?\n\n"
    "Respond with the corresponding output fields, starting with the field `[[ ## answer ## ]]`, "
    "and then ending with the marker for `[[ ## completed ## ]]`."
)
SCOPE = "opentelemetry.instrumentation.genai.dspy"


def asked(prompt, answer, scope=SCOPE):
    output = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": answer}]}])
    span = a_chat("c", prompt, None, attributes={"gen_ai.output.messages": output})
    return derive(span, scope=scope).said


def test_the_marks_around_words_are_taken_off():
    answer = "[[ ## answer ## ]]\nSunny.\n\n[[ ## completed ## ]]"

    assert asked(PROMPT, answer) == [("Rome?", "Sunny.")]


def test_several_fields_stay_as_they_are():
    prompt = "[[ ## context ## ]]\nMaps\n\n[[ ## question ## ]]\nRome?"
    answer = "[[ ## reasoning ## ]]\nHm\n\n[[ ## answer ## ]]\nSunny.\n\n[[ ## completed ## ]]"

    assert asked(prompt, answer) == [(prompt, answer)]


def test_words_of_others_stay_as_they_are():
    assert asked("[[ ## odd", "[[ ## odd") == [("[[ ## odd", "[[ ## odd")]
    assert asked("Rome?", "Sunny.", scope="test") == [("Rome?", "Sunny.")]
