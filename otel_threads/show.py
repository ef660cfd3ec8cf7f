"""Answers as tables and text for a terminal of 80 columns and more.

Everything that came in a span goes through `Text`: never parsed as markup, and without the
control characters that could steer a terminal.
"""

import datetime
import math
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from otel_threads import terminal

Row = dict[str, Any]


def safe(value: Any, *, length: int | None = None, style: str = "") -> Text:
    """Return text with control characters escaped, on one line and cut when `length` is given."""
    text = terminal.escaped("" if value is None else str(value))
    if length is not None:
        text = " ".join(text.split())
        if len(text) > length:
            text = text[: length - 1] + "…"
    return Text(text, style=style)


def new_table(*columns: tuple[str, dict[str, Any]]) -> Table:
    """Return an empty table with heads; each has options of rich's `add_column`."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name, options in columns:
        table.add_column(name, **options)
    return table


RIGHT: dict[str, Any] = {"justify": "right", "no_wrap": True}
CUT: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}


def threads(page: Row, *, every_project: bool = False, is_narrowed: bool = False) -> RenderableType:
    """Return a page of threads, a line each; `is_narrowed`: not all were asked for."""
    if not page["items"]:
        if is_narrowed:
            return Text("No thread matches.")
        return Text("No threads yet. `otel-threads doctor` tells what arrived and what is missing.")
    project = [("project", CUT | {"ratio": 2})] if every_project else []
    table = new_table(
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
    return Group(table, Text(_shown(page, "thread"), style="dim"))


def traces(page: Row) -> RenderableType:
    """Return a page of traces, a line each."""
    if not page["items"]:
        return Text("No traces.")
    table = new_table(
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
    return Group(table, Text(_shown(page, "trace"), style="dim"))


def issues(page: Row) -> RenderableType:
    """Return a page of issues, a line each."""
    if not page["items"]:
        return Text("No issues.")
    table = new_table(
        ("issue", {"no_wrap": True}),
        ("state", {"no_wrap": True}),
        ("kind", {"no_wrap": True}),
        ("what", CUT | {"ratio": 3}),
        ("threads", RIGHT),
        ("turns", RIGHT),
        ("last seen", {"no_wrap": True}),
    )
    table.expand = True
    for one in page["items"]:
        table.add_row(
            one["issue_id"],
            "open again" if one["is_reopened"] else one["state"],
            one["kind"],
            safe(one["name"] or one["title"], length=200),
            count(one["thread_count"]),
            count(one["turn_count"]),
            ago(one["last_seen_time"]),
        )
    return Group(table, Text(_shown(page, "issue"), style="dim"))


def spans(page: Row) -> RenderableType:
    """Return a page of spans, a line each."""
    if not page["items"]:
        return Text("No spans.")
    table = new_table(
        ("trace", {"no_wrap": True}),
        ("thread", CUT | {"ratio": 2}),
        ("span", CUT | {"ratio": 3}),
        ("model", CUT | {"ratio": 2}),
        ("took", RIGHT),
        ("tokens", RIGHT),
        ("cost", RIGHT),
    )
    table.expand = True
    for span in page["items"]:
        usage = span["usage"] or {"total_tokens": None}
        table.add_row(
            span["trace_id"],
            safe(span["thread_id"] or "", length=60),
            safe(span["name"], length=80, style="red" if span["status_code"] == "error" else ""),
            safe(span["model"] or "", length=60),
            took(span["duration_ms"]),
            count(usage["total_tokens"]),
            dollars(span["cost_usd"], partial=False),
        )
    return Group(table, Text(_shown(page, "span"), style="dim"))


def _shown(page: Row, what: str) -> str:
    total = page.get("total")
    return f"{len(page['items'])} of {terminal.counted(total, what)}" if total is not None else ""


def conversation(thread: Row, turns: list[Row]) -> RenderableType:
    """Return a conversation, turn by turn."""
    facts = [
        terminal.counted(thread["turn_count"], "turn"),
        terminal.counted(thread["trace_count"], "trace"),
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
    own = [_score(score) for score in thread["scores"]]
    return Group(head, *own, *(_turn(turn) for turn in turns))


def _score(score: Row) -> Text:
    """Return a score on a line, with the reason of each author."""
    said = " · ".join(part for part in (_number(score["value"]), score["category"] or "") if part)
    reasons = score["reason_by_author"]
    several = len(score["value_by_author"]) > 1 or len(reasons) > 1
    words = [
        f"{author or 'nobody named'}: {reason}" if several else reason
        for author, reason in reasons.items()
    ]
    line = Text.assemble(Text("Score      ", style="yellow"), safe(f"{score['name']} {said}"))
    for one in words:
        line.append_text(safe(f"  {one}", style="dim"))
    return line


def _number(value: float | None) -> str:
    """Return a number as people write it: 0.8, 3, 12345.67; nothing for unknown."""
    return "" if value is None else f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"


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
    for score in turn["scores"]:
        lines.append("\n")
        lines.append_text(_score(score))
    facts = [took(turn["duration_ms"]), ", ".join(turn["models"]), dollars(turn["cost_usd"])]
    title = safe(f"turn {turn['turn_index'] + 1}  " + " · ".join(f for f in facts if f), length=76)
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
    table = new_table(("setting", {"no_wrap": True}), ("value", {"overflow": "fold"}), ("from", {}))
    for row in rows:
        value = ", ".join(row["value"]) if isinstance(row["value"], tuple) else row["value"]
        table.add_row(
            row["name"], safe("" if value is None else value), safe(row["source"], style="dim")
        )
    return table


def lake(state: Row) -> RenderableType:
    """Return how far each node has shipped, what the lake has, and what is wrong with it."""
    nodes = new_table(
        ("node", CUT | {"ratio": 2}),
        ("id", CUT),
        ("batch", RIGHT),
        ("commit", RIGHT),
        ("last", RIGHT),
    )
    for one in state["nodes"]:
        nodes.add_row(
            safe(one["node_name"], length=40),
            one["node_id"][:12],
            f"{one['batch']:,}",
            f"{one['sequence']:,}",
            safe(one["shipped_at"].isoformat(timespec="seconds")),
        )
    totals = {
        name: state[name]
        for name in ("spans", "dead_units", "files", "file_bytes", "schema_version")
    }
    parts: list[RenderableType] = [nodes, Text(), facts("lake", totals)]
    wrong = state["differences"]
    if wrong is not None:
        parts.append(Text())
        parts.append(Text("every batch is as it was shipped" if not wrong else "differences:"))
    for one in wrong or ():
        parts.append(
            safe(
                f"{one['table']}: batch {one['batch']} of {one['node_id'][:12]} was shipped with"
                f" {one['row_count']} rows and has {one['row_count_found']}, or other ones",
                style="red",
            )
        )
    return Group(*parts)


def facts(title: str, found: Row) -> RenderableType:
    """Return names and numbers, a line each."""
    table = new_table((title, {"no_wrap": True}), ("", RIGHT))
    for name, value in found.items():
        table.add_row(name, f"{value:,}" if type(value) is int else str(value).lower())
    return table


def doctor(report: Row) -> RenderableType:
    """Return what arrived, what keeps it out of threads, and what to write against it."""
    status, found = report["status"], report["instrumentations"]
    here = (
        terminal.counted(status[f"{noun}s"], noun) for noun in ("span", "trace", "thread", "turn")
    )
    commits = terminal.counted(status["committed_sequence"], "commit")
    head = Text(f"{', '.join(here)}; derived {status['derived_sequence']} of {commits}")
    if status.get("store_error"):
        head.append_text(safe(f"\nnothing is stored: {status['store_error']}", style="red"))
    if status.get("derive_error"):
        head.append_text(safe(f"\nderiving fails: {status['derive_error']}", style="red"))
    table = new_table(
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
    advice: list[RenderableType] = [_finding(finding) for finding in report["findings"]]
    if found and not advice:
        advice = [Text("\nNothing is missing.")]
    seen: list[RenderableType] = [Text(), table] if found else []
    return Group(head, *seen, *advice)


def _finding(finding: Row) -> RenderableType:
    shown: list[RenderableType] = [
        Text.assemble("\n", Text("• ", style="yellow"), safe(finding["summary"]))
    ]
    if finding["fix"]:
        shown.append(Padding(safe(finding["fix"]), (1, 0, 0, 4)))
    if finding["note"]:
        shown.append(Padding(Text(finding["note"], style="dim"), (1, 0, 0, 4)))
    if finding["trace_ids"]:
        shown.append(
            Padding(
                Text(f"for example {' '.join(finding['trace_ids'])}", style="dim"), (1, 0, 0, 4)
            )
        )
    return Group(*shown)


def count(value: int | None) -> str:
    """Return 1.2k for 1234; nothing for unknown."""
    if value is None:
        return ""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.1f}{unit}"
    return str(value)


def dollars(value: float | None, *, partial: bool = False) -> str:
    """Return $0.0012, as the page writes it; nothing for unknown; ≥ before what is partial."""
    if value is None:
        return ""
    digits = 2 if value >= 1 or value <= 0 else min(8, 1 - math.floor(math.log10(value)))
    text = "$0" if value == 0 else f"${value:.{digits}f}"
    return f"≥{text}" if partial else text


def took(duration_ms: float | None) -> str:
    """Return 12 ms, 1.23 s, 3m 05s, 2h 10m, 3d 4h, as the page writes it."""
    if duration_ms is None:
        return ""
    if duration_ms < 1000:
        return f"{duration_ms:.0f} ms"
    if duration_ms < 60_000:
        return f"{duration_ms / 1000:.{2 if duration_ms < 10_000 else 1}f} s"
    minutes, seconds = divmod(int(duration_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {seconds:02}s"


def ago(time: str) -> str:
    """Return how long ago a time is: 5 s, 3 min, 2 h, 4 d."""
    then = datetime.datetime.fromisoformat(time)
    seconds = max(0.0, (datetime.datetime.now(datetime.UTC) - then).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _short(value: Any) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:199] + "…"


def stats(found: Row) -> RenderableType:
    """Return sums and percentiles of a selection."""
    counts = [
        terminal.counted(found[f"{noun}_count"], noun)
        for noun in ("thread", "turn", "trace", "span", "error")
    ]
    counts[0] += f" ({found['active_count']} active)"
    head = Text(", ".join(counts))
    used = found["usage"]["sum"]
    tokens = Text(
        f"tokens {count(used['total_tokens'])} "
        f"(in {count(used['input_tokens'])}, out {count(used['output_tokens'])})"
        f"   cost {dollars(found['cost_usd']['sum']) or 'unknown'}"
    )
    parts: list[RenderableType] = [head, Text(), _spreads(found), Text(), tokens]
    if found["models"]:
        parts += [Text(), _models(found["models"])]
    if found["scores"]:
        parts += [Text(), _scores("score", found["scores"])]
    if found["turn_scores"]:
        parts += [Text(), _scores("score of turns", found["turn_scores"])]
    if found["series"]:
        parts += [Text(), _series(found["series"])]
    return Group(*parts)


def _series(buckets: list[Row]) -> Table:
    numbers = ((name, RIGHT) for name in ("threads", "turns", "errors", "tokens", "cost", "took"))
    shown = new_table(("from (UTC)", {"no_wrap": True}), *numbers)
    for one in buckets:
        shown.add_row(
            one["time"][:16].replace("T", " "),
            *(count(one[name]) for name in ("thread_count", "turn_count", "error_count")),
            count(one["total_tokens"]),
            dollars(one["cost_usd"]),
            took(one["duration_ms_avg"]),
        )
    return shown


def _spreads(found: Row) -> Table:
    shown = new_table(("", {}), *((name, RIGHT) for name in ("p50", "p90", "p99", "avg", "max")))
    for name, label, how in (
        ("duration_ms", "thread", took),
        ("turn_duration_ms", "turn", took),
        ("time_to_first_token_ms", "first token", took),
        ("turns_per_thread", "turns a thread", _plain),
    ):
        row = found[name]
        shown.add_row(label, *(how(row[key]) for key in ("p50", "p90", "p99", "avg", "max")))
    return shown


def _models(found: Mapping[str, Row]) -> Table:
    shown = new_table(("model", CUT), *((name, RIGHT) for name in ("calls", "in", "out", "cost")))
    for name, row in found.items():
        shown.add_row(
            safe(name, length=60),
            str(row["call_count"]),
            count(row["input_tokens"]),
            count(row["output_tokens"]),
            dollars(row["cost_usd"]),
        )
    return shown


def _scores(head: str, found: Mapping[str, Row]) -> Table:
    numbers = ((name, RIGHT) for name in ("n", "avg", "min", "max"))
    shown = new_table((head, CUT), *numbers, ("categories", CUT))
    for name, row in found.items():
        values = (_plain(row[key]) for key in ("avg", "min", "max"))
        labels = ", ".join(f"{label} {n}" for label, n in row["categories"].items())
        shown.add_row(safe(name, length=60), str(row["count"]), *values, safe(labels, length=120))
    return shown


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
