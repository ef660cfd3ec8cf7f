"""LangChain and LangGraph: what they add of their own is left out."""

import json

from builders import a_chat
from deriving import derive


def test_the_graphs_own_keys_and_tags_are_noise():
    bag = {"langgraph_step": 1, "lc_versions": "x", "checkpoint_ns": "y", "plan": "pro"}
    span = a_chat(
        "t",
        "Rome?",
        "Sunny.",
        attributes={
            "metadata": json.dumps(bag),
            "tag.tags": ["seq:step:1", "graph:step:2", "beta"],
        },
    )
    found = derive(span).trace

    assert (found["metadata"], found["tags"]) == ({"plan": "pro"}, ["beta"])
