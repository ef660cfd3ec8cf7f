"""The spans of one trace as a tree that is always sound, whatever a sender wrote."""

from collections.abc import Iterable, Sequence

from otel_threads.core.model import Span

# Deeper spans count as children of the ancestor at this depth: walks to the root stay short,
# whatever a sender wrote.
DEPTH_MAX = 200


class Tree:
    """One trace. Orphans are roots; a cycle of parents is cut at its earliest span.

    `spans` has parents before children and, among siblings, the order of start; so it depends on
    which spans there are and not on the order in which they came.
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        unique: dict[str, Span] = {}
        for span in spans:
            have = unique.get(span.span_id)
            if have is None or _version(span) > _version(have):
                unique[span.span_id] = span
        ordered = sorted(unique.values(), key=_order)
        self.parent: dict[str, str] = {}
        self.children: dict[str, list[Span]] = {}
        self.roots: list[Span] = []
        for span in ordered:
            above = span.parent_span_id
            if above is None or above not in unique or above == span.span_id:
                self.roots.append(span)
            else:
                self.parent[span.span_id] = above
                self.children.setdefault(above, []).append(span)
        self.depths: dict[str, int] = {}  # how many ancestors each span has
        self.spans: Sequence[Span] = self._walk(ordered)
        self.by_id = unique

    def _walk(self, ordered: list[Span]) -> list[Span]:
        walked: list[Span] = []
        seen: set[str] = set()
        self._descend(self.roots, walked, seen)
        for span in ordered:
            if span.span_id not in seen:  # only a cycle is left: cut it here
                above = self.parent.pop(span.span_id)
                self.children[above] = [s for s in self.children[above] if s is not span]
                self.roots.append(span)
                self._descend([span], walked, seen)
        return walked

    def _descend(self, starts: list[Span], walked: list[Span], seen: set[str]) -> None:
        stack = list(reversed(starts))
        while stack:
            span = stack.pop()
            if span.span_id in seen:
                continue
            seen.add(span.span_id)
            walked.append(span)
            above = self.parent.get(span.span_id)
            if above is not None and self.depths[above] >= DEPTH_MAX:
                above = self.parent[span.span_id] = self.parent[above]
            self.depths[span.span_id] = 0 if above is None else self.depths[above] + 1
            stack.extend(reversed(self.children.get(span.span_id, ())))

    def ancestors(self, span_id: str) -> Iterable[Span]:
        """Yield the ancestors of a span, the nearest first."""
        above = self.parent.get(span_id)
        while above is not None:
            yield self.by_id[above]
            above = self.parent.get(above)


def _order(span: Span) -> tuple[int, int, str]:
    # Longer first: a parent that starts in the same nanosecond as its child comes before it.
    return span.start_unix_nano, -span.end_unix_nano, span.span_id


def _version(span: Span) -> tuple[int, int, int, str]:
    """Order the versions of a span that was sent more than once with other content."""
    return span.end_unix_nano, -span.start_unix_nano, len(span.attributes), repr(span.attributes)
