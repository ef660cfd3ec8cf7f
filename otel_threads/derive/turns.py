"""Turns of one trace: one user message and everything until the assistant's final text.

Source: docs/conventions.md, section "What a turn is".
"""

import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_threads.core.model import Span
from otel_threads.core.trace_rows import ToolCallRow
from otel_threads.derive import span_facts, user_text
from otel_threads.derive.calls import Call, Error, error_of, untold_error
from otel_threads.derive.conventions import Conventions
from otel_threads.derive.family import (
    IS_ASIDE,
    TELLS_TURN,
    Message,
    Messages,
    Part,
    Role,
    kept,
    parse,
)
from otel_threads.derive.messages import as_json, last_answer, last_text, mark
from otel_threads.derive.parts import result_value
from otel_threads.derive.span_facts import Facts
from otel_threads.derive.thread_id import Found, inside_tools
from otel_threads.derive.tree import Tree

UNANSWERED_MAX = 5  # questions in a row that failed
MESSAGES_MAX = 2000  # of one turn; more is a runaway loop, and its spans are all there
TOOL_CALLS_MAX = 2000  # likewise
# Beginnings of ids of answers that a later request may name as the one that it goes on from.
CHAINED_RESPONSES = ("resp_", "resp-")
VERDICT_WORDS_MAX = 3  # "No", "safe", "is allowed"
# What a program asks of a conversation for itself, and how long such an answer is at most.
LABELLING = re.compile(r"\b(?:titles?|tags?|follow[- ]?ups?)\b", re.IGNORECASE)
LABEL_WORDS_MAX = 30
LABEL_MESSAGES_MAX = 4  # of such a request: a system prompt or two, and what it is about
QUESTIONS_MAX = 8  # of one turn, that a request for a title is held against
CHECKS_AROUND = 3  # requests before and after one that may judge it: of input, output, and a topic


@dataclass(slots=True)
class TurnPart:
    """What one trace holds of one turn. `continues`: its first request answers tool results."""

    found: Found | None
    calls: list[Call]
    outer: Span
    start_unix_nano: int
    end_unix_nano: int
    key: tuple[int, str | None] = (0, None)
    continues: bool = False
    unanswered: list[str] = field(default_factory=list)  # questions that its history leaves open
    asked: list[str] = field(default_factory=list)  # tool calls, by id, without a result here
    answers: list[str] = field(default_factory=list)  # ids of the results that it begins with
    responses: list[str] = field(default_factory=list)  # ids that later requests may go on from
    previous_responses: list[str] = field(
        default_factory=list
    )  # that its first request goes on from
    user: str | None = None
    assistant: str | None = None
    system: str | None = None
    error: Error | None = None
    messages: list[tuple[Message, str]] = field(default_factory=list)  # with the span that tells
    tool_calls: list[ToolCallRow] = field(default_factory=list)
    span_count: int = 0
    is_truncated: bool = False  # limits of the sender cut what it tells


@dataclass(slots=True)
class _Group:
    thread_id: str | None
    calls: list[Call]
    texts: list[str]
    checks: list[Call] = field(default_factory=list)  # that judge or name what is said here

    def everything(self) -> list[Call]:
        """Return all requests, oldest first."""
        return sorted((*self.calls, *self.checks), key=lambda call: call.span.start_unix_nano)


