"""What judges get of the threads that are due: read once for all rules that wait for a thread."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from otel_threads.core.errors import Unavailable
from otel_threads.core.ports import ThreadKey
from otel_threads.core.rule import Rule, RuleContext
from otel_threads.core.thread import Thread
from otel_threads.core.turn import Turn
from otel_threads.services.rule_contexts import ContextReader, argument
from otel_threads.services.threads import ThreadService
from otel_threads.store.rules.rule_rows import DueThread

KEPT_LENGTH_MAX = 4_000_000  # characters of all that is kept for rules that have no room yet
READ_TOGETHER = 32  # threads
KEPT_S = 10.0  # a span that came late is seen after it


class Form(NamedTuple):
    """In which form a rule gets conversations: rules of one form get the same text."""

    is_judged: bool
    context: RuleContext


def form_of(rule: Rule) -> Form:
    """Return the form of a rule."""
    return Form(rule.kind == "llm_judge", rule.context)


@dataclass(slots=True)
class _Kept:
    texts: dict[Form, str] = field(default_factory=dict)
    read_at: float = field(default_factory=time.monotonic)

    @property
    def length(self) -> int:
        return sum(map(len, self.texts.values()))


class RuleConversations:
    """Reads conversations for rules. One thread uses it at a time, but for `text`."""

    def __init__(self, threads: ThreadService, contexts: Mapping[str, ContextReader]) -> None:
        """`contexts` are those that need a reader of their own."""
        self._threads = threads
        self._contexts = contexts
        self._kept: dict[tuple[ThreadKey, int], _Kept] = {}  # by thread and newest trace
        self._waiting: Sequence[DueThread] = ()
        self._rules: Mapping[str, Rule] = {}

    def expect(self, waiting: Sequence[DueThread], rules: Mapping[str, Rule]) -> None:
        """Take what waits: a thread is read in the forms of all of its rules; forget the rest."""
        self._waiting, self._rules = waiting, rules
        if self._kept:
            needed = {(due.key, due.trace_sequence) for due in waiting}
            oldest = time.monotonic() - KEPT_S
            self._kept = {
                of: kept
                for of, kept in self._kept.items()
                if of in needed and kept.read_at >= oldest
            }

    def read(self, rule: Rule, due: Iterable[DueThread]) -> list[tuple[DueThread, str]]:
        """Return what a rule gets of some threads, as JSON; threads that are gone are left out."""
        form, due = form_of(rule), list(due)
        kept = {one.key: self._kept.get((one.key, one.trace_sequence)) for one in due}
        missing = [one for one in due if form not in getattr(kept[one.key], "texts", ())]
        if missing:
            kept |= self._read(missing, form)
        found = [(one, kept[one.key]) for one in due]
        return [(one, of.texts[form]) for one, of in found if of and form in of.texts]

    def _read(self, missing: Sequence[DueThread], form: Form) -> dict[ThreadKey, _Kept | None]:
        """Read conversations in all forms that are waited for; keep what fits.

        Those that are due next are read along: one costs as much as several. Where that fails,
        only what is needed is read.
        """
        forms = {one.key: {form} for one in missing}
        ahead = (one for one in self._waiting if (one.key, one.trace_sequence) not in self._kept)
        along = {one.key: one for one in (*missing, *ahead)}
        chosen = list(along)[: max(len(forms), READ_TOGETHER)]
        along = {key: along[key] for key in chosen}
        for one in self._waiting:
            if one.key in along and (rule := self._rules.get(one.rule_id)):
                forms.setdefault(one.key, set()).add(form_of(rule))
        try:
            return self._read_all(along, forms)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001  # one thread must not keep the others
            needed = {one.key: one for one in missing}
            return self._read_all(needed, {key: {form} for key in needed})

    def _read_all(
        self, due: Mapping[ThreadKey, DueThread], forms: Mapping[ThreadKey, Iterable[Form]]
    ) -> dict[ThreadKey, _Kept | None]:
        found: dict[ThreadKey, _Kept | None] = {}
        threads = self._threads.threads_by_key(list(due))
        ordered = [threads[key] for key in due if key in threads]
        for thread, turns in self._threads.turns_of(ordered):
            key = thread.project, thread.thread_id
            kept = _Kept({one: self.text(one, thread, turns) for one in forms[key]})
            found[key] = kept
            self._keep(due[key], kept)
        return found

    def _keep(self, due: DueThread, kept: _Kept) -> None:
        """Keep what fits beside what is kept: what is due first was read first."""
        length = sum(one.length for one in self._kept.values())
        if length + kept.length <= KEPT_LENGTH_MAX:
            self._kept[due.key, due.trace_sequence] = kept

    def text(self, form: Form, thread: Thread, turns: Sequence[Turn]) -> str:
        """Return a conversation, which was read, as a rule of a form gets it: JSON."""
        return argument(
            form.context,
            thread,
            turns,
            reader=self._contexts.get(form.context),
            is_judged=form.is_judged,
            ranges=None if form.is_judged else self._threads.ranges(thread.project),
        )
