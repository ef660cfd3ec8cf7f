"""Evaluations as tables for people."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from otel_threads import terminal
from otel_threads.show import CUT, RIGHT, Row, ago, dollars, new_table, safe

ITEMS_SHOWN = 20


def evaluation(run: Row) -> RenderableType:
    """Return a run: what it was of, and its scores."""
    counts = run["counts"]
    of = (
        f"data set {run['dataset']} version {run['dataset_version']}"
        if run["dataset"]
        else (f"threads of {run['project']}" + (f" with {run['filter']}" if run["filter"] else ""))
    )
    told = [
        of,
        f"{counts['scored']} scored",
        f"{counts['failed']} failed",
        dollars(run["cost_usd"]),
    ]
    head = Text.assemble(
        safe(run["name"], style="bold"),
        safe(f"  {run['evaluation_id']}\n", style="dim"),
        safe(" · ".join(one for one in told if one), style="dim"),
    )
    shown = new_table(
        ("score", CUT),
        *((name, RIGHT) for name in ("n", "mean", "min", "max")),
        ("categories", CUT),
    )
    for name, score in run["scores"].items():
        labels = ", ".join(f"{label} {n}" for label, n in score["categories"].items())
        numbers = (number(score[key]) for key in ("mean", "min", "max"))
        shown.add_row(
            safe(name, length=60), str(score["count"]), *numbers, safe(labels, length=120)
        )
    return Group(head, Text(), shown)


def comparison(found: Row) -> RenderableType:
    """Return what two runs differ in: a line a score, then the items with the greatest loss."""
    base, candidate = found["base"], found["candidate"]
    head = Text.assemble(
        safe(f"{base['name']} ({base['evaluation_id']})"),
        " → ",
        safe(f"{candidate['name']} ({candidate['evaluation_id']})"),
    )
    scores = new_table(
        ("score", CUT),
        *((name, RIGHT) for name in ("base", "candidate", "difference", "95 %", "p", "pairs")),
        ("better/worse", RIGHT),
    )
    for name, one in found["scores"].items():
        scores.add_row(safe(name, length=60), *_numbers(one))
    parts: list[RenderableType] = [head, Text(), scores]
    if not found["scores"]:
        parts.append(Text("The runs have no score of one item in common."))
    for count, run in ((found["only_in_base"], base), (found["only_in_candidate"], candidate)):
        if count:
            which = terminal.counted(count, "item")
            parts.append(safe(f"{which} in {run['name']} alone", style="dim"))
    lost = [one for one in found["items"] if one["loss"] > 0][:ITEMS_SHOWN]
    if lost:
        parts += [Text(), _items(lost)]
    return Group(*parts)


def _numbers(one: Row) -> list[str]:
    low, high = one["confidence_interval"] or (None, None)
    return [
        number(one["base_mean"]),
        number(one["candidate_mean"]),
        f"{one['difference']:+.4g}",
        f"{number(low)} … {number(high)}",
        f"{one['p_value']:.2g}",
        str(one["pair_count"]),
        f"{one['better_count']}/{one['worse_count']}",
    ]


def _items(items: Sequence[Row]) -> Table:
    shown = new_table(
        ("lost most", CUT | {"ratio": 2}),
        ("score", CUT | {"ratio": 1}),
        *((name, RIGHT) for name in ("base", "candidate", "difference")),
    )
    for one in items:
        shown.add_row(
            safe(one["thread_id"] or one["item_id"], length=80),
            safe(one["name"], length=60),
            number(one["base"]),
            number(one["candidate"]),
            f"{one['difference']:+.4g}",
        )
    return shown


def datasets(found: Sequence[Row]) -> RenderableType:
    """Return data sets, a line each."""
    if not found:
        return Text("No data sets. `otel-threads datasets create NAME` makes one of threads.")
    shown = new_table(
        ("name", CUT), ("version", RIGHT), ("items", RIGHT), ("made", RIGHT), ("of", CUT)
    )
    for one in found:
        of = ", ".join(f"{key} {value}" for key, value in one["source"].items() if value)
        shown.add_row(
            safe(one["name"], length=60),
            str(one["version"]) + ("" if one["is_complete"] else " (incomplete)"),
            str(one["item_count"]),
            ago(one["created_at"]),
            safe(of, length=80),
        )
    return shown


def dataset(versions: Sequence[Row], items: Sequence[Row]) -> RenderableType:
    """Return the versions of a data set, and the items of one."""
    shown = new_table(("item", CUT), ("messages", RIGHT), ("expected", CUT))
    for one in items[:ITEMS_SHOWN]:
        expected = "" if one["expected"] is None else str(one["expected"])
        shown.add_row(
            safe(one["item_id"], length=60), str(len(one["messages"])), safe(expected, length=80)
        )
    more = len(items) - ITEMS_SHOWN
    parts: list[RenderableType] = [datasets(versions), Text(), shown]
    if more > 0:
        parts.append(Text(f"and {more} more", style="dim"))
    return Group(*parts)


def definitions(found: Sequence[Row]) -> RenderableType:
    """Return how scores are given, a line each."""
    if not found:
        return Text("No score definitions. `otel-threads scores define` makes one.")
    shown = new_table(
        ("name", CUT), ("kind", CUT), ("values", CUT), ("better", CUT), ("description", CUT)
    )
    for one in found:
        labels = ", ".join(label["label"] for label in one["categories"] or ())
        bounds = f"{number(one['min'])} … {number(one['max'])}" if one["kind"] == "numeric" else ""
        shown.add_row(
            safe(one["name"], length=60),
            one["kind"],
            safe(labels or bounds, length=80),
            one["better"] or "",
            safe(one["description"], length=80),
        )
    return shown


def queues(found: Sequence[Row]) -> RenderableType:
    """Return review queues, a line each."""
    if not found:
        return Text("No review queues. `otel-threads reviews create` makes one.")
    shown = new_table(
        ("queue", CUT),
        ("name", CUT),
        ("done", RIGHT),
        ("of", RIGHT),
        ("scores", CUT),
        ("threads", CUT),
    )
    for one in found:
        threads = one["filter"] if one["thread_ids"] is None else "by hand"
        shown.add_row(
            one["queue_id"],
            safe(one["name"], length=60),
            str(one["done_count"]),
            str(one["total_count"]),
            safe(", ".join(one["score_names"]), length=60),
            safe(threads, length=60),
        )
    return shown


def agreement(found: Row) -> RenderableType:
    """Return how far reviewers agree, a line a score."""
    shown = new_table(
        ("score", CUT), *((name, RIGHT) for name in ("alpha", "same", "threads", "reviewers"))
    )
    for one in found["items"]:
        same = "" if one["agreement"] is None else f"{one['agreement']:.0%}"
        shown.add_row(
            safe(one["name"], length=60),
            number(one["alpha"]),
            same,
            str(one["thread_count"]),
            str(one["reviewer_count"]),
        )
    return shown


def number(value: float | None) -> str:
    """Return a number with four digits that tell something; nothing for unknown."""
    return "" if value is None else f"{value:.4g}"