class Turns:
    """Finds the turns of one trace; used once."""

    def __init__(
        self,
        tree: Tree,
        facts: Mapping[str, Facts],
        threads: Mapping[str, Found],
        calls: Sequence[Call],
        conventions: Conventions,
    ) -> None:
        self._tree = tree
        self._conventions = conventions
        self._facts = facts
        self._threads = threads
        self._calls = calls
        self._words: dict[tuple[str, str, str | None], str | None] = {}
        self._frames = {call.span.span_id for call in calls if call.is_framed}
        self._calls_below = self._count_below()
        self._tools_above: dict[str, Span] | None = None
        self._inside_tools = inside_tools(tree, facts)
        self._prompts = [span for span in tree.spans if facts[span.span_id].kind == "prompt"]

    def parts(self) -> list[TurnPart]:
        """Return the turns in the order of their start."""
        told = [r for r in self._tree.roots if self._facts[r.span_id].get(TELLS_TURN)]
        if told:
            return sorted(self._told_parts(told), key=_order)
        groups = self._groups()
        found = [self._part(group) for group in groups] if groups else self._without_calls()
        found += self._failed_roots(found)
        return sorted(found, key=_order)

    # Traces whose root tells the turn

    def _told_parts(self, roots: Sequence[Span]) -> Iterable[TurnPart]:
        """Yield a turn for each root that tells one; the first has requests below none of them."""
        below = {one.span_id: root for root in roots for one in self._subtree(root)}
        first = min(roots, key=lambda root: (root.start_unix_nano, root.span_id))
        calls: dict[str, list[Call]] = {}
        for call in self._calls:
            root = below.get(call.span.span_id, first)
            calls.setdefault(root.span_id, []).append(call)
        for root in roots:
            yield self._told_part(root, calls.get(root.span_id, []))

    def _told_part(self, root: Span, calls: list[Call]) -> TurnPart:
        inside = self._subtree(root)
        known = self._facts[root.span_id]
        own = [c for c in calls if c.span.span_id not in self._inside_tools] or calls
        part = TurnPart(
            found=self._threads.get(root.span_id),
            calls=calls,
            outer=root,
            start_unix_nano=root.start_unix_nano,
            end_unix_nano=max(span.end_unix_nano for span in inside),
            user=known.get("turn_user"),
            assistant=known.get("turn_assistant"),
            system=next((call.system for call in own if call.system), None),
            error=error_of(root, known),
            span_count=len(inside),
            is_truncated=_is_truncated(own, inside),
        )
        _collect(part, own)
        _put_told(part)
        part.tool_calls = self._tools(part, inside)
        return part

    # Which calls belong together

    def _groups(self) -> list[_Group]:
        groups: list[_Group] = []
        by_key: dict[tuple[str | None, int, str], _Group] = {}
        latest: dict[str | None, _Group] = {}
        asides = [call for call in self._calls if self._facts[call.span.span_id].get(IS_ASIDE)]
        for call in self._calls if not asides else self._without(asides):
            thread_id = self._thread_id(call.span)
            texts = _user_texts(call)
            key = (thread_id, len(texts), texts[-1]) if texts else None
            before = latest.get(thread_id)
            if before and call.span.span_id in self._inside_tools:
                before.calls.append(call)  # a tool's, and the turn's whose model asked for the tool
                continue
            group = self._group_of(call, texts, by_key.get(key) if key else None, before)
            if group is None and before and self._is_of_sub_agent(before, call):
                before.checks.append(call)
                continue
            if group is None:
                group = _Group(thread_id, [], texts)
                groups.append(group)
            group.calls.append(call)
            latest[thread_id] = group
            if key:
                by_key[key] = group
        if len(groups) > 1:
            groups = self._with_checks(groups)
        for group in groups:
            self._put_labels_apart(group)
        return groups + self._with_asides(groups, asides)

    def _group_of(
        self, call: Call, texts: list[str], same: _Group | None, before: _Group | None
    ) -> _Group | None:
        """Return the group of a request: one of the same question, or the one before it."""
        if same is not None:
            return None if self._asks_again(same, call, texts) else same
        return before if before and self._same_turn(before, call, texts) else None

    def _without(self, asides: Sequence[Call]) -> list[Call]:
        apart = {call.span.span_id for call in asides}
        return [call for call in self._calls if call.span.span_id not in apart]

    def _with_asides(self, groups: Sequence[_Group], asides: Sequence[Call]) -> list[_Group]:
        """Put what a program asks for itself into the turns that it belongs to.

        Returns groups of those that belong to none: their turn told nothing else.
        """
        alone: list[_Group] = []
        for call in asides:
            near = (
                group
                for group in (*groups, *alone)
                if group.thread_id == self._thread_id(call.span)
                and self._common_ancestor((group.calls or group.checks)[0].span, call.span)
            )
            group = next(near, None)
            if group is None:
                group = _Group(self._thread_id(call.span), [], [])
                alone.append(group)
            group.checks.append(call)
        return alone

    def _put_labels_apart(self, group: _Group) -> None:
        """Put requests for a title, tags or data of what is said apart: they answer nobody."""
        if len(group.calls) < 2:
            return
        questions = list(dict.fromkeys(filter(None, map(_question, group.calls))))[:QUESTIONS_MAX]
        prose = {
            (_question(call), call.system): call.span.start_unix_nano
            for call in reversed(group.calls)
            if _is_answered(call) and not _is_data(call)
        }
        apart = [
            call
            for call in group.calls
            if any(_labels(call, said) for said in questions) or _extracts(call, prose)
        ]
        if apart and len(apart) < len(group.calls):
            ids = {call.span.span_id for call in apart}
            group.checks += apart
            group.calls = [call for call in group.calls if call.span.span_id not in ids]

    def _with_checks(self, groups: list[_Group]) -> list[_Group]:
        """Put requests that judge a question or an answer into the turn that these belong to.

        A guardrail asks a model about what was said: its prompt quotes it, and the verdict is a
        word or two. One span holds it and the request that it judges.
        """
        kept: list[_Group] = []
        checks: list[tuple[int, _Group]] = []
        for place, group in enumerate(groups):
            if any(self._checks(group, other) for other in _around(groups, place)):
                checks.append((place, group))
            else:
                kept.append(group)
        for place, group in checks if kept else ():
            judged = next(
                (o for o in _around(groups, place) if o in kept and self._checks(group, o)), None
            )
            if judged is None:
                kept.append(group)
            else:
                judged.checks += group.calls
        return kept or groups

    def _checks(self, group: _Group, other: _Group) -> bool:
        """Whether a request judges what another one of the same outer span was asked or said."""
        if group.thread_id != other.thread_id or len(group.calls) != 1 or len(group.texts) != 1:
            return False
        verdict = last_answer(group.calls[0].outputs)
        said = (*other.texts[-1:], last_answer(other.calls[-1].outputs))
        if any(_labels(group.calls[0], text) for text in said):
            return self._common_ancestor(other.calls[-1].span, group.calls[0].span) is not None
        if verdict is None or len(verdict.split()) > VERDICT_WORDS_MAX:
            return False
        prompt = group.texts[0]
        if not any(text and text in prompt and len(text) < len(prompt) for text in said):
            return False
        return self._common_ancestor(other.calls[-1].span, group.calls[0].span) is not None

    def _same_turn(self, group: _Group, call: Call, texts: list[str]) -> bool:
        """Whether a request with another last user text still serves the turn before it.

        So do the requests of sub-agents and of pipelines: one span over both holds the person's
        words, and the later request does not have the earlier one's question as its history, or
        its last text quotes these words within a prompt of its own.
        """
        has_history = (
            bool(group.texts) and len(texts) > len(group.texts) and group.texts[-1] in texts[:-1]
        )
        common = self._common_ancestor(group.calls[-1].span, call.span)
        if common is None:
            return False
        over = (common, *self._tree.ancestors(common.span_id))
        people = self._first_words(over, "user")
        if people:
            return not has_history or _quotes(texts[-1], people)
        if has_history or texts:
            return False
        if _is_answered(group.calls[-1]) and not call.inputs:
            return False  # speech to speech: each answer is to words that nobody wrote down
        # A request without readable input: part of the turn unless it has an outer span of its own.
        for span in self._tree.ancestors(call.span.span_id):
            if span is common:
                return True
            if self._human(span, "user"):
                return False
        return False

    def _agent_above(self, span: Span) -> Span | None:
        """Return the nearest agent over a span."""
        for one in self._tree.ancestors(span.span_id):
            if self._facts[one.span_id].kind == "agent":
                return one
        return None

    def _is_of_sub_agent(self, group: _Group, call: Call) -> bool:
        """Whether a request is of an agent below the one that asks for a turn itself."""
        own, main = self._agent_above(call.span), self._agent_above(group.calls[0].span)
        if own is None or main is None or own is main:
            return False
        for span in self._tree.ancestors(own.span_id):
            if span is main:
                return True
            if self._facts[span.span_id].kind == "llm":  # no agent asks for another so
                break
        return False

    def _asks_again(self, group: _Group, call: Call, texts: Sequence[str]) -> bool:
        """Whether a question that was answered is put anew, word for word, to the same agent.

        Where the provider keeps the history, nothing else tells two turns with one text apart.
        """
        last = group.calls[-1]
        if len(texts) != 1 or not _is_answered(last):
            return False
        own, before = self._agent_above(call.span), self._agent_above(last.span)
        if own is None or before is None or own is before or own.name != before.name:
            return False
        return own.parent_span_id == before.parent_span_id

    def _common_ancestor(self, one: Span, other: Span) -> Span | None:
        above = {span.span_id for span in self._tree.ancestors(one.span_id)} | {one.span_id}
        for span in self._tree.ancestors(other.span_id):
            if span.span_id in above:
                return span
        return None

    def _count_below(self) -> dict[str, int]:
        below: dict[str, int] = {}
        for call in self._calls:
            below[call.span.span_id] = below.get(call.span.span_id, 0) + 1
            for span in self._tree.ancestors(call.span.span_id):
                below[span.span_id] = below.get(span.span_id, 0) + 1
        return below

    # What a turn says

    def _part(self, group: _Group) -> TurnPart:
        everything = group.everything()
        own = [c for c in group.calls if c.span.span_id not in self._inside_tools] or group.calls
        if not own:
            return self._aside_part(everything)
        first = own[0]
        path = self._outer_path(everything)
        outer = path[0] if path else first.span
        inside = self._subtree(outer)
        part = TurnPart(
            found=self._threads.get(first.span.span_id),
            calls=everything,
            outer=outer,
            start_unix_nano=min(outer.start_unix_nano, first.span.start_unix_nano),
            end_unix_nano=max(span.end_unix_nano for span in inside),
            key=(len(group.texts), group.texts[-1] if group.texts else None),
            continues=_ends_with_tool(first.inputs),
            unanswered=_unanswered(first.inputs),
            asked=_left_open(own),
            system=next((call.system for call in own if call.system), None)
            or self._agent_system(path),
            span_count=len(inside),
        )
        self._link(part, own)
        people = self._say(part, path, own)
        part.is_truncated = self._is_cut(path) or _is_truncated(own, inside)
        self._converse(part, people, own)
        part.tool_calls = self._tools(part, inside)
        return part

    def _aside_part(self, calls: list[Call]) -> TurnPart:
        """Return the turn of which nothing came but what the program asked for itself."""
        path = self._outer_path(calls)
        part = self._outer_only(
            path[0] if path else calls[0].span, self._first_words(path, "user"), is_unread=False
        )
        part.calls = calls
        return part

    def _is_cut(self, spans: Iterable[Span]) -> bool:
        plans = ((span, self._facts[span.span_id].plan.texts) for span in spans)
        return any(user_text.is_cut(span, texts[role]) for span, texts in plans for role in texts)

    def _say(self, part: TurnPart, path: Sequence[Span], own: Sequence[Call]) -> str | None:
        """Note what was asked and answered, or failed; return a person's words of their own."""
        first, last, outer = own[0], _deciding(own), part.outer
        asked = _question(first)
        people = self._people(path, asked) or self._unwrapped(first)
        part.user = people or asked or self._prompted(first)
        # An outer error counts whatever texts there are: the answer never reached the person.
        part.error = last.error or error_of(outer, self._facts[outer.span_id])
        if last.error is None:
            answer = self._answer(last)
            told = self._first_words(path, "assistant", asked=part.user)
            is_older = told is not None and told != answer and told in _older(own)
            part.assistant = answer if told is None or is_older else told
            if part.assistant is None and part.error is None:
                part.error = untold_error(last)
        if part.user is None and not any(call.inputs for call in own):
            people = part.user = self._unread((*path, first.span), "user")
        if part.assistant is None and part.error is None and not last.outputs:
            part.assistant = self._unread((*path, last.span), "assistant")
        return people

    def _people(self, path: Sequence[Span], asked: str | None) -> str | None:
        """Return a person's words from outer spans; of several there, what the model was asked."""
        for span in path:
            if found := self._human(span, "user"):
                texts = self._facts[span.span_id].plan.texts["user"]
                is_asked = asked and asked != found and user_text.holds(span, texts, asked)
                return asked if is_asked else found
        return None

    def _unread(self, spans: Iterable[Span], role: Role) -> str | None:
        """Return what no rule understands, as it is, rather than a turn that shows nothing."""
        for span in spans:
            texts = self._facts[span.span_id].plan.texts[role]
            if found := user_text.unread(span, role, texts, self._conventions.elided):
                return found
        return None

    def _link(self, part: TurnPart, own: Sequence[Call]) -> None:
        """Note what joins a turn's part to those in other traces: tool results, responses."""
        first = own[0]
        if part.continues:
            part.answers = _results(first.inputs)
        if previous := self._facts[first.span.span_id].get("previous_response_id"):
            part.previous_responses.append(previous)
        if first.response_id and self._conventions.is_fetch(first.span):
            part.previous_responses.append(first.response_id)
            return
        part.responses += [
            call.response_id
            for call in own
            if call.response_id and call.response_id.startswith(CHAINED_RESPONSES)
        ]

    def _answer(self, call: Call) -> str | None:
        return last_answer(call.outputs) or _final_tool_text(
            call.outputs, self._conventions.final_tools
        )

    def _prompted(self, call: Call) -> str | None:
        """Return the words that a span of its own put before a request that has no input."""
        before = [
            span
            for span in self._prompts
            if span.start_unix_nano <= call.span.start_unix_nano
            and self._thread_id(span) == self._thread_id(call.span)
        ]
        for span in reversed(before):
            if text := last_text(span_facts.inputs(span, self._facts[span.span_id]), "user"):
                return text
        return None

    def _unwrapped(self, call: Call) -> str | None:
        """Return a person's words where the family of the request puts a prompt around them."""
        prompt = last_text(call.inputs, "user")
        return self._conventions.unwrapped(call.span, prompt) if prompt else None

    def _agent_system(self, path: Iterable[Span]) -> str | None:
        """Return the system prompt that only an agent's own span tells."""
        for span in path:
            known = self._facts[span.span_id]
            if known.kind == "agent" and (found := span_facts.system(span, known, [])):
                return found
        return None

    def _outer_path(self, calls: Sequence[Call]) -> list[Span]:
        """Return the thread's spans over all calls of a turn and over no other, highest first."""
        path = []
        lowest = calls[0].span
        thread_id = self._thread_id(lowest)
        for span in (lowest, *self._tree.ancestors(lowest.span_id)):
            below = self._calls_below.get(span.span_id, 0)
            if below > len(calls) or self._thread_id(span) != thread_id:
                break
            is_outside = self._facts[span.span_id].kind != "llm" or span.span_id in self._frames
            if is_outside and below == len(calls):
                path.append(span)
        return list(reversed(path))

    def _thread_id(self, span: Span) -> str | None:
        found = self._threads.get(span.span_id)
        return found.thread_id if found else None

    def _subtree(self, outer: Span) -> list[Span]:
        found, stack = [], [outer]
        while stack:
            span = stack.pop()
            found.append(span)
            stack.extend(self._tree.children.get(span.span_id, ()))
        return found

    def _human(self, span: Span, role: Role, asked: str | None = None) -> str | None:
        key = (span.span_id, role, asked)
        if key not in self._words:
            known = self._facts[span.span_id]
            is_model = known.kind in ("llm", "embedding") and span.span_id not in self._frames
            texts = known.plan.texts[role]
            self._words[key] = (
                None
                if is_model
                else user_text.words(span, role, texts, self._conventions.elided, asked=asked)
            )
        return self._words[key]

    def _first_words(
        self, path: Iterable[Span], role: Role, *, asked: str | None = None
    ) -> str | None:
        return next((found for span in path if (found := self._human(span, role, asked))), None)

    def _converse(self, part: TurnPart, people: str | None, calls: Sequence[Call]) -> None:
        """Collect the turn's messages once, with a person's words in place of a prompt's."""
        _collect(part, calls)
        if calls and part.user is None:
            _forget_questions(part, calls[0])
        self._put_words(part, people)

    def _put_words(self, part: TurnPart, people: str | None) -> None:
        first_user = next((m for m, _ in part.messages if m.role == "user"), None)
        if part.user is not None and first_user is None and not part.continues:
            part.messages.insert(0, (_text_message("user", part.user), part.outer.span_id))
        elif people and first_user is not None and first_user.text != people:
            # A template or a retrieval prompt around the person's words: show the words.
            others = [p for p in first_user.parts if p["type"] not in ("text",)]
            words = Message("user", [{"type": "text", "text": people}, *others])
            part.messages = [
                (words if message is first_user else message, span_id)
                for message, span_id in part.messages
            ]
        if part.assistant is not None and not any(
            m.role == "assistant" and m.text for m, _ in part.messages
        ):
            part.messages.append((_text_message("assistant", part.assistant), part.outer.span_id))

    def _tools(self, part: TurnPart, inside: Sequence[Span]) -> list[ToolCallRow]:
        """Return the tool calls of a turn with their results, joined by call id, else by order."""
        results: dict[str, Part] = {}
        without_id: deque[Part] = deque()
        requested: list[Part] = []
        for message, _ in part.messages:
            if message.is_text:
                continue
            room = TOOL_CALLS_MAX - len(requested)
            requested += message.of_type("tool_call")[:room]
            for answer in message.of_type("tool_result"):
                if answer["id"]:
                    results.setdefault(answer["id"], answer)
                else:
                    without_id.append(answer)
        spans = self._tool_spans(inside)
        if not requested:
            return [self._tool(None, None, span) for span in spans[:TOOL_CALLS_MAX]]
        waiting = _ToolSpans(spans, self._facts)
        found = []
        for call in requested:
            if call["name"] in self._conventions.final_tools:
                continue
            span = waiting.take(call)
            result: Part | None = results.get(call["id"]) if call["id"] else None
            if result is None and without_id and (without_id[0]["name"] in (None, call["name"])):
                result = without_id.popleft()
            found.append(self._tool(call, result, span))
        return found

    def _tool_spans(self, inside: Sequence[Span]) -> list[Span]:
        """Return the spans that ran tools, oldest first; of two that report one run, the outer."""
        tools = [span for span in inside if self._facts[span.span_id].kind == "tool"]
        if len(tools) < 2:
            return tools
        twice: set[str] = set()
        for span in tools:
            above = self._tool_above(span)
            if above is not None and self._same_run(above, span):
                told = self._facts[above.span_id].get("tool_result") is not None
                silent = self._facts[span.span_id].get("tool_result") is None
                twice.add(span.span_id if told or silent else above.span_id)
        return sorted(
            (span for span in tools if span.span_id not in twice),
            key=lambda span: (span.start_unix_nano, span.span_id),
        )

    def _tool_above(self, span: Span) -> Span | None:
        """Return the nearest tool span over a span.

        Found for all spans at once: looked for one by one, a chain of two hundred models over
        50,000 tools was climbed two hundred times by each of them, for each of the models.
        """
        if self._tools_above is None:
            above: dict[str, Span] = {}
            for one in self._tree.spans:  # parents come before children
                parent = self._tree.parent.get(one.span_id)
                if parent is None:
                    continue
                if self._facts[parent].kind == "tool":
                    above[one.span_id] = self._tree.by_id[parent]
                elif parent in above:
                    above[one.span_id] = above[parent]
            self._tools_above = above
        return self._tools_above.get(span.span_id)

    def _same_run(self, one: Span, other: Span) -> bool:
        """Whether two tool spans, one inside of the other, tell of the same tool and arguments."""
        facts = self._facts[one.span_id], self._facts[other.span_id]
        names = [f.get("tool_name") or s.name for f, s in zip(facts, (one, other), strict=True)]
        if names[0] != names[1]:
            return False
        given = [known.get("tool_arguments") for known in facts]
        return None in given or mark(parse(given[0])) == mark(parse(given[1]))

    def _tool(self, call: Part | None, result: Part | None, span: Span | None) -> ToolCallRow:
        known = self._facts[span.span_id] if span else None
        name, arguments = (call["name"], call["arguments"]) if call else (None, None)
        if span and known:
            name = name or known.get("tool_name") or span.name
            if arguments is None:
                arguments = known.get("tool_arguments")
                if arguments is None:
                    arguments = known.get("span_input")
        value = result["result"] if result and result["id"] else None
        if value in (None, "") and span and known:
            value = known.get("tool_result")
            if value is None:
                value = known.get("span_output")
        if value is None and result:  # without an id it is only probably this call's
            value = result["result"]
        error = error_of(span, known) if span and known else None
        return {
            "id": call["id"] if call else known.get("tool_call_id") if known else None,
            "name": name,
            "arguments": kept(parse(arguments)),
            "result": kept(result_value(value)),
            "error": None if error is None else {"type": error.type, "message": error.message},
        }

    # Traces without a model request that can be read

    def _without_calls(self) -> list[TurnPart]:
        found = []
        stack = list(reversed(self._tree.roots))
        while stack:
            span = stack.pop()
            known = self._facts[span.span_id]
            user = self._human(span, "user") if known.kind in ("agent", "chain", None) else None
            if user is None:
                stack.extend(reversed(self._tree.children.get(span.span_id, ())))
            elif known.kind or span.span_id in self._threads:
                found.append(self._outer_only(span, user))
        return found or self._without_words() or self._unread_roots()

    def _without_words(self) -> list[TurnPart]:
        """Return one turn a thread for agents that ran and told nothing of what was said.

        An agent inside of another is part of its turn.
        """
        agents: dict[str | None, list[Span]] = {}
        inside: set[str] = set()
        for span in self._tree.spans:  # parents come before children
            if self._tree.parent.get(span.span_id) in inside:
                inside.add(span.span_id)
            elif self._facts[span.span_id].kind == "agent":
                inside.add(span.span_id)
                agents.setdefault(self._thread_id(span), []).append(span)
        found = []
        for thread_id, some in agents.items():
            outer = some[0]
            for span in self._tree.ancestors(outer.span_id):
                if self._thread_id(span) != thread_id:
                    break
                outer = span
            part = self._outer_only(outer, self._unread(some, "user"))
            failed = (error_of(span, self._facts[span.span_id]) for span in reversed(some))
            part.error = part.error or next((error for error in failed if error), None)
            found.append(part)
        return found

    def _unread_roots(self) -> list[TurnPart]:
        """Return one turn for each root of a thread that holds only what no rule understands."""
        found = []
        for root in self._tree.roots:
            is_outer = self._facts[root.span_id].kind in ("agent", "chain")
            if not is_outer or root.span_id not in self._threads:
                continue
            if self._tool_spans(self._subtree(root)):  # it brings results, as a part of a turn
                continue
            part = self._outer_only(root, self._unread((root,), "user"))
            if part.user is not None or part.assistant is not None:
                found.append(part)
        return found

    def _failed_roots(self, found: Sequence[TurnPart]) -> list[TurnPart]:
        """Return one turn for each root of a thread that failed before it asked a model."""
        told = {part.outer.span_id for part in found}
        for part in found:
            told.update(span.span_id for span in self._tree.ancestors(part.outer.span_id))
        failed = [
            root
            for root in self._tree.roots
            if root.span_id in self._threads
            and root.span_id not in told
            and not self._calls_below.get(root.span_id)
            and error_of(root, self._facts[root.span_id]) is not None
            and not any(_is_of(part, root) for part in found if part.error)
        ]
        true_roots = [root for root in failed if root.parent_span_id is None]
        # Spans whose parent never came may all belong to one turn, and to one that is told.
        orphans = [] if found or true_roots else failed[:1]
        return [self._outer_only(root, None) for root in (*true_roots, *orphans)]

    def _outer_only(self, span: Span, user: str | None, *, is_unread: bool = True) -> TurnPart:
        inside = self._subtree(span)
        error = error_of(span, self._facts[span.span_id])
        part = TurnPart(
            found=self._threads.get(span.span_id),
            calls=[],
            outer=span,
            start_unix_nano=span.start_unix_nano,
            end_unix_nano=max(one.end_unix_nano for one in inside),
            user=user,
            error=error,
            span_count=len(inside),
            is_truncated=_is_truncated((), inside) or self._is_cut((span,)),
        )
        if error is None:
            part.assistant = self._human(span, "assistant", user)
            if part.assistant is None and is_unread:
                part.assistant = self._unread((span,), "assistant")
        self._converse(part, None, ())
        part.tool_calls = self._tools(part, inside)
        return part


