"""All of LangSmith's calls together."""

from starlette.responses import Response

from otel_threads.core.ports import Intake
from otel_threads.services.services import Services
from otel_threads.vendors.call import Call, Right, Route, json_response
from otel_threads.vendors.doors import Vendor
from otel_threads.vendors.langsmith.attachments import Attachments
from otel_threads.vendors.langsmith.feedback_routes import FeedbackCalls
from otel_threads.vendors.langsmith.feedback_tokens import FeedbackTokens
from otel_threads.vendors.langsmith.ingest_routes import IngestCalls
from otel_threads.vendors.langsmith.projects import Projects, SessionCalls
from otel_threads.vendors.langsmith.run_query import RunReader
from otel_threads.vendors.langsmith.run_routes import RunCalls
from otel_threads.vendors.langsmith.thread_routes import ThreadCalls
from otel_threads.vendors.langsmith.threads import ThreadReader

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


def vendor(services: Services, intake: Intake, *, values_max: int) -> Vendor:
    """Return the door of LangSmith's SDKs. `values_max` bounds the JSON of one part of a body."""
    projects = Projects(services.threads, services.records, services.workspace, services.deletion)
    runs = RunReader(services.spans, services.feedback, services.records, services.workspace)
    files = Attachments(services.workspace)
    said = FeedbackCalls(services.feedback, projects, runs)
    runs.on_read = said.link
    threads = ThreadReader(services.threads, runs, services.feedback)
    ingest = IngestCalls(intake, projects, runs, said, files, values_max=values_max)
    return Vendor(
        name="langsmith",
        prefixes=("/api/v1", ""),
        owns=(
            *("/info", "/sessions", "/runs", "/feedback"),
            *("/api/v2/threads", "/api/v2/runs", "/api/v2/traces"),
        ),
        routes=(
            Route("GET", "/info", Right.OPEN, _info),
            *ingest.routes(),
            *files.routes(),
            *RunCalls(projects, runs, files).routes(),
            *ThreadCalls(projects, threads).routes(),
            *SessionCalls(projects).routes(),
            *FeedbackTokens(services.workspace, said).routes(),
            *said.routes(),
        ),
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
