"""GitHub Copilot Chat in VS Code: OpenTelemetry's attributes, and sessions of its own.

Source: github.com/microsoft/vscode-copilot-chat, src/platform/otel.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.ranks import ThreadId, ThreadIdRank

FAMILY = Family(
    name="copilot",
    source="microsoft/vscode-copilot-chat, platform/otel",
    thread_ids=(
        ThreadId("copilot_chat.chat_session_id", ThreadIdRank.VENDOR),
        ThreadId("copilot_chat.session_id", ThreadIdRank.VENDOR),
    ),
    log_events=("copilot_chat.*",),
)
