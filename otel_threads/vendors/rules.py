"""How the records of each vendor are folded: what the engine is given."""

from collections.abc import Sequence

from otel_threads.core.record import RecordRules
from otel_threads.vendors.langsmith.rules import THREAD_KEYS, LangSmithRules
from otel_threads.vendors.opik import records as opik


def rules(thread_metadata_keys: Sequence[str] = ()) -> tuple[RecordRules, ...]:
    """Return the rules of all vendors.

    `thread_metadata_keys` are the metadata that name the thread of a run, the first that is there
    counts; none for the documented ones.
    """
    return (opik.RULES, LangSmithRules(thread_metadata_keys or THREAD_KEYS))


RULES = rules()
