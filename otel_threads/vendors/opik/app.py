"""All of Opik's calls together."""

from starlette.responses import Response

from otel_threads.core.ports import Intake
from otel_threads.services.services import Services
from otel_threads.vendors.call import Call, Right, Route, json_response
from otel_threads.vendors.doors import Vendor
from otel_threads.vendors.opik import errors, reads
from otel_threads.vendors.opik.writes import Writes

VERSION = "2.2.122"  # of Opik's backend whose calls these are


def vendor(services: Services, intake: Intake) -> Vendor:
    """Return the door of Opik's SDKs."""
    return Vendor(
        name="opik",
        prefixes=("/opik/api", "/api", ""),
        owns=("/v1/private", "/v1/session", "/is-alive"),
        routes=(
            Route("GET", "/is-alive/ping", Right.OPEN, _ping),
            Route("GET", "/is-alive/ver", Right.OPEN, _version),
            *reads.routes(services),
            *Writes(services, intake).routes(),
        ),
        refusal=errors.refusal,
    )


def _ping(_: Call) -> Response:
    return json_response({"message": "Healthy Server", "healthy": True})


def _version(_: Call) -> Response:
    return json_response({"version": VERSION})