class _ToolSpans:
    """The spans that ran tools, to be taken by the calls that asked for them, each once."""

    def __init__(self, spans: Sequence[Span], facts: Mapping[str, Facts]) -> None:
        self._by_id: dict[str, Span] = {}
        self._by_name: dict[str, deque[Span]] = {}
        self._taken: set[str] = set()
        for span in spans:
            known = facts[span.span_id]
            if known.get("tool_call_id"):
                self._by_id.setdefault(known.get("tool_call_id"), span)
            for name in {known.get("tool_name"), span.name} - {None}:
                self._by_name.setdefault(name, deque()).append(span)

    def take(self, call: Part) -> Span | None:
        """Return the span of a call: by its id, else the first of its name that is left."""
        span = self._by_id.get(call["id"]) if call["id"] else None
        if span is None or span.span_id in self._taken:
            named = self._by_name.get(call["name"] or "", deque())
            while named and named[0].span_id in self._taken:
                named.popleft()
            span = named.popleft() if named else None
        if span is not None:
            self._taken.add(span.span_id)
        return span


def _order(part: TurnPart) -> tuple[int, str]:
    return part.start_unix_nano, part.outer.span_id


def _put_told(part: TurnPart) -> None:
    """Put what the root tells around what its requests did: their prompts are not the person's."""
    between = [
        (message, at) for message, at in part.messages if message.role in ("assistant", "tool")
    ]
    while between and between[-1][0].is_words:
        between.pop()  # the answer, which the root tells
    part.messages = between
    if part.user is not None:
        part.messages.insert(0, (_text_message("user", part.user), part.outer.span_id))
    if part.assistant is not None:
        part.messages.append((_text_message("assistant", part.assistant), part.outer.span_id))


