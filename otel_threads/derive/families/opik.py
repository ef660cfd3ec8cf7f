"""Opik's names for tags and metadata, which its users write on spans by hand.

Source: comet.com/docs/opik, section "OpenTelemetry".
"""

from otel_threads.derive.family import Family
from otel_threads.derive.ranks import ThreadId, ThreadIdRank

FAMILY = Family(
    name="opik",
    source="comet-ml/opik, OpenTelemetry attributes",
    names={"tags": ("opik.tags",)},
    thread_ids=(ThreadId("opik.thread_id", ThreadIdRank.VENDOR),),
    metadata_prefixes=("opik.metadata.",),
)
