"""REST calls about the store itself: backup and pruning."""

from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from otel_threads.api import store_schemas
from otel_threads.api.rest.route import BASE, ERRORS, BlocksResponse, json_response
from otel_threads.core.changes import Pruned
from otel_threads.services.backing_up import BackupService
from otel_threads.services.pruning import PruningService

MEDIA_TYPE = "application/vnd.duckdb"


def add_store(api: FastAPI, backups: BackupService, pruning: PruningService) -> None:
    """Add the calls."""

    @api.get(
        f"{BASE}/backup",
        response_class=StreamingResponse,
        responses=ERRORS | {200: {"content": {MEDIA_TYPE: {}}, "description": "A DuckDB file."}},
        tags=["server"],
    )
    def get_backup() -> StreamingResponse:
        """Get the whole database as one consistent file, while spans arrive.

        Header `x-otel-threads-sequence` is the last commit that it holds.
        """
        sequence, copy = backups.begin()
        return BlocksResponse(
            copy,
            media_type=MEDIA_TYPE,
            headers={
                "content-length": str(copy.size_bytes),
                "x-otel-threads-sequence": str(sequence),
                "content-disposition": 'attachment; filename="otel-threads-backup.duckdb"',
            },
        )

    @api.post(f"{BASE}/prune", response_model=Pruned, responses=ERRORS, tags=["server"])
    def post_prune(body: store_schemas.Prune) -> Response:
        """Delete a slice of the oldest traces with all that hangs on them; there is no way back.

        Call again while `remaining` is above 0. `dry_run` only counts.
        """
        return json_response(pruning.prune(**body.model_dump()))
