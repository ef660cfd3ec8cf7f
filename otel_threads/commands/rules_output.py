"""Rules and their decisions as tables and text for a terminal."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from otel_threads import show, terminal
from otel_threads.show import CUT, RIGHT, Row, dollars, new_table, safe


def rules(items: list[Row]) -> RenderableType:
    """Return rules, a line each."""
    if not items:
        return Text(
            "No rules. `otel-threads rules put helpful --prompt 'Was the problem solved?'`"
            " makes one."
        )
    made = new_table(
        ("rule", CUT | {"ratio": 2}),
        ("project", CUT | {"ratio": 1}),
        ("kind", CUT),
        ("scored", RIGHT),
        ("waiting", RIGHT),
        ("failed", RIGHT),
        ("today", RIGHT),
        ("state", CUT | {"ratio": 2}),
    )
    made.expand = True
    for one in items:
        counts = one["counts"]
        made.add_row(
            safe(one["name"], length=60),
            safe(one["project"], length=40),
            one["kind"],
            *(str(counts.get(state, 0)) for state in ("scored", "waiting", "failed")),
            dollars(one["cost_usd_today"]),
            _state(one),
        )
    return made


def _state(one: Row) -> Text:
    if not one["is_enabled"]:
        return Text("off", style="dim")
    return safe(one["problem"], style="red") if one["problem"] else Text("on", style="green")


def rule(one: Row, decisions: list[Row]) -> RenderableType:
    """Return a rule with what it decided."""
    facts = [
        one["kind"],
        f"version {one['version']}",
        f"judge {one['judge_version']}",
        f"{one['sampling_rate']:.0%} of threads",
        f"filter {one['filter']}" if one["filter"] else "",
        f"{dollars(one['cost_usd'])} in all",
        ", ".join(f"{n} {state}" for state, n in one["counts"].items()),
    ]
    head = Text.assemble(
        safe(one["name"], style="bold"),
        "  ",
        _state(one),
        "\n",
        safe(" · ".join(fact for fact in facts if fact), style="dim"),
    )
    what = safe(one["prompt"] or one["builtin"] or one["code"] or "")
    return Group(head, what, *([_decisions(decisions)] if decisions else []))


def _decisions(items: list[Row]) -> RenderableType:
    made = new_table(
        ("thread", CUT | {"ratio": 2}),
        ("state", CUT),
        ("cost", RIGHT),
        ("when", RIGHT),
        ("why", CUT | {"ratio": 4}),
    )
    made.expand = True
    for one in items:
        made.add_row(
            safe(one["thread_id"], length=60),
            one["state"],
            dollars(one["cost_usd"]),
            show.ago(one["decided_at"]),
            safe(one["reason"] or _scores(one["scores"]), length=200),
        )
    return made


def _scores(scores: list[Row]) -> str:
    return " · ".join(_score(one) for one in scores)


def _score(one: Row) -> str:
    given = one["category"] if one["value"] is None else f"{one['value']:g}"
    return f"{one['name']} {given}" + (f" ({one['reason']})" if one["reason"] else "")


def dry_run(found: dict[str, Any]) -> RenderableType:
    """Return what a rule would write."""
    made = new_table(
        ("thread", CUT | {"ratio": 2}), ("cost", RIGHT), ("scores", CUT | {"ratio": 5})
    )
    made.expand = True
    for one in found["scored"]:
        made.add_row(
            safe(one["thread_id"], length=60),
            dollars(one["cost_usd"]),
            safe(one["error"], length=300, style="red")
            if one["error"]
            else safe(_scores(one["scores"]), length=300),
        )
    per_day = found["estimated_cost_usd_per_day"]
    facts = [
        f"{terminal.counted(found['matched_count'], 'thread')} matching",
        f"cost {dollars(found['cost_usd']) or 'unknown'}",
    ]
    if per_day is not None:
        facts.append(f"about {dollars(per_day)} a day")
    return Group(made, Text(" · ".join(facts), style="dim"))
