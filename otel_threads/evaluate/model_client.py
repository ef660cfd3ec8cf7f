"""The one client of a model: any OpenAI-compatible endpoint, with structured answers.

Needs the extra [judge]. It does not retry: who asks knows what waiting costs, and gets told what a
failure means. Endpoints differ in which options they know: one that is refused is left out from
then on, and a schema becomes a plain request for JSON.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otel_threads.core.message import Json
from otel_threads.core.rule_wire import WorkerSettings

OUTPUT_TOKENS_MAX = 2000  # of one answer, reasoning included
ERROR_LENGTH_MAX = 500
CONNECTIONS_MAX = 100
NO_EXTRA = "the extra [judge] is not installed: pip install 'otel-threads[judge]'"
NO_ENDPOINT = "no model is set: judge_base_url and judge_model name any OpenAI-compatible endpoint"
# Wrong settings or a model that is not there: a person has to mend it, then the same run succeeds.
_ENDPOINT_STATUSES = frozenset({401, 402, 403, 404, 405})
_RETRY_STATUSES = frozenset({408, 409, 425, 429})


class ModelError(Exception):
    """The model gave no answer; the text says why, without the conversation.

    `is_retryable`: the same request may succeed later. `is_endpoint_error`: other requests would
    fail alike. `retry_after_s`: what the endpoint asked for.
    """

    def __init__(
        self,
        text: str,
        *,
        is_retryable: bool = False,
        is_endpoint_error: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(text)
        self.is_retryable = is_retryable
        self.is_endpoint_error = is_endpoint_error
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """What a model answered, and what it used; `reported_cost_usd` where the endpoint says it."""

    text: str
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    reported_cost_usd: float | None


class ModelClient:
    """A client of one endpoint. Any thread may ask; requests run at once."""

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None = None,
        model: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        """Connect to nothing yet.

        Raises:
            ModelError: the extra is not installed, or there is no endpoint.
        """
        if not base_url:
            raise ModelError(NO_ENDPOINT)
        try:
            import openai
        except ImportError:
            raise ModelError(NO_EXTRA) from None
        self._openai = openai
        self._client: Any = openai.OpenAI(
            base_url=base_url,
            api_key=api_key or "none",  # the client wants one; local servers do not
            timeout=timeout_s,
            max_retries=0,
        )
        self.model = model
        self._refused: dict[str, set[str]] = {}  # options by the model that does not know them
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: WorkerSettings) -> "ModelClient":
        """Return a client with a server's settings.

        Raises:
            ModelError: as the constructor.
        """
        return cls(
            base_url=settings.base_url,
            api_key=settings.api_key,
            model=settings.model,
            timeout_s=settings.timeout_s,
        )

    def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: Json | None = None,
        model: str | None = None,
        temperature: float | None = 0.0,
        output_tokens_max: int = OUTPUT_TOKENS_MAX,
    ) -> ModelReply:
        """Return the answer to chat messages; with a JSON schema it is asked to be of that shape.

        Raises:
            ModelError: there is none; it says whether a retry may help.
        """
        chosen = model or self.model
        if not chosen:
            raise ModelError("no model is named: judge_model is not set", is_endpoint_error=True)
        options: dict[str, Any] = {
            "temperature": temperature,
            "max_completion_tokens": output_tokens_max,
            "response_format": _format(schema, "json_schema"),
        }
        while True:
            wanted = self._wanted(chosen, options, schema)
            try:
                reply = self._client.chat.completions.create(
                    model=chosen, messages=[*messages], stream=False, **wanted
                )
            except self._openai.BadRequestError as error:
                if not self._refuse(chosen, wanted, _words(error)):
                    raise ModelError(_told("the endpoint refused the request", error)) from None
            except (self._openai.OpenAIError, ValueError) as error:
                raise self._failure(error) from None
            else:
                return _reply(reply)

    def _failure(self, error: Exception) -> ModelError:
        """Return what an error of the client means, but that of a request that was refused."""
        if isinstance(error, self._openai.APIStatusError):
            return _of_status(error)
        if isinstance(error, self._openai.APITimeoutError):
            text = "the model did not answer in time (judge_timeout_s)"
        elif isinstance(error, self._openai.APIConnectionError):
            cause = type(error.__cause__ or error).__name__
            text = f"the endpoint cannot be reached: {cause}"
        else:
            kind = type(error).__name__
            return ModelError(f"the endpoint's answer cannot be read: {kind}", is_retryable=True)
        return ModelError(text, is_retryable=True, is_endpoint_error=True)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _wanted(
        self, model: str, options: Mapping[str, Any], schema: Json | None
    ) -> dict[str, Any]:
        """Return the options that a model has not refused."""
        with self._lock:
            refused = set(self._refused.get(model, ()))
        wanted = {
            name: value
            for name, value in options.items()
            if value is not None and name not in refused
        }
        if "json_schema" in refused and "response_format" in wanted:
            wanted["response_format"] = _format(schema, "json_object")
        return wanted

    def _refuse(self, model: str, wanted: Mapping[str, Any], words: str) -> bool:
        """Note which option a refusal names; return whether one is left out now."""
        with self._lock:
            refused = self._refused.setdefault(model, set())
            for name in wanted:
                is_schema = name == "response_format"
                said = name in words or (is_schema and ("schema" in words or "json" in words))
                if not said:
                    continue
                if is_schema and wanted[name]["type"] == "json_schema":
                    name = "json_schema"
                refused.add(name)
                return True
        return False


def _format(schema: Json | None, kind: str) -> Json | None:
    if schema is None:
        return None
    if kind == "json_object":
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": True},
    }


def _words(error: Any) -> str:
    return f"{getattr(error, 'param', '')} {error}".lower()


def _told(what: str, error: Any) -> str:
    return f"{what}: {error}"[:ERROR_LENGTH_MAX]


def _of_status(error: Any) -> ModelError:
    status = error.status_code
    if status in _ENDPOINT_STATUSES:
        text = f"the endpoint answers {status}: check judge_base_url, judge_api_key, judge_model"
        return ModelError(_told(text, error), is_retryable=True, is_endpoint_error=True)
    if status in _RETRY_STATUSES or status >= 500:
        what = "the endpoint has no room" if status == 429 else "the endpoint failed"
        return ModelError(
            _told(f"{what} ({status})", error),
            is_retryable=True,
            is_endpoint_error=True,
            retry_after_s=_retry_after_s(error),
        )
    return ModelError(_told(f"the endpoint refused the request ({status})", error))


def _retry_after_s(error: Any) -> float | None:
    try:
        found = float(error.response.headers.get("retry-after", ""))
    except (ValueError, AttributeError):
        return None
    return found if 0 <= found < 1e6 else None


def _reply(reply: Any) -> ModelReply:
    """Return what an answer says; whatever it lacks is empty or None."""
    choices = getattr(reply, "choices", None) or []
    message = getattr(choices[0], "message", None) if choices else None
    text = getattr(message, "content", None)
    usage = getattr(reply, "usage", None)
    model = getattr(reply, "model", None)
    return ModelReply(
        text=text if isinstance(text, str) else "",
        model=model if isinstance(model, str) else None,
        input_tokens=_count(getattr(usage, "prompt_tokens", None)),
        output_tokens=_count(getattr(usage, "completion_tokens", None)),
        reported_cost_usd=_cost(getattr(usage, "cost", None)),
    )


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53:
        return value
    return None


def _cost(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e6 else None  # type: ignore[arg-type,operator]