def _is_of(part: TurnPart, root: Span) -> bool:
    """Whether a turn took place while a span ran: its own parents never came, or were cut off."""
    return root.start_unix_nano <= part.start_unix_nano <= root.end_unix_nano


def _around(groups: Sequence[_Group], place: int) -> list[_Group]:
    """Return the groups near one, itself left out."""
    return [
        *groups[max(0, place - CHECKS_AROUND) : place],
        *groups[place + 1 : place + 1 + CHECKS_AROUND],
    ]


def _deciding(calls: Sequence[Call]) -> Call:
    """Return the request that tells how a turn ended: the last one that was sent.

    But where that failed while another one of the same question went on and was answered (one of
    several at once was given up), it is the answered one.
    """
    last = calls[-1]
    if last.error is None:
        return last
    answered = (
        call
        for call in calls
        if call.error is None
        and _is_answered(call)
        and call.span.end_unix_nano > last.span.end_unix_nano
        and call.inputs == last.inputs
    )
    return next(answered, last)


def _user_texts(call: Call) -> list[str]:
    """Return what a request's history holds of the person; one without words is an empty text."""
    return [
        text or ""
        for message in call.inputs
        if message.role == "user" and ((text := message.text) is not None or not message.parts)
    ]


def _labels(call: Call, said: str | None) -> bool:
    """Whether a request asks for a title, tags or the like of what was said: it quotes that."""
    if not said or len(call.inputs) > LABEL_MESSAGES_MAX:
        return False
    texts = _user_texts(call)
    if len(texts) != 1 or said == texts[0] or said not in texts[0]:
        return False
    answer = last_answer(call.outputs)
    if answer is not None and len(answer.split()) > LABEL_WORDS_MAX:
        return False
    instruction = f"{call.system or ''} {texts[0].replace(said, ' ')}"
    return LABELLING.search(instruction) is not None


