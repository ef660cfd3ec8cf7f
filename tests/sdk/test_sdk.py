"""thread() and ThreadSpanProcessor with the real OpenTelemetry SDK: every way in which code runs."""

import asyncio
import concurrent.futures
import contextvars
import subprocess
import sys
from typing import ClassVar

import httpx
import pytest
from opentelemetry import baggage, context, propagate
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_threads
from otel_threads import ThreadSpanProcessor, thread

ID = "otel_threads.thread_id"


@pytest.fixture
def kept():
    return InMemorySpanExporter()


@pytest.fixture
def tracer(kept):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ThreadSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(kept))
    yield provider.get_tracer("tests")
    provider.shutdown()


def ids(kept) -> dict[str, str | None]:
    return {span.name: span.attributes.get(ID) for span in kept.get_finished_spans()}


def test_everything_inside_is_stamped(tracer, kept):
    about = {"tags": ["a", "b"], "metadata": {"plan": "pro", "n": 3}, "project": "p"}
    with thread("chat-1", user_id="ada", **about), tracer.start_as_current_span("outer"):
        tracer.start_span("inner").end()
    with tracer.start_as_current_span("after"):
        pass
    assert ids(kept) == {"inner": "chat-1", "outer": "chat-1", "after": None}
    assert dict(kept.get_finished_spans()[0].attributes) == {
        ID: "chat-1",
        "user.id": "ada",
        "otel_threads.tags": ("a", "b"),
        "otel_threads.project": "p",
        "otel_threads.metadata.plan": "pro",
        "otel_threads.metadata.n": "3",
    }


def test_the_inner_id_holds_and_the_rest_is_inherited(tracer, kept):
    with thread("outer", user_id="ada", tags=["a"], metadata={"k": "1"}):
        with thread("inner", tags=["b"], metadata={"k": "2"}) as conversation:
            assert (conversation.thread_id, conversation.user_id) == ("inner", "ada")
            tracer.start_span("in").end()
        tracer.start_span("out").end()
        assert otel_threads.current().thread_id == "outer"
    assert otel_threads.current() is None
    inner, outer = (dict(span.attributes) for span in kept.get_finished_spans())
    assert (inner[ID], inner["user.id"], inner["otel_threads.tags"]) == ("inner", "ada", ("a", "b"))
    assert inner["otel_threads.metadata.k"] == "2"
    assert (outer[ID], outer["otel_threads.metadata.k"]) == ("outer", "1")


def test_what_a_span_has_of_its_own_is_kept(tracer, kept):
    with thread("chat-1", user_id="ada"):
        tracer.start_span("own", attributes={"user.id": "bob", ID: "other"}).end()
    assert dict(kept.get_finished_spans()[0].attributes) == {"user.id": "bob", ID: "other"}


def test_an_error_leaves_it(tracer, kept):
    with pytest.raises(KeyError), thread("chat-1"):
        raise KeyError
    assert otel_threads.current() is None


def test_decorators(tracer, kept):
    @thread("fixed")
    def plain(a, *, b):
        """What it does."""
        tracer.start_span("plain").end()
        return a + b

    @thread(lambda chat_id, text: chat_id, tags=["t"])
    def by_argument(chat_id, text):
        tracer.start_span(text).end()
        return otel_threads.current().thread_id

    assert plain(1, b=2) == 3
    assert (plain.__name__, plain.__doc__) == ("plain", "What it does.")
    assert [by_argument("x", "one"), by_argument("y", text="two")] == ["x", "y"]
    assert ids(kept) == {"plain": "fixed", "one": "x", "two": "y"}


def test_a_decorated_function_that_calls_itself(tracer, kept):
    @thread(lambda n: f"chat-{n}")
    def down(n):
        if n:
            down(n - 1)
        tracer.start_span(f"span-{n}").end()

    down(3)
    assert ids(kept) == {f"span-{n}": f"chat-{n}" for n in range(4)}


def test_async_tasks_at_once_do_not_mix(tracer, kept):
    @thread(lambda n: f"chat-{n}")
    async def answer(n):
        for step in range(3):
            await asyncio.sleep(0)
            tracer.start_span(f"{n}/{step}").end()
        return n

    async def main():
        async def by_with(n):
            async with thread(f"chat-{n}"):
                await asyncio.sleep(0)
                tracer.start_span(f"{n}/with").end()

        return await asyncio.gather(
            *(answer(n) for n in range(20)), *(by_with(n) for n in range(20))
        )

    asyncio.run(main())
    found = ids(kept)
    assert len(found) == 80
    assert all(value == f"chat-{name.partition('/')[0]}" for name, value in found.items())


