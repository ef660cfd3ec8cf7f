"""Looks after a lake until it is killed: CATALOG DATA."""

import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent)]

from otel_threads.core.config import Config  # noqa: E402
from otel_threads.engine import derive_again  # noqa: E402
from otel_threads.lake import owner  # noqa: E402
from otel_threads.lake.connection import place  # noqa: E402
from otel_threads.lake.lake_retention import Kept  # noqa: E402

owner.ROUND_EVERY_S = 0.1
owner.Owner(
    place(*sys.argv[1:]), derive_again(Config()), node_name="first", every_s=0.1, kept=Kept()
)
time.sleep(3600)