def _is_data(call: Call) -> bool:
    """Whether what a request was answered is JSON, and no words."""
    answer = last_answer(call.outputs)
    return answer is not None and isinstance(parse(answer), dict | list)


def _extracts(call: Call, prose: Mapping[tuple[str | None, str | None], int]) -> bool:
    """Whether a request takes data out of a question that was answered in words before.

    `prose`: when requests that were answered so began, by their question and system prompt.
    """
    if not prose or (question := _question(call)) is None or not _is_data(call):
        return False
    return len(_user_texts(call)) == 1 and any(
        asked == question and system != call.system and start <= call.span.start_unix_nano
        for (asked, system), start in prose.items()
    )


def _older(calls: Sequence[Call]) -> set[str]:
    """Return answers that were given before the question of these requests, and not again."""
    older: set[str] = set()
    again: set[str | None] = {last_answer(call.outputs) for call in calls}
    for call in calls[:1]:
        is_before = False
        for message in reversed(call.inputs):
            if message.role == "user":
                is_before = True
            elif is_before and message.role == "assistant" and (text := message.text):
                older.add(text.strip())
    return {text for text in older if text not in again}


def _question(call: Call) -> str | None:
    """Return what a request was asked; None where limits took the newest question off its input."""
    inputs = call.inputs
    if inputs and inputs[-1].is_cut and inputs[-1].role != "user":
        return None
    # Attributes are told in order: what comes after the input is gone, and so may be its end.
    if call.span.dropped_attributes_count and not call.outputs and call.error is None:
        return None
    return last_text(inputs, "user")


