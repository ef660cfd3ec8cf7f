"""Answers as tables and text for a terminal of 80 columns and more.

Everything that came in a span goes through `Text`: never parsed as markup, and without the
control characters that could steer a terminal.
"""

import datetime
import re
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

Row = dict[str, Any]
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(value: Any, *, length: int | None = None, style: str = "") -> Text:
    """Return text without control characters, on one line and cut when `length` is given."""
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", "" if value is None else str(value))
    if length is not None:
        text = " ".join(text.split())
        if len(text) > length:
            text = text[: length - 1] + "…"
    return Text(text, style=style)


def _table(*columns: tuple[str, dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name, options in columns:
        table.add_column(name, **options)
    return table


RIGHT: dict[str, Any] = {"justify": "right", "no_wrap": True}
CUT: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}


def threads(page: Row, *, every_project: bool = False) -> RenderableType:
    """Return a page of threads, a line each."""
    if not page["items"]:
        return Text(
            "No threads yet. `otel-threads doctor` tells what arrived and what is missing; "
            "`--project '*'` looks in every project."
        )
    project = [("project", CUT | {"ratio": 2})] if every_project else []
    table = _table(
        *project,
        ("thread", CUT | {"ratio": 2}),
        ("turns", RIGHT),
        ("tokens", RIGHT),
        ("cost", RIGHT),
        ("err", RIGHT),
        ("last", RIGHT),
        ("first message", CUT | {"ratio": 3}),
    )
    table.expand = True
    for thread in page["items"]:
        table.add_row(
            *([safe(thread["project"], length=40)] if every_project else []),
            safe(
                thread["thread_id"], length=60, style="bold" if thread["status"] == "active" else ""
            ),
            str(thread["turn_count"]),
            count(thread["usage"]["total_tokens"]),
            dollars(thread["cost_usd"], partial=thread["cost_is_partial"]),
            Text(str(thread["error_count"]) if thread["error_count"] else "", style="red"),
            ago(thread["last_activity_time"]),
            safe(thread["first_message"], length=120),
        )
    return Group(table, Text(_shown(page, "threads"), style="dim"))


def traces(page: Row) -> RenderableType:
    """Return a page of traces, a line each."""
    if not page["items"]:
        return Text("No traces.")
    table = _table(
        ("trace", {"no_wrap": True}),
        ("thread", CUT | {"ratio": 2}),
        ("spans", RIGHT),
        ("err", RIGHT),
        ("took", RIGHT),
        ("name", CUT | {"ratio": 3}),
    )
    table.expand = True
    for trace in page["items"]:
        table.add_row(
            trace["trace_id"],
            safe(", ".join(trace["thread_ids"]), length=60),
            str(trace["span_count"]),
            Text(str(trace["error_count"]) if trace["error_count"] else "", style="red"),
            took(trace["duration_ms"]),
            safe(trace["name"], length=80),
        )
    return Group(table, Text(_shown(page, "traces"), style="dim"))


def _shown(page: Row, what: str) -> str:
    total = page.get("total")
    return f"{len(page['items'])} of {total} {what}" if total is not None else ""


def conversation(thread: Row, turns: list[Row]) -> RenderableType:
    """Return a conversation, turn by turn."""
    facts = [
        f"{thread['turn_count']} turns",
        f"{thread['trace_count']} traces",
        f"{count(thread['usage']['total_tokens'])} tokens",
        dollars(thread["cost_usd"], partial=thread["cost_is_partial"]),
        took(thread["duration_ms"]),
        thread["status"],
    ]
    head = Text.assemble(
        safe(thread["thread_id"], style="bold"),
        "  ",
        safe(" · ".join(fact for fact in facts if fact), style="dim"),
        "\n",
        safe(f"id from {thread['thread_id_source']}", style="dim"),
    )
    return Group(head, *(_turn(turn) for turn in turns))


def _turn(turn: Row) -> RenderableType:
    lines = Text()
    lines.append_text(Text("User       ", style="cyan"))
    lines.append_text(safe(turn["user"] or "(not captured)"))
    for call in turn["tool_calls"]:
        lines.append("\n")
        lines.append_text(Text("Tool       ", style="magenta"))
        lines.append_text(
            safe(f"{call['name']}({_short(call['arguments'])}) → {_short(call['result'])}")
        )
    if turn["error"]:
        lines.append("\n")
        lines.append_text(Text("Error      ", style="red"))
        words = ": ".join(
            part for part in (turn["error"]["type"], turn["error"]["message"]) if part
        )
        lines.append_text(safe(words or "error"))
    if turn["assistant"]:
        lines.append("\n")
        lines.append_text(Text("Assistant  ", style="green"))
        lines.append_text(safe(turn["assistant"]))
    facts = [took(turn["duration_ms"]), ", ".join(turn["models"]), dollars(turn["cost_usd"])]
    title = safe(f"turn {turn['turn_index']}  " + " · ".join(f for f in facts if f), length=76)
    return Panel(lines, title=title, title_align="left", border_style="dim")


def trace(found: Row) -> RenderableType:
    """Return a trace: its turns, then the tree of its spans."""
    tree = Tree(safe(f"trace {found['trace_id']}", style="bold"))
    branches = {-1: tree}
    for span in found["spans"]:
        label = Text.assemble(
            safe(span["name"], length=70, style="red" if span["status_code"] == "error" else ""),
            "  ",
            Text(took(span["duration_ms"]), style="dim"),
            "  ",
            safe(span["scope_name"], length=40, style="dim"),
        )
        branches[span["depth"]] = branches[span["depth"] - 1].add(label)
    return Group(*(_turn(turn) for turn in found["turns"]), tree)


def settings(rows: list[Row]) -> RenderableType:
    """Return every setting with its value and source."""
    table = _table(("setting", {"no_wrap": True}), ("value", {"overflow": "fold"}), ("from", {}))
    for row in rows:
        value = ", ".join(row["value"]) if isinstance(row["value"], tuple) else row["value"]
        table.add_row(
            row["name"], safe("" if value is None else value), safe(row["source"], style="dim")
        )
    return table


def doctor(status: Row, found: list[Row]) -> RenderableType:
    """Return what arrived and what keeps it out of threads."""
    head = Text(
        f"{status['spans']} spans, {status['traces']} traces, {status['threads']} threads, "
        f"{status['turns']} turns; derived {status['derived_sequence']} of "
        f"{status['committed_sequence']} commits"
    )
    if not found:
        return Group(
            head,
            Text(
                "\nNothing arrived yet. Point an exporter here:\n"
                "  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 "
                "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
                "and flush it before the program ends."
            ),
        )
    table = _table(
        ("instrumentation", {"overflow": "fold", "ratio": 3}),
        ("spans", RIGHT),
        ("traces", RIGHT),
        ("in threads", RIGHT),
        ("id from", {"overflow": "fold", "ratio": 2}),
    )
    table.expand = True
    for row in found:
        table.add_row(
            safe(f"{row['scope_name'] or '(no scope)'} {row['scope_version']}"),
            str(row["span_count"]),
            str(row["trace_count"]),
            str(row["traces_with_thread"]),
            safe(", ".join(row["thread_id_sources"] or [])),
        )
    return Group(head, Text(), table, *_advice(found))


def _advice(found: list[Row]) -> list[Text]:
    advice = []
    for row in found:
        name = row["scope_name"] or "(no scope)"
        without = row["trace_count"] - row["traces_with_thread"]
        if without and row["traces_with_calls"]:
            advice.append(
                f"{name}: {without} of {row['trace_count']} traces carry no conversation id. "
                "Set the span attribute gen_ai.conversation.id (or session.id) on any span of them."
            )
        if row["traces_without_content"]:
            advice.append(
                f"{name}: {row['traces_without_content']} traces hold no message texts. Content "
                "capture is off: OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only "
                "(or true, for older packages) turns it on."
            )
        if row["spans_from_the_future"]:
            advice.append(
                f"{name}: {row['spans_from_the_future']} spans start after they arrived: "
                "a sender's clock is ahead."
            )
        if row["spans_ending_before_start"]:
            advice.append(
                f"{name}: {row['spans_ending_before_start']} spans end before they start: "
                "a sender's clock stepped back."
            )
    return [Text.assemble("\n", Text("• ", style="yellow"), safe(line)) for line in advice]


def count(value: int | None) -> str:
    """Return 1.2k for 1234; nothing for unknown."""
    if value is None:
        return ""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.1f}{unit}"
    return str(value)


def dollars(value: float | None, *, partial: bool = False) -> str:
    """Return $0.0012; nothing for unknown; ≥ before what is partial."""
    if value is None:
        return ""
    text = f"${value:.2f}" if value >= 1 else f"${value:.2g}" if value >= 0.001 else f"${value:.1e}"
    return f"≥{text}" if partial else text


def took(duration_ms: float | None) -> str:
    """Return 12 ms, 1.2 s, 3 min, 2.5 h."""
    if duration_ms is None:
        return ""
    if duration_ms < 1000:
        return f"{duration_ms:.0f} ms"
    seconds = duration_ms / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def ago(time: str) -> str:
    """Return how long ago a time is: 5 s, 3 min, 2 h, 4 d."""
    moment = datetime.datetime.fromisoformat(time)
    seconds = max(0.0, (datetime.datetime.now(datetime.UTC) - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _short(value: Any) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:199] + "…"
