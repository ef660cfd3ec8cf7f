"""What calls of models that no rule makes may cost a day (UTC): questions and names of issues.

What was spent stands in the database, so that a restart gives no new budget.
"""

import datetime
import logging
import threading

from otel_threads.core.errors import OtelThreadsError, Unavailable
from otel_threads.derive.cost import estimate_usd
from otel_threads.derive.family import Usage
from otel_threads.evaluate.model_client import ModelReply
from otel_threads.store.annotations.ask_rows import AskKind, AskRows, AskRun

logger = logging.getLogger(__name__)


class AskBudget:
    """Counts what calls cost. Any number of threads may share it."""

    def __init__(self, rows: AskRows, *, usd_per_day: float, model: str | None) -> None:
        """`model` is the one whose price counts where an answer names none."""
        self._rows = rows
        self._usd_per_day = usd_per_day
        self.model = model
        self._lock = threading.Lock()  # guards what follows
        self._day = datetime.date.min
        self._spent_usd = 0.0

    def check(self) -> None:
        """Return while something is left of today's budget.

        Raises:
            Unavailable: nothing is.
        """
        now = datetime.datetime.now(datetime.UTC)
        with self._lock:
            if self._day != now.date():
                began = now.replace(hour=0, minute=0, second=0, microsecond=0)
                self._spent_usd = self._rows.spent_usd(began)
                self._day = now.date()
            if self._spent_usd >= self._usd_per_day:
                raise Unavailable(
                    f"{self._spent_usd:.4f} of {self._usd_per_day:g} USD are spent today on "
                    "questions (judge_budget_usd_per_day)"
                )

    def spend(self, kind: AskKind, project: str | None, reply: ModelReply) -> float | None:
        """Count an answer; return what it cost, None where nobody knows."""
        usage = Usage(input_tokens=reply.input_tokens, output_tokens=reply.output_tokens)
        now = int(datetime.datetime.now(datetime.UTC).timestamp() * 1e9)
        usd = reply.reported_cost_usd
        if usd is None:
            usd = estimate_usd([reply.model, self.model], None, usage, now)
        with self._lock:
            self._spent_usd += usd or 0.0
        run = AskRun(
            kind=kind,
            project=project,
            model=reply.model or self.model,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            cost_usd=usd,
        )
        try:
            self._rows.put(run)
        except OtelThreadsError as error:  # it counts until a restart; a lake is not written
            logger.warning("the cost of a question was not stored: %s", error)
        return usd
