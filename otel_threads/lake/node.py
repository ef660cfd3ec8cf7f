"""What a server has of the lake that it ships to."""

import socket
from collections.abc import Callable

from otel_threads import metrics
from otel_threads.core.config import Config
from otel_threads.core.ports import Intake
from otel_threads.core.status import LakeProgress
from otel_threads.database.database import Database
from otel_threads.lake.acknowledging import AcknowledgingIntake
from otel_threads.lake.applying import Annotating, Applier, Delete, TakesRules
from otel_threads.lake.connection import place
from otel_threads.lake.homes import LakeHomes
from otel_threads.lake.joining import Derive
from otel_threads.lake.lake_retention import Kept
from otel_threads.lake.owner import Judge, Owner
from otel_threads.lake.shipper import Shipper, ShippingLoop
from otel_threads.store import outbox

ACKNOWLEDGE_EVERY_S = 0.2  # while senders wait for the lake


def kept_in_lake(config: Config) -> Kept:
    """Return how long the lake keeps what, as the settings say."""
    return Kept(config.lake_retention_days, config.lake_retention_of_projects)


class Node:
    """Ships a server's file, from its start to its stop."""

    def __init__(
        self,
        database: Database,
        config: Config,
        derive: Derive,
        *,
        annotating: Annotating,
        delete: Delete,
        rules: TakesRules,
        judge: Judge,
    ) -> None:
        """Note changes from here on, and ship them; be the lake's owner if nobody else is.

        `derive` derives all that a file has; `annotating`, `delete` and `rules` do here what was
        done elsewhere; `judge` runs rules on joined threads.
        """
        outbox.begin(database)
        self._where = place(config.lake_catalog, config.lake_data)
        self._shipper = Shipper(
            database,
            self._where,
            applier=Applier(database, annotating, delete, rules),
            keeps_pruned=config.lake_keeps_pruned,
        )
        self._acknowledging: AcknowledgingIntake | None = None
        self._is_awaited = config.lake_acknowledge == "lake"
        every_s = config.lake_ship_every_s
        if self._is_awaited:
            every_s = min(every_s, ACKNOWLEDGE_EVERY_S)
        self._loop = ShippingLoop(self._shipper, every_s=every_s)
        self._owner = Owner(
            self._where,
            derive,
            node_name=socket.gethostname(),
            every_s=config.lake_ship_every_s,
            kept=kept_in_lake(config),
            judge=judge,
        )
        self.homes = LakeHomes(self._where, lambda: self._shipper.state)

    def before(self, intake: Intake, committed: Callable[[], int]) -> Intake:
        """Return what receivers submit to: the intake, or one whose answers wait for the lake.

        `committed` is the number of the last commit.
        """
        if not self._is_awaited:
            return intake
        self._acknowledging = AcknowledgingIntake(
            intake, committed=committed, shipped=lambda: self._shipper.state.sequence
        )
        return self._acknowledging

    def stop_answering(self) -> None:
        """Let senders that wait for the lake go: they send again."""
        if self._acknowledging:
            self._acknowledging.close()

    def progress(self) -> LakeProgress:
        """Return how far shipping is."""
        found = self._shipper.look()
        return LakeProgress(
            node_id=found.node_id,
            shipped_sequence=found.sequence,
            waiting_changes=found.entries,
            behind_s=found.behind_s,
            shipped_at=found.shipped_at,
            error=found.error,
        )

    def refresh_metrics(self) -> None:
        """Bring the gauges up to date."""
        found = self._shipper.look()
        metrics.LAKE_BEHIND_SECONDS.set(found.behind_s)
        metrics.LAKE_WAITING_CHANGES.set(found.entries)

    def close(self) -> None:
        """Ship no more: what is left is shipped after the next start."""
        self._owner.stop()
        self._loop.close()
        self.homes.close()
