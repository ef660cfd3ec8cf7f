"""The conversation that runs now: carried in OpenTelemetry's own context, read by the processor.

OpenTelemetry's context follows `async` tasks by itself, and threads where the caller copies the
context (`contextvars.copy_context().run`, `asyncio.to_thread`, the threading instrumentation).
"""

import functools
import inspect
import json
from collections.abc import Callable, Generator, Iterable, Mapping
from contextvars import Token
from dataclasses import dataclass, field
from typing import Any, TypeVar

from opentelemetry import baggage as w3c_baggage
from opentelemetry import context, trace
from opentelemetry.context import Context

Function = TypeVar("Function", bound=Callable[..., Any])
KEY = context.create_key("otel-threads-conversation")
THREAD_ID, USER_ID, PROJECT = "otel_threads.thread_id", "user.id", "otel_threads.project"
TAGS, METADATA = "otel_threads.tags", "otel_threads.metadata."
CARRIED = (THREAD_ID, USER_ID, PROJECT)  # in baggage, when asked


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is known of the conversation that runs now."""

    thread_id: str
    user_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    project: str | None = None

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of its spans."""
        found: dict[str, Any] = {THREAD_ID: self.thread_id}
        if self.user_id is not None:
            found[USER_ID] = self.user_id
        if self.project is not None:
            found[PROJECT] = self.project
        if self.tags:
            found[TAGS] = self.tags
        for key, value in self.metadata.items():
            found[f"{METADATA}{key}"] = value
        return found


@dataclass(frozen=True, slots=True)
class Stamp:
    """A conversation with its attributes made ready: a span costs no more than a look-up."""

    conversation: Conversation
    attributes: Mapping[str, Any]


def current() -> Conversation | None:
    """Return the conversation that runs now, None outside of any."""
    found = context.get_value(KEY)
    return found.conversation if isinstance(found, Stamp) else None


class thread:  # read as a verb: with thread("chat-1"):
    """Everything inside belongs to a conversation: `with`, `async with`, or a decorator.

        with otel_threads.thread("chat-1", user_id="ada"):
            agent.run("Hi")

        @otel_threads.thread(lambda request: request.chat_id)
        async def answer(request): ...

    A decorated function may be sync or async, a generator or an async generator. Inside another
    `thread`, the inner id holds; user, project, tags and metadata of the outer one stay unless
    given anew. `ThreadSpanProcessor` writes all of it on the spans.

    Args:
        thread_id: the conversation's id, or a function of the decorated function's arguments.
        user_id: who talks; attribute `user.id`.
        tags: words to find the thread by.
        metadata: keys and values to find it by; values become text.
        project: the project, when not the one of the resource.
        baggage: put id, user and project into W3C baggage too, so that services called from here
            join the conversation. It goes wherever this program's requests go.

    Raises:
        ValueError: the id is empty.
    """

    def __init__(
        self,
        thread_id: str | Callable[..., str],
        *,
        user_id: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        project: str | None = None,
        baggage: bool = False,
    ) -> None:
        if isinstance(tags, str):
            raise ValueError("tags is a list of words, not one text")
        if not callable(thread_id) and not str(thread_id).strip():
            raise ValueError("thread_id is empty")
        self._thread_id = thread_id
        self._user_id = user_id
        self._tags = tuple(tags)
        self._metadata = {str(k): _text(v) for k, v in (metadata or {}).items()}
        self._project = project
        self._baggage = baggage
        self._tokens: list[Token[Context]] = []  # one for each entry that is open

    def __enter__(self) -> Conversation:
        if callable(self._thread_id):
            raise ValueError("a function as thread_id needs a decorated function's arguments")
        return self._enter(self._thread_id)

    def __exit__(self, *_: object) -> None:
        context.detach(self._tokens.pop())

    async def __aenter__(self) -> Conversation:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    def __call__(self, function: Function) -> Function:
        """Decorate a function: each call is inside the conversation."""
        if inspect.isasyncgenfunction(function):
            made: Any = self._async_generator(function)
        elif inspect.iscoroutinefunction(function):
            made = self._coroutine(function)
        elif inspect.isgeneratorfunction(function):
            made = self._generator(function)
        else:
            made = self._plain(function)
        return functools.wraps(function)(made)  # type: ignore[return-value]

    def _plain(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            with self._of(given, named):
                return function(*given, **named)

        return call

    def _coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*given: Any, **named: Any) -> Any:
            with self._of(given, named):
                return await function(*given, **named)

        return call

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Generator[Any, Any, Any]:
            scope, running = self._of(given, named), function(*given, **named)
            step: Callable[[], Any] = functools.partial(next, running)
            try:
                while True:
                    # Only while it runs: between its values, the caller's own context holds.
                    try:
                        with scope:
                            value = step()
                    except StopIteration as end:
                        return end.value
                    try:
                        sent = yield value
                        step = functools.partial(running.send, sent)
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001  # thrown in: it belongs to the function
                        step = functools.partial(running.throw, error)
            finally:
                with scope:
                    running.close()

        return call

    def _async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*given: Any, **named: Any) -> Any:
            scope, running = self._of(given, named), function(*given, **named)
            step: Callable[[], Any] = running.__anext__
            try:
                while True:
                    try:
                        with scope:
                            value = await step()
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield value
                        step = functools.partial(running.asend, sent)
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001  # thrown in: it belongs to the function
                        step = functools.partial(running.athrow, error)
            finally:
                with scope:
                    await running.aclose()

        return call

    def _of(self, given: tuple[Any, ...], named: dict[str, Any]) -> "thread":
        """Return an entry of one call, so that calls at the same time do not mix."""
        found = self._thread_id(*given, **named) if callable(self._thread_id) else self._thread_id
        return thread(
            found, user_id=self._user_id, tags=self._tags, metadata=self._metadata,
            project=self._project, baggage=self._baggage,
        )  # fmt: skip

    def _enter(self, thread_id: str) -> Conversation:
        _see_to_processor()
        outer = current() or Conversation("")
        conversation = Conversation(
            str(thread_id),
            self._user_id if self._user_id is not None else outer.user_id,
            tuple(dict.fromkeys((*outer.tags, *self._tags))),
            {**outer.metadata, **self._metadata},
            self._project if self._project is not None else outer.project,
        )
        attributes = conversation.attributes()
        inside = context.set_value(KEY, Stamp(conversation, attributes))
        if self._baggage:
            for name in CARRIED:
                if name in attributes:
                    inside = w3c_baggage.set_baggage(name, attributes[name], inside)
        self._tokens.append(context.attach(inside))
        return conversation


_seen: Any = None  # the tracer provider that was looked at last


def _see_to_processor() -> None:
    """Add a `ThreadSpanProcessor` to the global provider of a program that made none itself.

    So that zero-code instrumentation, where nobody writes the set-up, needs no more than `thread`.
    """
    global _seen
    provider = trace.get_tracer_provider()
    if provider is _seen:
        return
    _seen = provider
    add = getattr(provider, "add_span_processor", None)
    if add is None:  # none is set up (yet)
        return
    from otel_threads.sdk.processor import ThreadSpanProcessor

    if not ThreadSpanProcessor.is_in_use:
        add(ThreadSpanProcessor())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
