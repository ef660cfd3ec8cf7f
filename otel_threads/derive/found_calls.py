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
    telling = _below(tree, requests)
    around = _below(tree, {span_id for span_id in requests if facts[span_id].usage})
    for span in reversed(tree.spans):  # children come before parents
        known = facts[span.span_id]
        if known.kind is None and known.get("tool_name") and known.get("tool_call_id"):
            facts[span.span_id] = Facts("tool", known.family, known.plan, known.values, UNKNOWN)
            continue
        if known.kind == "llm" or known.kind in OTHERS or span.span_id in telling:
            continue
        if not _counts(known):
            continue
        if tree.parent.get(span.span_id) in around and known.get("request_model") is None:
            continue  # it only counts again what the request beside it counts
        usage = span_facts.usage_of(span, known)
        is_failed = span.status_code == "error" and known.get("request_model") is not None
        if usage or (is_failed and known.kind not in ("agent", "chain")):
            facts[span.span_id] = Facts("llm", known.family, known.plan, known.values, usage)
            telling |= _below(tree, {span.span_id})


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
