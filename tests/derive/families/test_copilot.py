"""Copilot Chat: the chat's session before the window's."""

import pytest
from builders import a_chat
from deriving import derive


@pytest.mark.parametrize("name", ["copilot_chat.chat_session_id", "copilot_chat.session_id"])
def test_its_sessions(name):
    assert derive(a_chat(None, "Rome?", "Sunny.", attributes={name: "s"})).thread == ("s", name)


def test_the_chats_session_comes_first():
    both = {"copilot_chat.session_id": "window", "copilot_chat.chat_session_id": "chat"}

    assert derive(a_chat(None, "Rome?", "Sunny.", attributes=both)).thread[0] == "chat"
