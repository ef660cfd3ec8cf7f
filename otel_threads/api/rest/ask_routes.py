"""Questions in words over REST."""

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field

from otel_threads.api import schemas
from otel_threads.api.rest.route import BASE, ERRORS, json_response
from otel_threads.core.asked import AskAnswer
from otel_threads.core.limits import ID_LENGTH_MAX
from otel_threads.services.asking import QUESTION_LENGTH_MAX, AskService

PATH = f"{BASE}/ask"
NO_MODEL: dict[int | str, dict[str, object]] = {
    501: {"model": schemas.Problem, "description": "No model is set: judge_base_url, judge_model."}
}


class Question(BaseModel):
    """A question in words."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": "Which conversations failed today?"}]},
    )
    question: str = Field(min_length=1, max_length=QUESTION_LENGTH_MAX)
    project: str | None = None
    thread_id: str | None = Field(
        None, max_length=ID_LENGTH_MAX, description="About this thread; else a filter or SQL."
    )


def add_ask(api: FastAPI, asking: AskService) -> None:
    """Add the call."""

    @api.post(PATH, response_model=AskAnswer, responses=ERRORS | NO_MODEL, tags=["ask"])
    def post_ask(body: Question) -> Response:
        """Ask a model: for a filter or SQL, which nobody has run; or about one thread."""
        return json_response(
            asking.ask(body.question, project=body.project, thread_id=body.thread_id)
        )
