"""OpenLIT: OpenTelemetry's attributes with costs and a few of its own.

Source: github.com/openlit/openlit, sdk/python semantic conventions.
"""

from otel_threads.derive.family import Family

FAMILY = Family(
    name="openlit",
    source="openlit/openlit, sdk/python",
    names={
        "total_tokens": ("gen_ai.client.token.usage",),
        "cost_usd": ("gen_ai.usage.cost",),
        "ttft_s": ("gen_ai.server.time_to_first_token",),
    },
)
