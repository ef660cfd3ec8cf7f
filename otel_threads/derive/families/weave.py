"""W&B Weave: OpenTelemetry's attributes, and its own thread.

Source: github.com/wandb/weave, OpenTelemetry attributes.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.ranks import ThreadId, ThreadIdRank

FAMILY = Family(
    name="weave",
    source="wandb/weave, OpenTelemetry attributes",
    thread_ids=(ThreadId("wandb.thread_id", ThreadIdRank.VENDOR),),
)