def _collect(part: TurnPart, calls: Sequence[Call]) -> None:
    """Collect the messages of requests once, however often the history repeats them."""
    seen: set[Any] = set()
    asked: set[str | bytes] = set()  # by the model, whatever id the history gives it
    for call in calls:
        history = _since_last_user(call.inputs)
        for i, message in enumerate((*history, *call.outputs)):
            if not message.is_text:
                if i < len(history) and _is_asked(message, asked):
                    continue
                asked.update(map(_asking, message.of_type("tool_call")))
            made = _mark_of(message)
            if message.parts and made not in seen and len(part.messages) < MESSAGES_MAX:
                seen.add(made)
                part.messages.append((message, call.span.span_id))


def _forget_questions(part: TurnPart, call: Call) -> None:
    """Drop older questions where limits took the newest one: none of them is the turn's."""
    if _question(call) is None:
        part.messages = [told for told in part.messages if told[0].role != "user"]


def _is_truncated(calls: Sequence[Call], inside: Sequence[Span]) -> bool:
    """Whether limits of the sender cut what a turn tells: its texts, or its attributes."""
    if any(span.dropped_attributes_count for span in inside):
        return True
    return any(
        messages[-1].is_cut
        for call in calls
        for messages in (call.inputs, call.outputs)
        if messages
    )


