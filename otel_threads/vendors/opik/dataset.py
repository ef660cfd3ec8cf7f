"""Items of an Opik data set, as its SDK and its page export them, as items of ours.

Source: opik, `Dataset.to_json`: a list of objects with the keys that people gave them; REST wraps
these into `{"id", "data"}`.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.message import Json

EXPECTED = ("expected_output", "expected", "reference", "expected_response")
INPUTS = ("messages", "input", "conversation", "question", "user_input", "user_question", "prompt")
NOT_METADATA = {"id", "metadata", "scenario", *EXPECTED, *INPUTS}


def item_of(given: Mapping[str, Any]) -> Json:
    """Return an item as `{messages, item_id, expected, scenario, metadata}`."""
    data = given["data"] if isinstance(given.get("data"), Mapping) else given
    name = next((one for one in INPUTS if data.get(one) is not None), None)
    scenario = data.get("scenario")
    more = data.get("metadata")
    return {
        "item_id": str(given["id"]) if given.get("id") else None,
        "messages": _messages(data[name]) if name else [],
        "expected": next((data[one] for one in EXPECTED if data.get(one) is not None), None),
        "scenario": scenario if isinstance(scenario, str) else None,
        "metadata": {
            **(more if isinstance(more, Mapping) else {}),
            **{key: value for key, value in data.items() if key not in NOT_METADATA},
        },
    }


def _messages(given: Any) -> list[Json]:
    if isinstance(given, Mapping):
        name = next((one for one in INPUTS if given.get(one) is not None), None)
        return _messages(given[name]) if name else [{"role": "user", "content": str(dict(given))}]
    if isinstance(given, list):
        return [
            {"role": str(one.get("role") or "user"), **one}
            for one in given
            if isinstance(one, Mapping)
        ]
    return [{"role": "user", "content": str(given)}]
