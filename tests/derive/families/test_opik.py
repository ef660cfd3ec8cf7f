"""Opik: tags and metadata under names of its own."""

from builders import a_chat
from deriving import derive


def test_tags_metadata_and_thread():
    attributes = {"opik.tags": ["beta"], "opik.metadata.plan": "pro", "opik.thread_id": "t-1"}
    found = derive(a_chat(None, "Rome?", "Sunny.", attributes=attributes))

    assert (found.trace["tags"], found.trace["metadata"]) == (["beta"], {"plan": "pro"})
    assert found.thread == ("t-1", "opik.thread_id")


def test_a_json_list_of_tags():
    found = derive(a_chat(None, "Rome?", "Sunny.", attributes={"opik.tags": '["a", "b"]'}))

    assert found.trace["tags"] == ["a", "b"]


def test_metadata_of_another_prefix_is_none():
    found = derive(a_chat(None, "Rome?", "Sunny.", attributes={"opik.version": "1"}))

    assert found.trace["metadata"] == {}