def _is_answered(call: Call) -> bool:
    """Whether a request ended with words, and asked for no tool."""
    return last_answer(call.outputs) is not None and not any(
        message.of_type("tool_call") for message in call.outputs
    )


def _quotes(prompt: str, words: str) -> bool:
    """Whether a prompt has a person's words on lines of their own, and more around them."""
    return prompt.strip() != words and f"\n{words}\n" in f"\n{prompt.strip()}\n"


def _ends_with_tool(inputs: Messages) -> bool:
    return bool(inputs) and inputs[-1].role == "tool"


def _left_open(calls: Sequence[Call]) -> list[str]:
    """Return the ids of the tool calls that no later request of these brings the result of."""
    asked = dict.fromkeys(
        part["id"]
        for call in calls
        for message in call.outputs
        if not message.is_text
        for part in message.of_type("tool_call")
        if part["id"]
    )
    if asked:
        for call in calls[1:]:
            for tool_call_id in _results(call.inputs):
                asked.pop(tool_call_id, None)
    return list(asked)


def _results(inputs: Messages) -> list[str]:
    """Return the ids of the tool results since the last user message, oldest first."""
    return [
        part["id"]
        for message in _since_last_user(inputs)
        for part in message.of_type("tool_result")
        if part["id"]
    ]


