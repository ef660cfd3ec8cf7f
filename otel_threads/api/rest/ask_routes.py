"""Questions in words over REST."""

from fastapi import FastAPI, Response

from otel_threads.api import bodies, schemas
from otel_threads.api.rest.route import BASE, ERRORS, json_response
from otel_threads.core.asked import AskAnswer
from otel_threads.services.asking import AskService

PATH = f"{BASE}/ask"
NO_MODEL: dict[int | str, dict[str, object]] = {
    501: {"model": schemas.Problem, "description": "No model is set: judge_base_url, judge_model."}
}


def add_ask(api: FastAPI, asking: AskService) -> None:
    """Add the call."""

    @api.post(PATH, response_model=AskAnswer, responses=ERRORS | NO_MODEL, tags=["ask"])
    def post_ask(body: bodies.Question) -> Response:
        """Ask a model: for a filter or SQL, which nobody has run; or about one thread."""
        return json_response(asking.ask(**body.given()))
