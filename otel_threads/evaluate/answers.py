"""What a judge must answer, as a JSON schema, and what of its answer is a score. Pure.

Nothing but the named scores can come out: a number within its bounds, one of the categories, true
or false; and a reason, which is a text that is cut.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from otel_threads.core.message import Json
from otel_threads.core.rule import JudgedScore, RuleOutput
from otel_threads.core.score import fault

REASON_LENGTH_MAX = 2000
_TYPES: dict[str, Json] = {
    "numeric": {"type": "number"},
    "boolean": {"type": "boolean"},
    "categorical": {"type": "string"},
}


class DoesNotFit(Exception):
    """An answer is not of the shape; the text says how, for the model."""


def schema(outputs: Sequence[RuleOutput]) -> Json:
    """Return the JSON schema of an answer: `{name: {reason, score}}`, the reason first.

    A model that writes its reason before the score has thought when it scores.
    """
    return _object({one.name: _output(one) for one in outputs})


def described(outputs: Sequence[RuleOutput]) -> str:
    """Return what each score is, a line each, for endpoints that do not know schemas."""
    return "\n".join(f"- {json.dumps(one.name)}: {_what(one)}" for one in outputs)


def read(text: str, outputs: Sequence[RuleOutput], *, allows_missing: bool) -> list[JudgedScore]:
    """Return the scores of an answer, in the order of the outputs.

    A fence of Markdown around the JSON, and words around it, are left out; so are names that are no
    output. With `allows_missing` outputs without a score are left out, too.

    Raises:
        DoesNotFit: there is no JSON object, or a score is missing or is not of its kind.
    """
    given = _object_in(text)
    found, missing = [], []
    for output in outputs:
        if output.name in given:
            found.append(_score(given[output.name], output))
        else:
            missing.append(output.name)
    if missing and not (allows_missing and found):
        raise DoesNotFit(f"no score for {', '.join(map(json.dumps, missing))}")
    return found


def _object(properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _output(output: RuleOutput) -> Json:
    score: Json = {**_TYPES[output.kind], "description": _what(output)}
    if output.categories:
        score["enum"] = list(output.categories)
    return _object({"reason": {"type": "string"}, "score": score})


def _what(output: RuleOutput) -> str:
    parts = [output.description or output.name]
    if output.kind == "boolean":
        parts.append("true or false")
    elif output.kind == "categorical":
        parts.append("one of " + ", ".join(map(json.dumps, output.categories or ())))
    elif output.min is not None or output.max is not None:
        low = "any" if output.min is None else f"{output.min:g}"
        high = "any" if output.max is None else f"{output.max:g}"
        parts.append(f"a number from {low} to {high}")
    else:
        parts.append("a number")
    return "; ".join(parts)


def _object_in(text: str) -> Json:
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise DoesNotFit("there is no JSON object")
    try:
        found = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        raise DoesNotFit("it is not JSON") from None
    if not isinstance(found, dict):
        raise DoesNotFit("it is not a JSON object")
    return found


def _score(given: Any, output: RuleOutput) -> JudgedScore:
    reason = None
    value = given
    if isinstance(given, dict):
        if "score" not in given:
            raise DoesNotFit(f'{json.dumps(output.name)} has no "score"')
        value, reason = given["score"], given.get("reason")
    told = str(reason)[:REASON_LENGTH_MAX] if isinstance(reason, str) and reason else None
    if output.kind == "categorical":
        if not isinstance(value, str) or value not in (output.categories or ()):
            raise DoesNotFit(f"the score of {json.dumps(output.name)} is not {_what(output)}")
        return JudgedScore(name=output.name, category=value, reason=told)
    return JudgedScore(name=output.name, value=_number(value, output), reason=told)


def _number(value: Any, output: RuleOutput) -> float:
    is_truth = isinstance(value, bool)
    is_number = isinstance(value, int | float) and not is_truth
    if output.kind == "boolean" and (is_truth or value in (0, 1)):
        return float(value)
    if output.kind == "numeric" and is_number and not fault(value):
        low = -math.inf if output.min is None else output.min
        high = math.inf if output.max is None else output.max
        if low <= value <= high:
            return float(value)
    raise DoesNotFit(f"the score of {json.dumps(output.name)} is not {_what(output)}")
