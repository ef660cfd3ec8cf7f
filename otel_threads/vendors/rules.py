"""How the records of each vendor are folded: what the engine is given."""

from otel_threads.core.record import RecordRules
from otel_threads.vendors.opik import records as opik

RULES: tuple[RecordRules, ...] = (opik.RULES,)
