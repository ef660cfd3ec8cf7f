"""Families that write OpenTelemetry's attributes: an id of their own, the line of code that helps."""

import pytest
from builders import a_chat
from deriving import derive

from otel_threads.derive.conventions import CONVENTIONS
from otel_threads.services.libraries import library_of


@pytest.mark.parametrize(
    "attribute",
    ["spring.ai.chat.client.conversation.id", "gen_ai.thread.id", "wandb.thread_id"],
)
def test_an_id_of_their_own(attribute):
    found = derive(a_chat(None, "Rome?", "Sunny.", attributes={attribute: "chat-1"}))

    assert found.thread == ("chat-1", attribute)
    assert found.said == [("Rome?", "Sunny.")]


@pytest.mark.parametrize(
    ("family", "scope"),
    [
        ("agent-framework", "agent_framework"),
        ("anthropic-sdk", "com.anthropic.sdk"),
        ("autogen", "autogen-core"),
        ("langtrace", "langtrace-python-sdk"),
        ("semantic-kernel", "semantic_kernel.connectors"),
        ("spring-ai", "org.springframework.boot"),
    ],
)
def test_their_scope_leads_to_the_line_that_gives_an_id(family, scope):
    """And that line does: what it says arrives is what the thread is found by."""
    library = library_of(scope)
    owner = next(one for one in CONVENTIONS.families if library in one.libraries)
    found = derive(
        a_chat(None, "Rome?", "Sunny.", attributes={library.arrives_as: "chat-1"}), scope=scope
    )

    assert owner.name == family
    assert found.thread == ("chat-1", library.arrives_as)
