"""What every REST call has in common: where it is, and how it fails."""

from otel_threads.api import schemas

BASE = "/api/v1"
ERRORS: dict[int | str, dict[str, object]] = {
    400: {"model": schemas.Problem, "description": "The question cannot be answered as it stands."},
    401: {"model": schemas.Problem, "description": "A token is needed."},
    503: {"model": schemas.Problem, "description": "Not now; the same question may succeed later."},
}
CONFLICT: dict[int | str, dict[str, object]] = {
    409: {"model": schemas.Problem, "description": "A limit of what is kept would be broken."}
}
MISSING: dict[int | str, dict[str, object]] = {
    404: {"model": schemas.Problem, "description": "There is none of that id."}
}