def _unanswered(inputs: Messages) -> list[str]:
    """Return the texts of user messages that stand directly before the last one, oldest first."""
    last = max(_last_user(inputs), 0)
    found: list[str] = []
    for message in reversed(inputs[max(0, last - UNANSWERED_MAX) : last]):
        if message.role != "user" or (text := message.text) is None:
            break
        found.insert(0, text)
    return found


def _since_last_user(inputs: Messages) -> Messages:
    last = max(_last_user(inputs), 0)
    return [message for message in inputs[last:] if message.role != "system"]


def _last_user(inputs: Messages) -> int:
    """Return the place of the last user message; -1 where there is none."""
    for i in range(len(inputs) - 1, -1, -1):
        if inputs[i].role == "user":
            return i
    return -1


def _asking(call: Part) -> str | bytes:
    return mark([call["name"], call["arguments"]])


def _is_asked(message: Message, asked: set[str | bytes]) -> bool:
    """Whether a message of the history only repeats calls that the model was seen to make."""
    calls = message.of_type("tool_call")
    return len(calls) == len(message.parts) > 0 and all(_asking(call) in asked for call in calls)


def _mark_of(message: Message) -> Any:
    """Return what makes a message the same when it is sent again as history; hashable."""
    parts = message.parts
    if len(parts) == 1 and parts[0]["type"] == "text":  # most are: spared the JSON
        return message.role, parts[0]["text"].strip()
    said = [part for part in parts if not part.get("is_transcribed")]  # a history keeps no sound
    if len(said) < len(parts):
        return _mark_of(Message(message.role, said))
    return mark([message.role, [_mark(part) for part in parts]])


def _mark(part: Part) -> Any:
    """Return what makes a part the same part when it is sent again as history."""
    match part["type"]:
        case "tool_call":
            return ["call", part["id"], part["name"], None if part["id"] else part["arguments"]]
        case "tool_result":
            return ["result", part["id"] or part["result"]]
        case "text" | "reasoning":
            return [part["type"], part["text"].strip()]
        case _:
            return part


def _text_message(role: Any, text: str) -> Message:
    return Message(role, [{"type": "text", "text": text}])


def _final_tool_text(outputs: Messages, final_tools: Collection[str]) -> str | None:
    """Return the answer that a model gives as the argument of a tool made for it."""
    for message in reversed(outputs):
        for call in message.of_type("tool_call"):
            if call["name"] in final_tools:
                arguments = call["arguments"]
                if isinstance(arguments, dict) and arguments:
                    arguments = arguments.get("answer", next(iter(arguments.values())))
                return arguments if isinstance(arguments, str) else as_json(arguments)
    return None
