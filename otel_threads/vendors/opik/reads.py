"""All of Opik's calls but those that send traces and spans."""

from otel_threads.services.services import Services
from otel_threads.vendors.call import Route
from otel_threads.vendors.opik import (
    attachment_routes,
    comment_routes,
    environment_routes,
    rule_routes,
    score_routes,
    span_routes,
    thread_routes,
    trace_routes,
    workspace_routes,
)
from otel_threads.vendors.opik.door import door


def routes(services: Services) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    calls = door(services)
    return (
        *thread_routes.routes(calls),
        *score_routes.routes(calls),
        *comment_routes.routes(calls),
        *trace_routes.routes(calls),
        *span_routes.routes(calls),
        *workspace_routes.routes(calls),
        *attachment_routes.routes(calls),
        *environment_routes.routes(calls),
        *rule_routes.routes(calls),
    )
