"""Model requests that no family calls one: a span is known by its facts, not by its operation.

`llm_call`, `handle_responses`, `fetch_response`: every library has its own word. What a model
request has is a model and tokens; where spans below have these, too, they are the requests.
"""

from collections.abc import Mapping

from otel_threads.derive import span_facts
from otel_threads.derive.family import UNKNOWN
from otel_threads.derive.span_facts import Facts
from otel_threads.derive.tree import Tree

# Kinds that other spans than model requests have, and that may count tokens of their own.
OTHERS = frozenset(
    {
        "tool",
        "retriever",
        "embedding",
        "reranker",
        "guardrail",
        "evaluator",
        "prompt",
        "event",
        "other",
    }
)


def find_calls(tree: Tree, facts: dict[str, Facts]) -> None:
    """Make model requests of the spans that have tokens and none below them that does.

    An agent whose requests are not told, or tell no tokens, has the sum of its turn: it stands for
    them. A failed span with a model, and none below it, is a request that never counted.
    """
    requests = {s.span_id for s in tree.spans if facts[s.span_id].kind == "llm"}
    counting = {span_id for span_id in requests if facts[span_id].usage}
    telling, around = _below(tree, requests), _below(tree, counting)
    if len(counting) < len(requests):
        around |= _give_sums(tree, facts, telling - around)
    for span in reversed(tree.spans):  # children come before parents
        known = facts[span.span_id]
        if _is_unnamed_tool(known):
            facts[span.span_id] = Facts("tool", known.family, known.plan, known.values, UNKNOWN)
            continue
        if known.kind == "llm" or known.kind in OTHERS or span.span_id in telling:
            continue
        is_again = tree.parent.get(span.span_id) in around and known.get("request_model") is None
        if is_again or not _counts(known):
            continue  # it only counts again what the request beside it counts, or counts nothing
        usage = span_facts.usage_of(span, known)
        is_failed = span.status_code == "error" and known.get("request_model") is not None
        if usage or (is_failed and known.kind not in ("agent", "chain")):
            facts[span.span_id] = Facts("llm", known.family, known.plan, known.values, usage)
            telling |= _below(tree, {span.span_id})


def _is_unnamed_tool(known: Facts) -> bool:
    return known.kind is None and bool(known.get("tool_name") and known.get("tool_call_id"))


def _give_sums(tree: Tree, facts: dict[str, Facts], over: set[str]) -> set[str]:
    """Give the last of the requests that count nothing the sum of the agent over them.

    `over` are the spans over such requests alone. Returns those over which one counts now. Where a
    request failed, an agent's sum may be that of earlier turns: some never begin anew.
    """
    counting: set[str] = set()
    for span in tree.spans:  # parents come before children: the sum of all is the outermost's
        known = facts[span.span_id]
        if span.span_id not in over or known.kind == "llm" or known.kind in OTHERS:
            continue
        usage = span_facts.usage_of(span, known) if _counts(known) else UNKNOWN
        inside = _inside(tree, span.span_id) if usage else set()
        below = [one.span_id for one in tree.spans if one.span_id in inside]
        requests = [one for one in below if facts[one].kind == "llm"]
        if requests and all(tree.by_id[one].status_code != "error" for one in requests):
            told = facts[requests[-1]]
            facts[requests[-1]] = Facts(told.kind, told.family, told.plan, told.values, usage)
            counting.add(span.span_id)
            over = over - inside
    return _below(tree, counting) | counting


def _inside(tree: Tree, span_id: str) -> set[str]:
    found: set[str] = set()
    stack = [span_id]
    while stack:
        for child in tree.children.get(stack.pop(), ()):
            if child.span_id not in found:
                found.add(child.span_id)
                stack.append(child.span_id)
    return found


def _counts(known: Facts) -> bool:
    values: Mapping[str, object] = known.values
    return bool(
        "input_tokens" in values
        or "output_tokens" in values
        or "request_model" in values
        or known.plan.usages
    )


def _below(tree: Tree, span_ids: set[str]) -> set[str]:
    """Return the spans over some."""
    found: set[str] = set()
    for span_id in span_ids:
        above = tree.parent.get(span_id)
        while above is not None and above not in found:
            found.add(above)
            above = tree.parent.get(above)
    return found
