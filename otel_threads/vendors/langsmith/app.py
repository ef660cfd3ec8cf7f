"""All of LangSmith's calls together."""

from starlette.responses import Response

from otel_threads.services.services import Services
from otel_threads.vendors.call import Call, Right, Route, json_response
from otel_threads.vendors.doors import Vendor

# What silences every warning of the SDK, and makes feedback travel with runs.
VERSION = "0.18.5"
# Without one of these integers the SDK takes none of them.
INGEST_CONFIG = {
    "use_multipart_endpoint": True,
    "size_limit": 100,
    "size_limit_bytes": 20_971_520,
    "scale_up_qsize_trigger": 1000,
    "scale_up_nthreads_limit": 16,
    "scale_down_nempty_trigger": 4,
}


def vendor(services: Services) -> Vendor:
    """Return the door of LangSmith's SDKs."""
    del services
    return Vendor(
        name="langsmith",
        prefixes=("/api/v1", ""),
        owns=("/info",),
        routes=(Route("GET", "/info", Right.OPEN, _info),),
        refusal=refusal,
    )


def refusal(status: int, text: str) -> Response:
    """Return an error in LangSmith's shape."""
    return json_response({"detail": text}, status)


def _info(_: Call) -> Response:
    return json_response(
        {
            "version": VERSION,
            "license_expiration_time": None,
            "batch_ingest_config": INGEST_CONFIG,
            "instance_flags": {"zstd_compression_enabled": True},
        }
    )