def test_generators_hold_it_while_they_run_and_only_then(tracer, kept):
    @thread("gen")
    def stream():
        tracer.start_span("first").end()
        got = yield 1
        tracer.start_span(f"got {got}").end()
        try:
            yield 2
        except ValueError:
            tracer.start_span("thrown").end()
            yield 3
        return "end"

    with thread("caller"):
        running = stream()
        assert next(running) == 1
        tracer.start_span("between").end()
        assert running.send("it") == 2
        assert running.throw(ValueError()) == 3
        with pytest.raises(StopIteration) as end:
            next(running)
        assert end.value.value == "end"
    assert otel_threads.current() is None
    assert ids(kept) == {"first": "gen", "between": "caller", "got it": "gen", "thrown": "gen"}


def test_a_generator_that_is_left_early_cleans_up_inside(tracer, kept):
    @thread("gen")
    def stream():
        try:
            yield 1
        finally:
            tracer.start_span("cleaned").end()

    running = stream()
    next(running)
    running.close()
    assert ids(kept) == {"cleaned": "gen"}
    assert otel_threads.current() is None


def test_async_generators(tracer, kept):
    @thread(lambda chat: chat)
    async def stream(chat):
        for n in range(2):
            await asyncio.sleep(0)
            tracer.start_span(f"{chat}/{n}").end()
            got = yield n
            if got:
                tracer.start_span(f"{chat}/got").end()

    async def main():
        seen = []
        async for n in stream("a"):
            tracer.start_span(f"between {n}").end()
            seen.append(n)
        running = stream("b")
        await running.__anext__()
        await running.asend("x")
        await running.aclose()
        return seen

    assert asyncio.run(main()) == [0, 1]
    assert ids(kept) == {
        "a/0": "a",
        "between 0": None,
        "a/1": "a",
        "between 1": None,
        "b/0": "b",
        "b/got": "b",
        "b/1": "b",
    }


def test_thread_pools(tracer, kept):
    def work(name):
        tracer.start_span(name).end()

    async def by_asyncio():
        async with thread("asyncio"):
            await asyncio.to_thread(work, "to_thread")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with thread("copied"):
            pool.submit(contextvars.copy_context().run, work, "copy_context").result()
            pool.submit(work, "bare").result()
            inside = context.get_current()
        parent = tracer.start_span("parent", context=inside)
        parent.end()
    asyncio.run(by_asyncio())
    assert ids(kept) == {
        "copy_context": "copied",
        "bare": None,
        "parent": "copied",
        "to_thread": "asyncio",
    }


def test_baggage_joins_services(tracer, kept):
    headers: dict[str, str] = {}
    with thread("chat-1", user_id="ada", baggage=True):
        propagate.inject(headers)
    assert "chat-1" in headers["baggage"]
    with thread("private", user_id="ada"):
        quiet: dict[str, str] = {}
        propagate.inject(quiet)
    assert "baggage" not in quiet
    arrived = context.attach(propagate.extract(headers))
    tracer.start_span("downstream").end()
    with thread("here"):
        tracer.start_span("own").end()
    context.detach(arrived)
    assert ids(kept) == {"downstream": "chat-1", "own": "here"}
    assert kept.get_finished_spans()[0].attributes["user.id"] == "ada"
    deaf = TracerProvider(shutdown_on_exit=False)
    deaf.add_span_processor(ThreadSpanProcessor(from_baggage=False))
    arrived = context.attach(propagate.extract(headers))
    assert ID not in (deaf.get_tracer("x").start_span("a").attributes or {})
    context.detach(arrived)
    assert not baggage.get_all()


def test_it_raises_nothing_and_leaves_other_processors_alone(kept):
    class Loud(SpanProcessor):
        seen: ClassVar[list[str]] = []

        def on_start(self, span, parent_context=None):
            self.seen.append(span.name)

    provider = TracerProvider(shutdown_on_exit=False)
    for processor in (Loud(), ThreadSpanProcessor(), SimpleSpanProcessor(kept)):
        provider.add_span_processor(processor)
    tracer = provider.get_tracer("x")
    token = context.attach(context.set_value("otel-threads-conversation", object()))
    tracer.start_span("odd").end()
    context.detach(token)
    ThreadSpanProcessor().on_start(None, None)
    with thread("x"):
        ThreadSpanProcessor().on_start(None, None)
    assert Loud.seen == ["odd"]
    provider.force_flush()
    provider.shutdown()


def test_wrong_use_is_told():
    for wrong in (lambda: thread(""), lambda: thread("  "), lambda: thread("x", tags="abc")):
        with pytest.raises(ValueError):
            wrong()
    with pytest.raises(ValueError, match="decorated"), thread(lambda: "x"):
        pass


def test_it_becomes_a_thread_in_the_server(make_server):
    server = make_server()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ThreadSpanProcessor())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{server.otlp}/v1/traces")))
    tracer = provider.get_tracer("an.instrumentation.that.knows.nothing.of.us")
    with thread("chat-7", user_id="ada", tags=["vip"], metadata={"plan": "pro"}):
        for text in ("Hello", "And again"):
            with (
                tracer.start_as_current_span("agent"),
                tracer.start_as_current_span(
                    "chat",
                    attributes={
                        "gen_ai.operation.name": "chat",
                        "gen_ai.request.model": "m",
                        "gen_ai.input.messages": f'[{{"role":"user","parts":[{{"type":"text","content":"{text}"}}]}}]',
                    },
                ) as span,
            ):
                otel_threads.score("helpful", 0.9, reason="so", as_event=True)
                span.set_attribute(
                    "gen_ai.output.messages",
                    '[{"role":"assistant","parts":[{"type":"text","content":"Yes"}]}]',
                )
    provider.shutdown()
    server.wait_derived()
    (found,) = server.get("/threads")["items"]
    assert (found["thread_id"], found["turn_count"], found["users"], found["tags"]) == (
        "chat-7",
        2,
        ["ada"],
        ["vip"],
    )
    assert found["metadata"] == {"plan": "pro"}
    assert found["thread_id_source"] == ID
    scores = server.get("/scores", thread_id="chat-7")["items"]
    assert {(s["name"], s["value"], s["source"], s["reason"]) for s in scores} == {
        ("helpful", 0.9, "otel", "so")
    }


def test_feedback_goes_to_the_server(make_server, monkeypatch):
    from otel_threads.sdk import feedback

    server = make_server(write_token="w", read_token="r")
    monkeypatch.setenv("OTEL_THREADS_ENDPOINT", server.api.removesuffix("/api/v1"))
    monkeypatch.setenv("OTEL_THREADS_TOKEN", "w")
    monkeypatch.setattr(feedback, "_remote", None)
    with thread("chat-1"):
        otel_threads.score("quality", 0.5, reason="meh", author="ada")  # before it arrived
        otel_threads.comment("look here", author="ada")
        with pytest.raises(otel_threads.core.errors.NotFound, match="no span of it"):
            otel_threads.tag("vip")
    from builders import a_chat, a_request

    server.post(a_request(a_chat("chat-1", "hi", "ho")))
    given = {"authorization": "Bearer r"}

    def thread_now() -> dict:
        return httpx.get(
            f"{server.api}/threads/get", params={"thread_id": "chat-1"}, headers=given
        ).json()

    from conftest import wait_until

    wait_until(lambda: "turn_count" in thread_now(), "the thread")
    with thread("chat-1"):
        otel_threads.tag("vip")
    otel_threads.score("quality", category="good", author="bob", thread_id="chat-1")
    found = thread_now()
    assert (found["tags"], found["comment_count"]) == (["vip"], 1)
    assert {(s["name"], s["source"]) for s in found["scores"]} == {("quality", "sdk")}
    for wrong in (
        lambda: otel_threads.score("x", 1),
        lambda: otel_threads.comment("x"),
        lambda: otel_threads.tag("x"),
        lambda: otel_threads.score("x", thread_id="a"),
        lambda: otel_threads.tag(thread_id="a"),
        lambda: otel_threads.score("x", 1, as_event=True),
    ):
        with pytest.raises(ValueError):
            wrong()
    feedback._remote.close()


def test_the_sdk_loads_no_database_and_no_web_framework():
    code = """
import sys, otel_threads
from otel_threads import thread, ThreadSpanProcessor, score, comment, tag
heavy = {'duckdb', 'grpc', 'fastapi', 'starlette', 'uvicorn', 'pyarrow', 'numpy', 'pydantic'} & set(sys.modules)
assert not heavy, heavy
import otel_threads.sdk.client
heavy = {'duckdb', 'grpc', 'fastapi', 'starlette', 'uvicorn', 'pyarrow', 'numpy', 'pydantic'} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_program_that_set_up_no_processor_gets_one():
    code = """
import otel_threads
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
with otel_threads.thread("early"):  # before anything is set up
    pass
trace.set_tracer_provider(TracerProvider())
with otel_threads.thread("chat-1"):
    span = trace.get_tracer("x").start_span("a")
assert dict(span.attributes) == {"otel_threads.thread_id": "chat-1"}
with otel_threads.thread("chat-2"):
    span = trace.get_tracer("x").start_span("a")
assert dict(span.attributes) == {"otel_threads.thread_id": "chat-2"}
assert len(trace.get_tracer_provider()._active_span_processor._span_processors) == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True)
